//! Paths, as Go's `path/filepath` cleans them.

/// A path without doubled slashes, `.`, and names before `..`; a dot if nothing is left.
pub fn clean(path: &[u8]) -> Vec<u8> {
    let is_absolute = path.starts_with(b"/");
    let mut names: Vec<&[u8]> = Vec::new();
    for name in path.split(|byte| *byte == b'/') {
        match name {
            b"" | b"." => {}
            b".." if names.last().is_some_and(|last| *last != b"..") => drop(names.pop()),
            b".." if is_absolute => {}
            name => names.push(name),
        }
    }
    let joined = names.join(&b'/');
    match (is_absolute, joined.is_empty()) {
        (true, _) => [b"/".to_vec(), joined].concat(),
        (false, true) => b".".to_vec(),
        (false, false) => joined,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn by_their_letters() {
        let cases = [
            ("a", "a"),
            ("a/", "a"),
            ("./a/./b//", "a/b"),
            ("none/..", "."),
            ("../../x", "../../x"),
            ("a/../../x", "../x"),
            ("/../x/.", "/x"),
            ("/", "/"),
            ("", "."),
        ];
        for (typed, expected) in cases {
            assert_eq!(String::from_utf8_lossy(&clean(typed.as_bytes())), expected, "{typed}");
        }
    }
}
