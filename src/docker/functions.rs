//! The functions that docker adds to those of Go's templates.

use serde_json::Value;

use crate::go::fmt::{display, type_name};
use crate::go::template::{Function, Param};

use Param::{Any, Int, Text};

/// Docker's functions. In a header row all but `pad` return their first argument.
pub(super) static FUNCTIONS: [Function; 8] = [
    Function::new("join", &[Any, Text], join),
    Function::json("json"),
    Function::new("lower", &[Text], |values| Ok(text(values[0]).to_lowercase().into())),
    Function::new("pad", &[Text, Int, Int], pad).also_in_header(),
    Function::new("split", &[Text, Text], |values| Ok(split(text(values[0]), text(values[1])).into())),
    Function::new("title", &[Text], |values| Ok(title(text(values[0])).into())),
    Function::new("truncate", &[Text, Int], truncate),
    Function::new("upper", &[Text], |values| Ok(text(values[0]).to_uppercase().into())),
];

/// The text of an argument that was checked to be a string.
fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

/// The items of a list, or the values of a map in the order of its keys, with a separator between any two.
fn join(values: &[&Value]) -> Result<Value, String> {
    let items: Vec<String> = match values[0] {
        Value::Null => Vec::new(),
        Value::Array(items) => items.iter().map(display).collect(),
        Value::Object(map) => {
            let mut entries: Vec<_> = map.iter().collect();
            entries.sort_unstable_by_key(|(key, _)| *key);
            entries.into_iter().map(|(_, value)| display(value)).collect()
        }
        other => return Err(format!("expected slice or map, got {}", type_name(other))),
    };
    Ok(items.join(text(values[1])).into())
}

fn pad(values: &[&Value]) -> Result<Value, String> {
    // More padding than anybody uses; Go would run out of memory.
    const MOST: usize = 1_000_000;
    let spaces = |value: &Value| match value.as_i64().map(usize::try_from) {
        Some(Ok(count)) if count <= MOST => Ok(" ".repeat(count)),
        _ => Err("strings: negative or absurd Repeat count".to_owned()),
    };
    let source = text(values[0]);
    if source.is_empty() {
        return Ok("".into());
    }
    Ok(format!("{}{source}{}", spaces(values[1])?, spaces(values[2])?).into())
}

/// The first bytes of a text. A character that is cut in two becomes a replacement character.
fn truncate(values: &[&Value]) -> Result<Value, String> {
    let source = text(values[0]);
    let length = values[1].as_i64().unwrap_or_default();
    let length =
        usize::try_from(length).map_err(|_| format!("runtime error: slice bounds out of range [:{length}]"))?;
    match source.as_bytes().get(..length) {
        Some(cut) => Ok(String::from_utf8_lossy(cut).into_owned().into()),
        None => Ok(source.into()),
    }
}

/// `strings.Split`: an empty separator splits between any two characters.
fn split(text: &str, separator: &str) -> Vec<String> {
    if separator.is_empty() {
        text.chars().map(String::from).collect()
    } else {
        text.split(separator).map(str::to_owned).collect()
    }
}

/// `strings.Title`: the first letter of each word in upper case.
fn title(text: &str) -> String {
    let mut titled = String::with_capacity(text.len());
    let mut in_word = false;
    for c in text.chars() {
        if in_word {
            titled.push(c);
        } else {
            titled.extend(c.to_uppercase());
        }
        in_word = c == '_' || c.is_alphanumeric() || !c.is_ascii() && !c.is_whitespace();
    }
    titled
}
