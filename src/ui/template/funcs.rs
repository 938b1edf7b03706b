//! The functions that a template can call: Go's own and docker's.

use serde_json::Value;

use super::compare::{equal, ordering};
use super::fmt::{display, sprint, sprintln, type_name};
use super::printf::sprintf;
use super::{access, json, strings};

/// What a parameter takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Param {
    Any,
    Text,
    Int,
}

/// A function: its parameters, and what it does with values that fit them.
pub(super) struct Function {
    pub(super) name: &'static str,
    pub(super) params: &'static [Param],
    /// Whether any number of further values may follow.
    pub(super) variadic: bool,
    pub(super) run: fn(&[&Value]) -> Result<Value, String>,
    /// Whether the line of headers sees its first argument instead of its result, as docker's header functions do.
    pub(super) identity_in_header: bool,
}

use Param::{Any, Int, Text};

/// Every function, sorted by name. The executor itself runs `and` and `or`, which stop at the value that decides, and
/// `call`, which has nothing to call: no value is a function.
static FUNCTIONS: [Function; 27] = [
    go("and", &[Any], true, |_| Ok(Value::Null)),
    go("call", &[Any], true, |_| Ok(Value::Null)),
    go("eq", &[Any], true, equal_to_any),
    go("ge", &[Any, Any], false, |values| Ok(ordering(values[0], values[1])?.is_ge().into())),
    go("gt", &[Any, Any], false, |values| Ok(ordering(values[0], values[1])?.is_gt().into())),
    go("html", &[], true, |values| Ok(strings::html(&joined(values)).into())),
    go("index", &[Any], true, access::index),
    docker("join", &[Any, Text], join),
    go("js", &[], true, |values| Ok(strings::js(&joined(values)).into())),
    docker("json", &[Any], |values| Ok(json::plain(values[0]).into())),
    go("le", &[Any, Any], false, |values| Ok(ordering(values[0], values[1])?.is_le().into())),
    go("len", &[Any], false, access::len),
    docker("lower", &[Text], |values| Ok(text(values[0]).to_lowercase().into())),
    go("lt", &[Any, Any], false, |values| Ok(ordering(values[0], values[1])?.is_lt().into())),
    go("ne", &[Any, Any], false, |values| Ok((!equal(values[0], values[1])?).into())),
    go("not", &[Any], false, |values| Ok((!is_true(values[0])).into())),
    go("or", &[Any], true, |_| Ok(Value::Null)),
    Function { identity_in_header: false, ..docker("pad", &[Text, Int, Int], pad) },
    go("print", &[], true, |values| Ok(sprint(values).into())),
    go("printf", &[Text], true, |values| Ok(sprintf(text(values[0]), &values[1..]).into())),
    go("println", &[], true, |values| Ok(sprintln(values).into())),
    go("slice", &[Any], true, access::slice),
    docker("split", &[Text, Text], |values| Ok(strings::split(text(values[0]), text(values[1])).into())),
    docker("title", &[Text], |values| Ok(strings::title(text(values[0])).into())),
    docker("truncate", &[Text, Int], truncate),
    docker("upper", &[Text], |values| Ok(text(values[0]).to_uppercase().into())),
    go("urlquery", &[], true, |values| Ok(strings::url_query(&joined(values)).into())),
];

const fn go(
    name: &'static str,
    params: &'static [Param],
    variadic: bool,
    run: fn(&[&Value]) -> Result<Value, String>,
) -> Function {
    Function { name, params, variadic, run, identity_in_header: false }
}

const fn docker(name: &'static str, params: &'static [Param], run: fn(&[&Value]) -> Result<Value, String>) -> Function {
    Function { name, params, variadic: false, run, identity_in_header: true }
}

/// The function of this name.
pub(super) fn find(name: &str) -> Option<&'static Function> {
    FUNCTIONS.iter().find(|function| function.name == name)
}

/// Whether there is a function of this name.
pub(super) fn is_known(name: &str) -> bool {
    find(name).is_some()
}

/// What `if` takes for true: anything but null, false, zero and what is empty.
pub(super) fn is_true(value: &Value) -> bool {
    match value {
        Value::Null => false,
        Value::Bool(value) => *value,
        Value::Number(number) => number.as_f64() != Some(0.0),
        Value::String(text) => !text.is_empty(),
        Value::Array(items) => !items.is_empty(),
        Value::Object(map) => !map.is_empty(),
    }
}

/// The text of an argument for [`Param::Text`], which the executor has checked.
fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

/// What the escaping functions escape: all values side by side.
fn joined(values: &[&Value]) -> String {
    let nothing = Value::from("<no value>");
    let shown: Vec<&Value> = values.iter().map(|&value| if value.is_null() { &nothing } else { value }).collect();
    sprint(&shown)
}

fn equal_to_any(values: &[&Value]) -> Result<Value, String> {
    let [first, others @ ..] = values else { return Ok(false.into()) };
    if others.is_empty() {
        return Err("missing argument for comparison".to_owned());
    }
    for other in others {
        if equal(first, other)? {
            return Ok(true.into());
        }
    }
    Ok(false.into())
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
    // What nobody would put around a word; Go would run out of memory.
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
