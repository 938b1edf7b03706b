//! JSON as Go's `encoding/json` writes it: compact, with its own idea of which characters to escape.

use std::collections::BTreeMap;
use std::io::{self, Write};

use serde::Serialize;
use serde_json::Value;
use serde_json::ser::{CompactFormatter, Formatter, PrettyFormatter, Serializer};

/// A value as the function `json` prints it: keys in their order, `<`, `>` and `&` as they are.
pub(crate) fn plain(value: &Value) -> String {
    write(value, false)
}

/// The row of a list, as `--format json` and `{{json .}}` print it: keys sorted, `<`, `>` and `&` escaped.
pub(crate) fn row(value: &Value) -> String {
    match value {
        Value::Object(map) => write(&map.iter().collect::<BTreeMap<_, _>>(), true),
        other => write(other, true),
    }
}

/// A value as `json.Indent` prints it, by four spaces, otherwise as [`plain`].
pub(crate) fn indented(value: &Value) -> String {
    let formatter = Go { escapes_html: false, layout: PrettyFormatter::with_indent(b"    ") };
    serialised(value, formatter)
}

fn write(value: &impl Serialize, escapes_html: bool) -> String {
    serialised(value, Go { escapes_html, layout: CompactFormatter })
}

fn serialised(value: &impl Serialize, formatter: impl Formatter) -> String {
    let mut bytes = Vec::new();
    value
        .serialize(&mut Serializer::with_formatter(&mut bytes, formatter))
        .expect("JSON values serialise, and a vector takes every byte");
    String::from_utf8(bytes).expect("JSON is UTF-8")
}

/// Go's escapes in somebody else's layout.
struct Go<L> {
    escapes_html: bool,
    layout: L,
}

/// Hands methods on to the layout.
macro_rules! layout {
    ($($method:ident($($argument:ident: $type:ty)?)),+ $(,)?) => {$(
        fn $method<W: Write + ?Sized>(&mut self, to: &mut W $(, $argument: $type)?) -> io::Result<()> {
            self.layout.$method(to $(, $argument)?)
        }
    )+};
}

impl<L: Formatter> Formatter for Go<L> {
    layout!(
        begin_array(),
        end_array(),
        begin_array_value(first: bool),
        end_array_value(),
        begin_object(),
        end_object(),
        begin_object_key(first: bool),
        begin_object_value(),
        end_object_value(),
    );

    fn write_string_fragment<W: Write + ?Sized>(&mut self, to: &mut W, fragment: &str) -> io::Result<()> {
        let is_special =
            |c: char| matches!(c, '\u{2028}' | '\u{2029}') || self.escapes_html && matches!(c, '<' | '>' | '&');
        for piece in fragment.split_inclusive(is_special) {
            match piece.chars().next_back().filter(|&c| is_special(c)) {
                Some(c) => {
                    to.write_all(&piece.as_bytes()[..piece.len() - c.len_utf8()])?;
                    write!(to, "\\u{:04x}", u32::from(c))?;
                }
                None => to.write_all(piece.as_bytes())?,
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn only_rows_escape_html() {
        let value = json!({"b": "<none>", "a": "1 & 2 \u{2028} \u{1f}"});
        assert_eq!(plain(&value), r#"{"b":"<none>","a":"1 & 2 \u2028 \u001f"}"#);
        assert_eq!(row(&value), r#"{"a":"1 \u0026 2 \u2028 \u001f","b":"\u003cnone\u003e"}"#);
    }
}
