//! `-perm`: permissions in octal or in the letters of `chmod`.

/// Permissions that are asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Permissions {
    how: How,
    file: u32,
    directory: u32,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum How {
    /// Exactly these.
    Exactly,
    /// `-MODE`: all of these.
    All,
    /// `/MODE`: any of these.
    Any,
}

impl Permissions {
    /// Reads what stands behind `-perm`.
    pub(super) fn read(text: &str) -> Option<Self> {
        let (how, text) = match text.split_at_checked(1)? {
            ("-", rest) => (How::All, rest),
            ("/", rest) => (How::Any, rest),
            _ => (How::Exactly, text),
        };
        Some(Self { how, file: mode(text, false)?, directory: mode(text, true)? })
    }

    /// All of these.
    pub(super) const fn all(mode: u32) -> Self {
        Self { how: How::All, file: mode, directory: mode }
    }

    /// Whether a file has them.
    pub(super) fn hold(self, mode: u32, is_directory: bool) -> bool {
        let wanted = if is_directory { self.directory } else { self.file };
        match self.how {
            How::Exactly => mode == wanted,
            How::All => mode & wanted == wanted,
            How::Any => wanted == 0 || mode & wanted != 0,
        }
    }
}

fn mode(text: &str, is_directory: bool) -> Option<u32> {
    if text.starts_with(|c: char| c.is_ascii_digit()) {
        return u32::from_str_radix(text, 8).ok().filter(|mode| *mode <= 0o7777);
    }
    let mut mode = 0;
    for clause in text.split(',') {
        let at = clause.find(['+', '-', '='])?;
        let (who, mut rest) = clause.split_at(at);
        let who = reach(who)?;
        while let Some(sign) = rest.chars().next() {
            let letters = &rest[1..];
            let end = letters.find(['+', '-', '=']).unwrap_or(letters.len());
            let bits = bits(&letters[..end], mode, is_directory)? & who;
            mode = match sign {
                '+' => mode | bits,
                '-' => mode & !bits,
                _ => (mode & !who) | bits,
            };
            rest = &letters[end..];
        }
    }
    Some(mode)
}

/// The bits that `ugoa` reaches; all if nobody is named.
fn reach(who: &str) -> Option<u32> {
    let each = who.chars().map(|c| match c {
        'u' => Some(0o4700),
        'g' => Some(0o2070),
        'o' => Some(0o1007),
        'a' => Some(0o7777),
        _ => None,
    });
    let reach = each.sum::<Option<u32>>().map(|_| who.chars().fold(0, |all, c| all | one(c)));
    if who.is_empty() { Some(0o7777) } else { reach }
}

fn one(who: char) -> u32 {
    match who {
        'u' => 0o4700,
        'g' => 0o2070,
        'o' => 0o1007,
        _ => 0o7777,
    }
}

fn bits(letters: &str, mode: u32, is_directory: bool) -> Option<u32> {
    if let "u" | "g" | "o" = letters {
        let shift = match letters {
            "u" => 6,
            "g" => 3,
            _ => 0,
        };
        return Some(((mode >> shift) & 7) * 0o111);
    }
    letters.chars().try_fold(0, |bits, letter| {
        Some(
            bits | match letter {
                'r' => 0o444,
                'w' => 0o222,
                'x' => 0o111,
                'X' if is_directory || mode & 0o111 != 0 => 0o111,
                'X' => 0,
                's' => 0o6000,
                't' => 0o1000,
                _ => return None,
            },
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn letters_are_those_of_chmod() {
        let cases = [
            ("644", Some(0o644)),
            ("u=rw,go=r", Some(0o644)),
            ("u+rwx", Some(0o700)),
            ("a=rx,u+w", Some(0o755)),
            ("+x", Some(0o111)),
            ("u=rwx,g=u-w", Some(0o750)),
            ("u+s", Some(0o4000)),
            ("g+s,o+t", Some(0o3000)),
            ("+t", Some(0o1000)),
            ("u=x,a+X", Some(0o111)),
            ("a+X", Some(0)),
            ("8", None),
            ("10000", None),
            ("u", None),
            ("x+r", None),
            ("u+q", None),
        ];
        for (text, expected) in cases {
            assert_eq!(mode(text, false), expected, "{text}");
        }
        assert_eq!(mode("a+X", true), Some(0o111));
    }

    #[test]
    fn exactly_all_or_any() {
        let holds = |text: &str, mode| Permissions::read(text).expect("a mode").hold(mode, false);
        assert!(holds("644", 0o644) && !holds("644", 0o4644));
        assert!(holds("-4000", 0o4755) && holds("-222", 0o777) && !holds("-222", 0o755));
        assert!(holds("/222", 0o200) && !holds("/222", 0o555) && holds("/000", 0));
        assert!(Permissions::read("").is_none());
    }
}
