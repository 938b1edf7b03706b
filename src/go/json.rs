//! JSON with the bytes that Go's `encoding/json` writes.
//!
//! Digests depend on every byte, so JSON that must have docker's digest must be spelled as docker spells it: no spaces;
//! in strings `<`, `>`, `&` and the two line separators escaped, and all but a few control characters written as
//! `\u00xx`.

use std::io::{self, Write};

use serde::Serialize;
use serde_json::ser::{CharEscape, Formatter, Serializer};

/// How strings are escaped: it depends on the version of Go and on the encoder's options.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Spelling {
    /// `json.Marshal`: HTML's special characters are escaped.
    Marshal,
    /// `json.Marshal` before Go 1.22, which wrote `\u0008` and `\u000c` for `\b` and `\f`. Docker 20.10 was built with
    /// such a version.
    MarshalBefore122,
    /// An encoder after `SetEscapeHTML(false)`.
    Plain,
}

/// The compact JSON that `json.Marshal` gives for a value.
pub fn to_vec<T: Serialize + ?Sized>(value: &T) -> Vec<u8> {
    to_vec_spelled(value, Spelling::Marshal)
}

/// The JSON that `json.MarshalIndent` gives for a value, with no prefix.
pub fn to_vec_indent<T: Serialize + ?Sized>(value: &T, indent: &str) -> Vec<u8> {
    indent_json(&to_vec(value), indent)
}

/// [`to_vec_indent`] as text.
pub fn to_string_indent<T: Serialize + ?Sized>(value: &T, indent: &str) -> String {
    text(to_vec_indent(value, indent))
}

/// The compact JSON of an encoder with `SetEscapeHTML(false)`, without its trailing newline.
pub fn to_vec_plain<T: Serialize + ?Sized>(value: &T) -> Vec<u8> {
    to_vec_spelled(value, Spelling::Plain)
}

/// The JSON of an encoder with `SetEscapeHTML(false)` and `SetIndent`, without its trailing newline.
pub fn to_vec_indent_plain<T: Serialize + ?Sized>(value: &T, indent: &str) -> Vec<u8> {
    indent_json(&to_vec_plain(value), indent)
}

/// [`to_vec_plain`] as text.
pub fn to_string_plain<T: Serialize + ?Sized>(value: &T) -> String {
    text(to_vec_plain(value))
}

/// [`to_vec_indent_plain`] as text.
pub fn to_string_indent_plain<T: Serialize + ?Sized>(value: &T, indent: &str) -> String {
    text(to_vec_indent_plain(value, indent))
}

/// The JSON that `json.Marshal` gives for a map, keys sorted, as text.
pub fn to_string_sorted(map: &serde_json::Map<String, serde_json::Value>) -> String {
    to_string(&map.iter().collect::<std::collections::BTreeMap<_, _>>())
}

/// [`to_vec`] as text.
pub fn to_string<T: Serialize + ?Sized>(value: &T) -> String {
    text(to_vec(value))
}

fn text(json: Vec<u8>) -> String {
    String::from_utf8(json).expect("JSON is UTF-8")
}

/// The compact JSON of a value in the given spelling.
pub fn to_vec_spelled<T: Serialize + ?Sized>(value: &T, spelling: Spelling) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut serializer = Serializer::with_formatter(&mut bytes, GoFormatter(spelling));
    value.serialize(&mut serializer).expect("memory can be written to, and keys of maps here are strings");
    bytes
}

/// Compacts valid JSON as Go compacts a `json.RawMessage`: whitespace is dropped, HTML's special characters and the two
/// line separators are escaped; everything else stays, the spelling of numbers and the order of keys included.
pub fn compact(raw: &[u8]) -> Vec<u8> {
    let mut compact = Vec::with_capacity(raw.len());
    let mut text = Text::default();
    let mut rest = raw;
    while let Some(&byte) = rest.first() {
        let inside = text.step(byte);
        let taken = if inside { escape_for_html(rest, &mut compact) } else { 0 };
        if taken > 0 {
            rest = &rest[taken..];
            continue;
        }
        if inside || !byte.is_ascii_whitespace() {
            compact.push(byte);
        }
        rest = &rest[1..];
    }
    compact
}

/// Writes the escape for the HTML or JavaScript special character at the start of `rest`; returns how many bytes it
/// replaces.
fn escape_for_html(rest: &[u8], to: &mut Vec<u8>) -> usize {
    let (escape, taken): (&[u8], _) = match rest {
        [b'<', ..] => (b"\\u003c", 1),
        [b'>', ..] => (b"\\u003e", 1),
        [b'&', ..] => (b"\\u0026", 1),
        [0xe2, 0x80, 0xa8, ..] => (b"\\u2028", 3),
        [0xe2, 0x80, 0xa9, ..] => (b"\\u2029", 3),
        _ => return 0,
    };
    to.extend_from_slice(escape);
    taken
}

/// Indents compact JSON as Go's `json.Indent` does.
fn indent_json(compact: &[u8], indent: &str) -> Vec<u8> {
    let mut pretty = Vec::with_capacity(compact.len() * 2);
    let mut text = Text::default();
    let mut depth = 0_usize;
    let new_line = |pretty: &mut Vec<u8>, depth: usize| {
        pretty.push(b'\n');
        pretty.extend(std::iter::repeat_n(indent.as_bytes(), depth).flatten());
    };
    let mut previous = b' ';
    for &byte in compact {
        let inside = text.step(byte);
        let closes = !inside && matches!(byte, b'}' | b']');
        let opened = !text.was_inside && matches!(previous, b'{' | b'[');
        if closes {
            depth = depth.saturating_sub(1);
        }
        if opened != closes {
            new_line(&mut pretty, depth);
        }
        pretty.push(byte);
        match byte {
            b'{' | b'[' if !inside => depth += 1,
            b',' if !inside => new_line(&mut pretty, depth),
            b':' if !inside => pretty.push(b' '),
            _ => {}
        }
        text.was_inside = inside;
        previous = byte;
    }
    pretty
}

/// Tracks whether a position in JSON is inside a string.
#[derive(Default)]
struct Text {
    open: bool,
    escaped: bool,
    /// Whether the previous byte was inside a string; maintained by the caller.
    was_inside: bool,
}

impl Text {
    /// Takes the next byte; returns whether it belongs to a string, quotes included.
    fn step(&mut self, byte: u8) -> bool {
        if !self.open {
            self.open = byte == b'"';
            return self.open;
        }
        let ends = byte == b'"' && !self.escaped;
        self.escaped = byte == b'\\' && !self.escaped;
        self.open = !ends;
        true
    }
}

/// A formatter for `serde_json` that escapes as Go does.
struct GoFormatter(Spelling);

impl Formatter for GoFormatter {
    fn write_string_fragment<W: Write + ?Sized>(&mut self, to: &mut W, fragment: &str) -> io::Result<()> {
        let mut written = 0;
        for (at, char) in fragment.char_indices() {
            let escape = match char {
                '<' | '>' | '&' if self.0 == Spelling::Plain => continue,
                '<' | '>' | '&' | '\u{2028}' | '\u{2029}' => format!("\\u{:04x}", u32::from(char)),
                _ => continue,
            };
            to.write_all(&fragment.as_bytes()[written..at])?;
            to.write_all(escape.as_bytes())?;
            written = at + char.len_utf8();
        }
        to.write_all(&fragment.as_bytes()[written..])
    }

    fn write_char_escape<W: Write + ?Sized>(&mut self, to: &mut W, escape: CharEscape) -> io::Result<()> {
        let long = self.0 == Spelling::MarshalBefore122;
        match escape {
            CharEscape::Quote => to.write_all(b"\\\""),
            CharEscape::ReverseSolidus => to.write_all(b"\\\\"),
            CharEscape::Solidus => to.write_all(b"/"),
            CharEscape::LineFeed => to.write_all(b"\\n"),
            CharEscape::CarriageReturn => to.write_all(b"\\r"),
            CharEscape::Tab => to.write_all(b"\\t"),
            CharEscape::Backspace if long => to.write_all(b"\\u0008"),
            CharEscape::FormFeed if long => to.write_all(b"\\u000c"),
            CharEscape::Backspace => to.write_all(b"\\b"),
            CharEscape::FormFeed => to.write_all(b"\\f"),
            CharEscape::AsciiControl(byte) => write!(to, "\\u{byte:04x}"),
        }
    }

    fn write_f64<W: Write + ?Sized>(&mut self, to: &mut W, value: f64) -> io::Result<()> {
        let size = value.abs();
        if value == 0.0 || (1e-6..1e21).contains(&size) {
            return write!(to, "{value}");
        }
        let text = format!("{value:e}");
        to.write_all(if size < 1.0 { text } else { text.replace('e', "e+") }.as_bytes())
    }

    fn write_raw_fragment<W: Write + ?Sized>(&mut self, to: &mut W, fragment: &str) -> io::Result<()> {
        to.write_all(&compact(fragment.as_bytes()))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::value::RawValue;
    use serde_json::{Map, Value, json};

    use super::*;

    #[test]
    fn strings_are_spelled_as_go_spells_them() {
        for (value, marshal, before_1_22, plain) in [
            ("a", "a", "a", "a"),
            ("<&>", r"\u003c\u0026\u003e", r"\u003c\u0026\u003e", "<&>"),
            ("\"\\/", r#"\"\\/"#, r#"\"\\/"#, r#"\"\\/"#),
            ("\n\r\t", r"\n\r\t", r"\n\r\t", r"\n\r\t"),
            ("\u{8}\u{c}", r"\b\f", r"\u0008\u000c", r"\b\f"),
            ("\0\u{1f}\u{7f}", "\\u0000\\u001f\u{7f}", "\\u0000\\u001f\u{7f}", "\\u0000\\u001f\u{7f}"),
            ("\u{2028}é\u{2029}", r"\u2028é\u2029", r"\u2028é\u2029", r"\u2028é\u2029"),
            ("é<é", r"é\u003cé", r"é\u003cé", "é<é"),
        ] {
            let spell = |spelling| text(to_vec_spelled(value, spelling));
            assert_eq!(spell(Spelling::Marshal), format!("\"{marshal}\""));
            assert_eq!(spell(Spelling::MarshalBefore122), format!("\"{before_1_22}\""));
            assert_eq!(spell(Spelling::Plain), format!("\"{plain}\""));
        }
    }

    #[test]
    fn keys_are_spelled_as_strings() {
        assert_eq!(text(to_vec(&json!({"<": 1}))), r#"{"\u003c":1}"#);
    }

    /// Go's numbers: `%e` beyond 10^21 and below 10^-6, without a leading zero in the exponent.
    #[test]
    fn numbers_are_spelled_as_go_spells_them() {
        for (value, expected) in [
            (json!(0.0), "0"),
            (json!(1.0), "1"),
            (json!(-1.5), "-1.5"),
            (json!(1e20), "100000000000000000000"),
            (json!(1e21), "1e+21"),
            (json!(0.000_001), "0.000001"),
            (json!(0.000_000_15), "1.5e-7"),
            (json!(u64::MAX), "18446744073709551615"),
        ] {
            assert_eq!(text(to_vec(&value)), expected);
        }
    }

    #[test]
    fn indented_json_has_empty_things_on_one_line() {
        let value = json!({"a": [], "b": {}, "c": [1, {"d": "[]{},:\\\""}], "e": null});
        let expected = r#"{
    "a": [],
    "b": {},
    "c": [
        1,
        {
            "d": "[]{},:\\\""
        }
    ],
    "e": null
}"#;
        assert_eq!(text(to_vec_indent(&value, "    ")), expected);
        assert_eq!(text(to_vec_indent(&json!([]), "  ")), "[]");
        assert_eq!(text(to_vec_indent(&json!(["<"]), "\t")), "[\n\t\"\\u003c\"\n]");
        assert_eq!(text(to_vec_indent_plain(&json!(["<"]), " ")), "[\n \"<\"\n]");
    }

    #[test]
    fn raw_json_is_compacted_and_otherwise_kept() {
        for (raw, expected) in [
            ("{ \"b\" : 1.50 ,\n\t\"a\": [ ] }", r#"{"b":1.50,"a":[]}"#),
            (r#" " < \" & \\" "#, r#"" \u003c \" \u0026 \\""#),
            ("\"\u{2028}\u{2029}\u{2030}\"", "\"\\u2028\\u2029\u{2030}\""),
            (r#""\u003C\/""#, r#""\u003C\/""#),
            (r#"{"\\":"<"}"#, r#"{"\\":"\u003c"}"#),
        ] {
            assert_eq!(text(compact(raw.as_bytes())), expected, "{raw}");
        }
    }

    #[test]
    fn raw_values_are_compacted_where_they_stand() {
        let raw = RawValue::from_string(r#"[ 1.0, "<" ]"#.to_owned()).expect("JSON");
        assert_eq!(text(to_vec(&[raw])), r#"[[1.0,"\u003c"]]"#);
    }

    /// A naive reference implementation: character by character.
    fn reference(value: &str) -> String {
        let escape = |char: char| match char {
            '"' => r#"\""#.to_owned(),
            '\\' => r"\\".to_owned(),
            '\u{8}' => r"\b".to_owned(),
            '\u{c}' => r"\f".to_owned(),
            '\n' => r"\n".to_owned(),
            '\r' => r"\r".to_owned(),
            '\t' => r"\t".to_owned(),
            '\0'..='\u{1f}' | '<' | '>' | '&' | '\u{2028}' | '\u{2029}' => format!("\\u{:04x}", u32::from(char)),
            other => other.to_string(),
        };
        format!("\"{}\"", value.chars().map(escape).collect::<String>())
    }

    fn any_json() -> impl Strategy<Value = Value> {
        let leaf =
            prop_oneof![Just(Value::Null), any::<i64>().prop_map(Value::from), any::<String>().prop_map(Value::from)];
        leaf.prop_recursive(4, 32, 5, |inner| {
            let object = prop::collection::vec((any::<String>(), inner.clone()), 0..5);
            let to_map = |entries: Vec<(String, Value)>| Value::Object(Map::from_iter(entries));
            prop_oneof![prop::collection::vec(inner, 0..5).prop_map(Value::from), object.prop_map(to_map)]
        })
    }

    proptest! {
        #[test]
        fn every_string_is_as_the_plainest_idea_has_it(value in any::<String>()) {
            prop_assert_eq!(text(to_vec(value.as_str())), reference(&value));
        }

        #[test]
        fn every_spelling_reads_back(value in any_json()) {
            for json in [to_vec(&value), to_vec_plain(&value), to_vec_indent(&value, " ")] {
                prop_assert_eq!(&serde_json::from_slice::<Value>(&json).expect("JSON"), &value);
            }
        }

        #[test]
        fn compacting_undoes_indenting(value in any_json()) {
            let json = to_vec(&value);
            prop_assert_eq!(compact(&to_vec_indent(&value, "\t")), json.clone());
            prop_assert_eq!(compact(&to_vec_indent_plain(&value, "  ")), json);
        }

        #[test]
        fn indenting_is_that_of_serde_json_but_for_the_escapes(value in any_json()) {
            let pretty = serde_json::to_string_pretty(&value).expect("JSON");
            let escaped = pretty.replace('\u{2028}', r"\u2028").replace('\u{2029}', r"\u2029");
            prop_assert_eq!(text(to_vec_indent_plain(&value, "  ")), escaped);
        }

        #[test]
        fn compacting_what_is_no_json_does_not_panic(bytes in any::<Vec<u8>>()) {
            prop_assert!(compact(&bytes).len() <= bytes.len() * 6);
        }
    }
}
