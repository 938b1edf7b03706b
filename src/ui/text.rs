//! Text from outside, made safe and measured for a terminal.
//!
//! Names, labels and commands come from untrusted images. Printed as they are they could move the cursor,
//! hide a line, or run backwards; escaped, every character that a terminal would act upon is shown as its number.

use std::borrow::Cow;
use std::fmt::Write as _;

use unicode_width::{UnicodeWidthChar as _, UnicodeWidthStr as _};

use crate::go::fmt::is_invisible;

/// `text` on one line: everything that a terminal acts upon is shown as `\n`, `\x1b` or `\u202e`.
///
/// A backslash stays as it is: this is for reading, not for parsing back.
pub fn escape(text: &str) -> Cow<'_, str> {
    escape_if(text, is_invisible)
}

/// As [`escape`], but line feeds and tabs, which are layout, stay.
pub fn escape_lines(text: &str) -> Cow<'_, str> {
    escape_if(text, |c| is_invisible(c) && c != '\n' && c != '\t')
}

fn escape_if(text: &str, unsafe_char: impl Fn(char) -> bool) -> Cow<'_, str> {
    if !text.contains(&unsafe_char) {
        return Cow::Borrowed(text);
    }
    let mut escaped = String::with_capacity(text.len() + 16);
    for c in text.chars() {
        if unsafe_char(c) { push_escaped(&mut escaped, c) } else { escaped.push(c) }
    }
    Cow::Owned(escaped)
}

fn push_escaped(to: &mut String, c: char) {
    let code = u32::from(c);
    let _ = match c {
        // In JSON, where those below 0x20 are escaped already, these are right, too.
        '\n' => write!(to, "\\n"),
        '\r' => write!(to, "\\r"),
        '\t' => write!(to, "\\t"),
        _ if code < 0x20 => write!(to, "\\x{code:02x}"),
        _ if code < 0x1_0000 => write!(to, "\\u{code:04x}"),
        _ => write!(to, "\\U{code:08x}"),
    };
}

/// How many columns of a terminal `text` takes: two for an East Asian wide character, none for a combining one.
pub fn width(text: &str) -> usize {
    text.width()
}

/// `text` cut to `max_columns`, the last of them `…`, as docker's client cuts: a wide character counts two and every
/// other one, also a combining one.
pub fn ellipsis(text: &str, max_columns: usize) -> Cow<'_, str> {
    if docker_width(text) <= max_columns {
        return Cow::Borrowed(text);
    }
    let mut columns = 0;
    let kept: String = text
        .chars()
        .take_while(|&c| {
            columns += docker_char_width(c);
            columns < max_columns
        })
        .collect();
    match max_columns {
        0 => Cow::Borrowed(""),
        // One column holds a character or an ellipsis; docker keeps the character.
        1 => text.chars().take(1).collect(),
        _ => Cow::Owned(kept + "…"),
    }
}

/// How many columns docker's client counts for `text`: as [`ellipsis`] does.
pub(super) fn docker_width(text: &str) -> usize {
    text.chars().map(docker_char_width).sum()
}

fn docker_char_width(c: char) -> usize {
    if c.width() == Some(2) { 2 } else { 1 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_terminal_acts_upon_is_shown() {
        let cases = [
            ("plain, 日本, é", "plain, 日本, é"),
            ("\x1b[31mred\x07", "\\x1b[31mred\\x07"),
            ("a\r\nb\tc", "a\\r\\nb\\tc"),
            ("\u{9b}1m\x7f\0", "\\u009b1m\\u007f\\x00"),
            ("x\u{202e}txt.exe\u{2066}", "x\\u202etxt.exe\\u2066"),
            ("ad\u{200b}min\u{feff}", "ad\\u200bmin\\ufeff"),
            ("\u{e0041}", "\\U000e0041"),
            ("c:\\x", "c:\\x"),
        ];
        for (text, expected) in cases {
            assert_eq!(escape(text), expected);
        }
        assert!(matches!(escape("clean"), Cow::Borrowed(_)));
    }

    #[test]
    fn layout_survives_where_it_is_meant() {
        assert_eq!(escape_lines("a\tb\nc\rd\x1b"), "a\tb\nc\\rd\\x1b");
    }

    #[test]
    fn cut_as_docker_cuts() {
        let cases = [
            ("short", 45, "short"),
            ("abcdef", 6, "abcdef"),
            ("abcdefg", 6, "abcde…"),
            ("日本語", 6, "日本語"),
            ("日本語x", 6, "日本…"),
            ("a日本語", 6, "a日本…"),
            ("e\u{301}e\u{301}", 3, "e\u{301}…"),
            ("ab", 1, "a"),
            ("ab", 0, ""),
            ("", 1, ""),
        ];
        for (text, columns, expected) in cases {
            assert_eq!(ellipsis(text, columns), expected, "{text:?} to {columns}");
        }
    }

    #[test]
    fn wide_characters_take_two_columns() {
        assert_eq!((width("abc"), width("日本"), width("e\u{301}")), (3, 4, 1));
    }

    proptest::proptest! {
        #[test]
        fn nothing_unsafe_is_left(text in "\\PC*|.*") {
            proptest::prop_assert!(!escape(&text).contains(is_invisible));
        }
    }
}
