//! What a pattern means: a comparison, or a regular expression. Odd patterns (`[*]`, `a\d`) mean what they mean to moby,
//! whose regular expressions these are.

use std::iter::Peekable;
use std::str::Chars;

/// What a pattern means.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Kind {
    /// The path itself.
    Exact,
    /// It ends in `**`, and all before it is the beginning.
    Prefix,
    /// It begins with `**`, and all behind it is the end.
    Suffix,
    /// A regular expression, in Go's syntax.
    Regex(String),
}

/// Turns a valid pattern into what it means.
pub(super) fn translate(pattern: &str) -> Kind {
    let mut letters = pattern.chars().peekable();
    let (mut regex, mut kind, mut is_regex, mut is_first) = (String::from("^"), Kind::Exact, false, true);
    while let Some(letter) = letters.next() {
        match letter {
            '*' if letters.next_if_eq(&'*').is_some() => {
                let is_comparison = any_folders(&mut letters, &mut regex, &mut kind, is_regex);
                is_regex = !is_comparison;
                if is_first {
                    (kind, is_regex) = (Kind::Suffix, false);
                }
            }
            '*' => {
                regex.push_str("[^/]*");
                is_regex = true;
            }
            '?' => {
                regex.push_str("[^/]");
                is_regex = true;
            }
            '.' | '+' | '(' | ')' | '|' | '{' | '}' | '$' => regex.extend(['\\', letter]),
            '\\' => {
                regex.push('\\');
                if let Some(next) = letters.next() {
                    regex.push(next);
                    is_regex = true;
                }
            }
            '[' | ']' => {
                regex.push(letter);
                is_regex = true;
            }
            _ => regex.push(letter),
        }
        is_first = false;
    }
    if is_regex { Kind::Regex(regex + "$") } else { kind }
}

/// `**`, with the slash behind it; true if the pattern is still a comparison.
fn any_folders(letters: &mut Peekable<Chars>, regex: &mut String, kind: &mut Kind, is_regex: bool) -> bool {
    letters.next_if_eq(&'/');
    let is_last = letters.peek().is_none();
    if is_last && !is_regex && *kind == Kind::Exact {
        *kind = Kind::Prefix;
        return true;
    }
    regex.push_str(if is_last { ".*" } else { "(.*/)?" });
    false
}

/// Whether Go's `filepath.Match` takes a pattern: brackets are closed and hold ranges, and a backslash has something
/// behind it.
pub(super) fn is_valid(pattern: &[u8]) -> bool {
    let mut rest = pattern;
    while let Some((first, behind)) = rest.split_first() {
        rest = match first {
            b'[' => match class(behind) {
                Some(behind) => behind,
                None => return false,
            },
            b'\\' if behind.is_empty() => return false,
            b'\\' => &behind[1..],
            _ => behind,
        };
    }
    true
}

/// What follows a bracket that is closed.
fn class(text: &[u8]) -> Option<&[u8]> {
    let mut rest = class_letter(text.strip_prefix(b"^").unwrap_or(text))?;
    loop {
        if let Some(end) = rest.strip_prefix(b"-") {
            rest = class_letter(end)?;
        }
        if let Some(behind) = rest.strip_prefix(b"]") {
            return Some(behind);
        }
        rest = class_letter(rest)?;
    }
}

/// What follows a letter in brackets, where something must follow.
fn class_letter(text: &[u8]) -> Option<&[u8]> {
    let letter = match text {
        [b'-' | b']', ..] => return None,
        [b'\\', escaped @ ..] => escaped,
        plain => plain,
    };
    let width = match std::str::from_utf8(&letter[..letter.len().min(4)]) {
        Ok(text) => text.chars().next()?.len_utf8(),
        Err(error) if error.valid_up_to() > 0 => {
            std::str::from_utf8(&letter[..error.valid_up_to()]).ok()?.chars().next()?.len_utf8()
        }
        Err(_) => return None,
    };
    Some(&letter[width..]).filter(|rest| !rest.is_empty())
}
