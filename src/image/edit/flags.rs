//! Flags between an instruction's keyword and the rest: `--interval=5s`.

use std::str::Chars;

use super::ChangeError;

/// Splits the flags off, unquoted; the rest begins at the first word that is not a flag, or after `--`.
pub(super) fn extract(text: &str) -> (Vec<String>, &str) {
    let mut flags = Vec::new();
    let mut chars = text.chars();
    loop {
        let rest = chars.as_str().trim_start();
        if !rest.starts_with("--") {
            return (flags, rest);
        }
        chars = rest.chars();
        let word = word(&mut chars);
        if word == "--" {
            return (flags, chars.as_str());
        }
        flags.push(word);
    }
}

/// The next word without its quotes. Backslashes work in all quotes here, whatever the escape character is.
fn word(chars: &mut Chars<'_>) -> String {
    let mut word = String::new();
    let mut quote = None;
    loop {
        let before = chars.clone();
        let Some(next) = chars.next() else { return word };
        match (next, quote) {
            ('\\', _) => word.extend(chars.next()),
            (next, Some(open)) if next == open => quote = None,
            ('\'' | '"', None) => quote = Some(next),
            (next, None) if next.is_whitespace() => {
                *chars = before;
                return word;
            }
            (next, _) => word.push(next),
        }
    }
}

/// The values of the flags that an instruction knows, in the order of `known`.
pub(super) fn values<const N: usize>(
    flags: &[String],
    known: [&'static str; N],
) -> Result<[Option<String>; N], ChangeError> {
    let mut values = [const { None }; N];
    for flag in flags {
        let flag = flag.strip_prefix("--").unwrap_or(flag);
        let (name, value) = flag.split_once('=').map_or((flag, None), |(name, value)| (name, Some(value)));
        let Some(place) = known.iter().position(|known| *known == name) else {
            return Err(ChangeError::UnknownFlag { flag: name.to_owned() });
        };
        if values[place].is_some() {
            return Err(ChangeError::DuplicateFlag { flag: name.to_owned() });
        }
        let Some(value) = value else {
            return Err(ChangeError::FlagWithoutValue { flag: name.to_owned() });
        };
        values[place] = Some(value.to_owned());
    }
    Ok(values)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn flags_are_split_off() {
        let cases: [(&str, &[&str], &str); 9] = [
            ("", &[], ""),
            ("a --b", &[], "a --b"),
            ("--a b", &["--a"], "b"),
            ("--a=1   --b=2", &["--a=1", "--b=2"], ""),
            ("--a=\"x \\\" y\" z", &["--a=x \" y"], "z"),
            ("--a='x \\' y", &["--a=x ' y"], ""),
            ("--a\\", &["--a"], ""),
            ("-- --b", &[], " --b"),
            ("--é=ü ö", &["--é=ü"], "ö"),
        ];
        for (text, flags, rest) in cases {
            assert_eq!(extract(text), (flags.iter().map(|flag| (*flag).to_owned()).collect(), rest), "{text:?}");
        }
    }

    #[test]
    fn only_known_flags_with_one_value_each() {
        let read = |flags: &[&str]| {
            let flags: Vec<String> = flags.iter().map(|flag| (*flag).to_owned()).collect();
            values(&flags, ["a", "b"]).map_err(|error| error.to_string())
        };
        assert_eq!(read(&[]), Ok([None, None]));
        assert_eq!(read(&["--b=x=y"]), Ok([None, Some("x=y".to_owned())]));
        assert_eq!(read(&["--a="]), Ok([Some(String::new()), None]));
        assert_eq!(read(&["--c=1"]), Err("unknown flag: c".to_owned()));
        assert_eq!(read(&["--a=1", "--a=2"]), Err("duplicate flag specified: a".to_owned()));
        assert_eq!(read(&["--a"]), Err("missing a value on flag: a".to_owned()));
    }
}
