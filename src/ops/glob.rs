//! Patterns for names, as Go's `path.Match` reads them.

use crate::oci::Reference;

/// Whether `pattern` matches all of `name`: `*` is any run of characters but `/`, `?` one of them, `[a-z]` and `[^a-z]`
/// one of or outside a set, `\` takes the next character as it is. A malformed pattern matches nothing.
pub fn matches(pattern: &str, name: &str) -> bool {
    let (pattern, name): (Vec<char>, Vec<char>) = (pattern.chars().collect(), name.chars().collect());
    matches_from(&pattern, &name)
}

/// Whether a pattern is well-formed: its sets are closed, and it has no trailing backslash.
pub fn is_pattern(pattern: &str) -> bool {
    let pattern: Vec<char> = pattern.chars().collect();
    let mut at = 0;
    while let Some(element) = pattern.get(at) {
        let next = match element {
            '[' => set_end(&pattern, at + 1),
            '\\' => (at + 1 < pattern.len()).then_some(at + 2),
            _ => Some(at + 1),
        };
        let Some(next) = next else { return false };
        at = next;
    }
    true
}

/// Where the pattern goes on behind a set.
fn set_end(pattern: &[char], mut at: usize) -> Option<usize> {
    at += usize::from(pattern.get(at) == Some(&'^'));
    loop {
        let (_, next) = member(pattern, at)?;
        at = if pattern.get(next) == Some(&'-') { member(pattern, next + 1)?.1 } else { next };
        if *pattern.get(at)? == ']' {
            return Some(at + 1);
        }
    }
}

/// Whether a pattern matches a name, in its familiar or its full form: `ubuntu*`, `*/app:1.?`, `docker.io/library/*`.
pub fn matches_reference(pattern: &str, name: &Reference) -> bool {
    let forms = [name.familiar(), name.familiar_name(), name.canonical(), name.name()];
    forms.iter().any(|form| matches(pattern, form))
}

/// Backtracks only to the last star, so that the work is bounded by the product of the lengths.
fn matches_from(pattern: &[char], name: &[char]) -> bool {
    let (mut at, mut place) = (0, 0);
    let mut star: Option<(usize, usize)> = None;
    while place < name.len() {
        if pattern.get(at) == Some(&'*') {
            star = Some((at + 1, place));
            at += 1;
            continue;
        }
        if let Some(next) = one(pattern, at, name[place]) {
            (at, place) = (next, place + 1);
            continue;
        }
        match star {
            Some((after, from)) if name[from] != '/' => {
                star = Some((after, from + 1));
                (at, place) = (after, from + 1);
            }
            _ => return false,
        }
    }
    pattern[at.min(pattern.len())..].iter().all(|left| *left == '*')
}

/// The position after the next element of the pattern, if that matches the character.
fn one(pattern: &[char], at: usize, character: char) -> Option<usize> {
    match pattern.get(at)? {
        '?' => (character != '/').then_some(at + 1),
        '[' => set(pattern, at + 1, character),
        '\\' => (*pattern.get(at + 1)? == character).then_some(at + 2),
        plain => (*plain == character).then_some(at + 1),
    }
}

/// What follows a `[`: members and ranges up to `]`, of which there is at least one.
fn set(pattern: &[char], mut at: usize, character: char) -> Option<usize> {
    let negated = pattern.get(at) == Some(&'^');
    at += usize::from(negated);
    let mut found = false;
    loop {
        let (low, next) = member(pattern, at)?;
        let (high, next) = if pattern.get(next) == Some(&'-') { member(pattern, next + 1)? } else { (low, next) };
        found |= (low..=high).contains(&character);
        at = next;
        if *pattern.get(at)? == ']' {
            return (found != negated).then_some(at + 1);
        }
    }
}

/// A character of a set, and the position after it.
fn member(pattern: &[char], at: usize) -> Option<(char, usize)> {
    match pattern.get(at)? {
        '-' | ']' => None,
        '\\' => Some((*pattern.get(at + 1)?, at + 2)),
        plain => Some((*plain, at + 1)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn as_go_matches() {
        let yes = [
            ("ubuntu", "ubuntu"),
            ("ubu*", "ubuntu"),
            ("*", "ubuntu"),
            ("a/*", "a/b"),
            ("*/b", "a/b"),
            ("a?c", "abc"),
            ("[a-c]x", "bx"),
            ("[^a-c]x", "dx"),
            ("a\\*", "a*"),
            ("*:1*", "r:14"),
            ("**", "x"),
        ];
        for (pattern, name) in yes {
            assert!(matches(pattern, name), "{pattern} {name}");
        }
        let no = [
            ("ubu", "ubuntu"),
            ("*", "a/b"),
            ("a?b", "a/b"),
            ("[a-c]x", "dx"),
            ("[", "a"),
            ("a\\", "a"),
            ("", "a"),
            ("[]a]", "a"),
        ];
        for (pattern, name) in no {
            assert!(!matches(pattern, name), "{pattern} {name}");
        }
    }

    #[test]
    fn patterns() {
        for good in ["", "a*", "[a-c]", "[^a]x", "\\*", "[\\]]"] {
            assert!(is_pattern(good), "{good}");
        }
        for bad in ["[", "[a", "[a-", "a\\", "[]a]", "[^"] {
            assert!(!is_pattern(bad), "{bad}");
        }
    }

    #[test]
    fn many_stars_take_no_time() {
        assert!(!matches(&"a*".repeat(200), &"a".repeat(5000).replace("aaaaa", "aaaab/")));
    }
}
