//! The functions that a template can call: Go's own and docker's.

use std::borrow::Cow;

use serde_json::Value;

use super::compare::{equal, ordering};
use super::value::Val;
use super::{access, strings};
use crate::go::fmt::{sprint, sprintln};
use crate::go::printf::sprintf;

/// What a parameter takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Param {
    /// Any value.
    Any,
    /// A string.
    Text,
    /// An integer.
    Int,
}

/// What a function does with values that fit its parameters.
#[derive(Debug, Clone, Copy)]
pub(super) enum FunctionBody {
    /// Takes values; an unset list or map is nil.
    Values(fn(&[&Value]) -> Result<Value, String>),
    /// Takes values; an unset list or map is empty.
    Contents(fn(&[&Value]) -> Result<Value, String>),
    /// Takes printed values: structs and times as text.
    Printed(fn(&[&Value]) -> Result<Value, String>),
    /// Takes values with their types.
    Typed(for<'v> fn(&[Val<'v>]) -> Result<Val<'static>, String>),
    /// Built into the executor.
    Built,
}

/// A function that templates can call.
#[derive(Debug, Clone, Copy)]
pub struct Function {
    pub(super) name: &'static str,
    pub(super) params: &'static [Param],
    /// Whether any number of further values may follow.
    pub(super) variadic: bool,
    pub(super) body: FunctionBody,
    /// Whether it returns its first argument in a header row.
    pub(super) identity_in_header: bool,
}

impl Function {
    /// A function of values. In a header row it returns its first argument.
    pub const fn new(
        name: &'static str,
        params: &'static [Param],
        run: fn(&[&Value]) -> Result<Value, String>,
    ) -> Self {
        Self { name, params, variadic: false, body: FunctionBody::Values(run), identity_in_header: true }
    }

    /// The function that prints any value as JSON, without escaping for HTML.
    pub const fn json(name: &'static str) -> Self {
        Self {
            body: FunctionBody::Typed(|values| Ok(Val::any(values[0].to_json()))),
            ..Self::new(name, &[Param::Any], |_| Ok(Value::Null))
        }
    }

    /// The same function, which is also called in a header row.
    pub const fn also_in_header(self) -> Self {
        Self { identity_in_header: false, ..self }
    }
}

use FunctionBody::{Built, Contents, Printed, Typed, Values};
use Param::{Any, Text};

/// Go's own functions, sorted by name. `and` and `or`, which stop at the deciding value, are built into the executor,
/// and so is `call`, which always fails: no value is a function.
static FUNCTIONS: [Function; 19] = [
    go("and", &[Any], true, Built),
    go("call", &[Any], true, Built),
    go("eq", &[Any], true, Values(equal_to_any)),
    go("ge", &[Any, Any], false, Values(|values| Ok(ordering(values[0], values[1])?.is_ge().into()))),
    go("gt", &[Any, Any], false, Values(|values| Ok(ordering(values[0], values[1])?.is_gt().into()))),
    go("html", &[], true, Printed(|values| Ok(strings::html(&joined(values)).into()))),
    go("index", &[Any], true, Typed(access::index)),
    go("js", &[], true, Printed(|values| Ok(strings::js(&joined(values)).into()))),
    go("le", &[Any, Any], false, Values(|values| Ok(ordering(values[0], values[1])?.is_le().into()))),
    go("len", &[Any], false, Contents(access::len)),
    go("lt", &[Any, Any], false, Values(|values| Ok(ordering(values[0], values[1])?.is_lt().into()))),
    go("ne", &[Any, Any], false, Values(|values| Ok((!equal(values[0], values[1])?).into()))),
    go("not", &[Any], false, Values(|values| Ok((!is_true(values[0])).into()))),
    go("or", &[Any], true, Built),
    go("print", &[], true, Printed(|values| Ok(sprint(values).into()))),
    go("printf", &[Text], true, Printed(|values| Ok(sprintf(text(values[0]), &values[1..]).into()))),
    go("println", &[], true, Printed(|values| Ok(sprintln(values).into()))),
    go("slice", &[Any], true, Contents(access::slice)),
    go("urlquery", &[], true, Printed(|values| Ok(strings::url_query(&joined(values)).into()))),
];

const fn go(name: &'static str, params: &'static [Param], variadic: bool, body: FunctionBody) -> Function {
    Function { name, params, variadic, body, identity_in_header: false }
}

/// The function of this name: one of `more`, or one of Go's own.
pub(super) fn find(name: &str, more: &'static [Function]) -> Option<&'static Function> {
    more.iter().chain(&FUNCTIONS).find(|function| function.name == name)
}

impl FunctionBody {
    /// Calls the function.
    pub(super) fn run(self, values: &[Val<'_>]) -> Result<Val<'static>, String> {
        let (run, seen): (_, Vec<Cow<'_, Value>>) = match self {
            Values(run) => (run, values.iter().map(|value| Cow::Borrowed(&**value)).collect()),
            Contents(run) => (run, values.iter().map(Val::plain).collect()),
            Printed(run) => (run, values.iter().map(Val::printable).collect()),
            Typed(run) => return run(values),
            Built => return Ok(Val::none()),
        };
        let seen: Vec<&Value> = seen.iter().map(AsRef::as_ref).collect();
        run(&seen).map(Val::any)
    }
}

/// Whether `if` takes a value as true: anything but null, false, zero and empty values.
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

/// The input of the escaping functions: all values concatenated.
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
