//! `--chmod`: the permissions of what is copied.

use super::error::CopyError;

/// What `--chmod` says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum ModeChange {
    /// These permissions.
    Exact(u32),
    /// One change after the other.
    Symbolic(Vec<Change>),
}

/// A part of a symbolic mode.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Change {
    /// Whose permissions change: a mask of all bits that belong to them.
    who: u32,
    operator: char,
    /// `r`, `w`, `x`, `X`, `s`, `t`, or `u`, `g`, `o`.
    permissions: String,
}

const USER: u32 = 0o4700;
const GROUP: u32 = 0o2070;
const OTHER: u32 = 0o1007;

impl ModeChange {
    /// Reads an octal number up to 7777, or `[ugoa…][+-=][rwxXst…]`, several with commas.
    pub(super) fn parse(text: &str) -> Result<Self, CopyError> {
        let invalid = || CopyError::Chmod { chmod: text.to_owned() };
        if !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit()) {
            let mode = u32::from_str_radix(text, 8).ok().filter(|mode| *mode <= 0o7777);
            return mode.map(Self::Exact).ok_or_else(invalid);
        }
        let mut changes = Vec::new();
        for clause in text.split(',') {
            let start = clause.find(['+', '-', '=']).ok_or_else(invalid)?;
            let (who, mut actions) = clause.split_at(start);
            let who = who_of(who).ok_or_else(invalid)?;
            while let Some(operator) = actions.chars().next() {
                let rest = &actions[1..];
                let end = rest.find(['+', '-', '=']).unwrap_or(rest.len());
                let permissions = &rest[..end];
                let is_copy = matches!(permissions, "u" | "g" | "o");
                if !is_copy && !permissions.chars().all(|letter| "rwxXst".contains(letter)) {
                    return Err(invalid());
                }
                changes.push(Change { who, operator, permissions: permissions.to_owned() });
                actions = &rest[end..];
            }
        }
        Ok(Self::Symbolic(changes))
    }

    /// The permissions of something that had others.
    pub(super) fn apply(&self, mode: u32, is_directory: bool) -> u32 {
        match self {
            Self::Exact(exact) => *exact,
            Self::Symbolic(changes) => changes.iter().fold(mode, |mode, change| change.apply(mode, is_directory)),
        }
    }
}

impl Change {
    fn apply(&self, mode: u32, is_directory: bool) -> u32 {
        let bits = self.bits(mode, is_directory) & self.who;
        match self.operator {
            '+' => mode | bits,
            '-' => mode & !bits,
            _ => mode & !(self.who & 0o7777) | bits,
        }
    }

    /// The bits that the letters mean, for everybody.
    fn bits(&self, mode: u32, is_directory: bool) -> u32 {
        let spread = |bits: u32| bits << 6 | bits << 3 | bits;
        self.permissions.chars().fold(0, |bits, letter| {
            bits | match letter {
                'r' => 0o444,
                'w' => 0o222,
                'x' => 0o111,
                'X' if is_directory || mode & 0o111 != 0 => 0o111,
                's' => 0o6000,
                't' => 0o1000,
                'u' => spread(mode >> 6 & 7),
                'g' => spread(mode >> 3 & 7),
                'o' => spread(mode & 7),
                _ => 0,
            }
        })
    }
}

fn who_of(letters: &str) -> Option<u32> {
    let all = USER | GROUP | OTHER;
    if letters.is_empty() {
        return Some(all);
    }
    letters.chars().try_fold(0, |mask, letter| {
        Some(
            mask | match letter {
                'u' => USER,
                'g' => GROUP,
                'o' => OTHER,
                'a' => all,
                _ => return None,
            },
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn modes_are_octal_or_symbolic() {
        let table = [
            ("0600", 0o644, false, Some(0o600)),
            ("755", 0o644, false, Some(0o755)),
            ("4755", 0o644, false, Some(0o4755)),
            ("7778", 0o644, false, None),
            ("17777", 0o644, false, None),
            ("rwx", 0o644, false, None),
            ("", 0o644, false, None),
            ("u=rwX,go=rX", 0o600, false, Some(0o644)),
            ("u=rwX,go=rX", 0o700, false, Some(0o755)),
            ("u=rwX,go=rX", 0o600, true, Some(0o755)),
            ("+x", 0o644, false, Some(0o755)),
            ("go-rwx", 0o755, true, Some(0o700)),
            ("a+r-x", 0o711, false, Some(0o644)),
            ("u+s", 0o755, false, Some(0o4755)),
            ("g=u", 0o640, false, Some(0o660)),
            ("x+r", 0o644, false, None),
            ("u+q", 0o644, false, None),
        ];
        for (text, before, is_directory, after) in table {
            let found = ModeChange::parse(text).ok().map(|change| change.apply(before, is_directory));
            assert_eq!(found, after, "{text} on {before:o}");
        }
    }
}
