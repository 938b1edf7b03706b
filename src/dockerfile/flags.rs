//! Flags between an instruction's keyword and the rest: `--interval=5s`.

use std::str::Chars;

use super::error::Fault;
use super::near;

/// The flags of an instruction, taken one after the other by what the instruction knows.
pub(super) struct Flags {
    /// Each with its value; taken ones are gone.
    left: Vec<(String, Option<String>)>,
    known: Vec<&'static str>,
}

impl Flags {
    /// The flags of a line, `--name=value` each.
    pub(super) fn new(flags: &[String]) -> Self {
        let split = |flag: &String| {
            let flag = flag.strip_prefix("--").unwrap_or(flag);
            match flag.split_once('=') {
                Some((name, value)) => (name.to_owned(), Some(value.to_owned())),
                None => (flag.to_owned(), None),
            }
        };
        Self { left: flags.iter().map(split).collect(), known: Vec::new() }
    }

    /// All values of a flag that may be given several times.
    pub(super) fn values(&mut self, name: &'static str) -> Result<Vec<String>, Fault> {
        let values = self.take(name).into_iter();
        values.map(|value| value.ok_or(Fault::FlagWithoutValue { flag: name.to_owned() })).collect()
    }

    /// The value of a flag.
    pub(super) fn value(&mut self, name: &'static str) -> Result<Option<String>, Fault> {
        let mut values = self.values(name)?;
        if values.len() > 1 {
            return Err(Fault::DuplicateFlag { flag: name.to_owned() });
        }
        Ok(values.pop())
    }

    /// Whether a flag is set.
    pub(super) fn switch(&mut self, name: &'static str) -> Result<bool, Fault> {
        Ok(self.maybe_switch(name)?.unwrap_or_default())
    }

    /// Whether a flag is set; none if it is not given.
    pub(super) fn maybe_switch(&mut self, name: &'static str) -> Result<Option<bool>, Fault> {
        let mut values = self.take(name);
        if values.len() > 1 {
            return Err(Fault::DuplicateFlag { flag: name.to_owned() });
        }
        values.pop().map(|value| boolean(name, value.as_deref())).transpose()
    }

    fn take(&mut self, name: &'static str) -> Vec<Option<String>> {
        self.known.push(name);
        let (taken, left) = std::mem::take(&mut self.left).into_iter().partition(|(other, _)| other == name);
        self.left = left;
        let taken: Vec<(String, Option<String>)> = taken;
        taken.into_iter().map(|(_, value)| value).collect()
    }

    /// Fails if a flag was not taken.
    pub(super) fn finish(&self) -> Result<(), Fault> {
        match self.left.first() {
            None => Ok(()),
            Some((flag, _)) => {
                let suggestion = near::nearest(flag, &self.known).map(str::to_owned);
                Err(Fault::UnknownFlag { flag: flag.clone(), suggestion })
            }
        }
    }
}

/// What docker takes for yes and no.
fn boolean(flag: &'static str, value: Option<&str>) -> Result<bool, Fault> {
    match value {
        None => Ok(true),
        Some("") => Ok(false),
        Some(value) => match value.to_ascii_lowercase().as_str() {
            "true" => Ok(true),
            "false" => Ok(false),
            _ => Err(Fault::Boolean { flag, value: value.to_owned() }),
        },
    }
}

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
            let mut flags = Flags::new(&flags);
            let read = |flags: &mut Flags| Ok::<_, Fault>([flags.value("a")?, flags.value("b")?]);
            read(&mut flags).and_then(|values| flags.finish().map(|()| values)).map_err(|error| error.to_string())
        };
        assert_eq!(read(&[]), Ok([None, None]));
        assert_eq!(read(&["--b=x=y"]), Ok([None, Some("x=y".to_owned())]));
        assert_eq!(read(&["--a="]), Ok([Some(String::new()), None]));
        assert_eq!(read(&["--c=1"]), Err("unknown flag: --c".to_owned()));
        assert_eq!(read(&["--a=1", "--a=2"]), Err("duplicate flag specified: a".to_owned()));
        assert_eq!(read(&["--a"]), Err("missing a value on flag: a".to_owned()));
    }
}
