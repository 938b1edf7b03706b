//! Values with the type information that JSON lacks: the type of a field, and its zero value.

use std::borrow::Cow;
use std::ops::Deref;

use serde_json::{Map, Value};

use crate::go::fmt::display;
use crate::go::{json, time};

/// A Go type. Types are data: the caller of a template passes the type of its value.
#[derive(Debug, Clone, Copy)]
pub enum Type {
    /// `interface {}`: the type follows from the JSON.
    Any,
    /// A string.
    Text,
    /// A number.
    Number,
    /// A boolean.
    Flag,
    /// What a method of a table's row shows of a boolean: `[OK]` or nothing, where JSON has `"true"` or `"false"`.
    Mark,
    /// A `time.Duration`, in JSON a number of nanoseconds.
    Duration,
    /// A `time.Time`, in JSON a string in RFC 3339.
    Time,
    /// A slice.
    List(&'static Type),
    /// A map with arbitrary keys.
    Map(&'static Type),
    /// The empty struct: the values of a set.
    Nothing,
    /// A struct.
    Struct(&'static Struct),
    /// A pointer to a struct: nil if unset.
    Pointer(&'static Struct),
}

/// A Go struct.
#[derive(Debug)]
pub struct Struct {
    /// Its name in messages: `*formatter.imageContext`.
    pub name: &'static str,
    /// Its fields, in Go's order.
    pub fields: &'static [Field],
    /// Fields that only the JSON has, and those of older versions: found in the second attempt.
    pub only_in_json: &'static [Field],
    /// Whether every field of the JSON counts as a field of the struct.
    pub is_open: bool,
    /// Whether the fields are methods, so that its JSON is a map of their results, keys sorted.
    pub has_methods: bool,
}

impl Struct {
    /// A struct of exactly these fields.
    pub const fn of(name: &'static str, fields: &'static [Field]) -> Self {
        Self { name, fields, only_in_json: &[], is_open: false, has_methods: false }
    }

    /// A struct that has any field; only those are listed whose type the JSON does not show.
    pub const fn open(name: &'static str, fields: &'static [Field]) -> Self {
        Self { is_open: true, ..Self::of(name, fields) }
    }

    /// The type of a table's rows, whose fields are methods.
    pub const fn row(name: &'static str) -> Self {
        Self { has_methods: true, ..Self::open(name, &[]) }
    }

    /// Finds a field that templates call `name`, also in embedded structs.
    fn field(&self, name: &str) -> Option<&Field> {
        self.find(&|field| field.name == name)
    }

    /// Finds the field that is named `key` in JSON.
    pub(super) fn in_json(&self, key: &str) -> Option<&Field> {
        self.find(&|field| field.json == key).or_else(|| self.only_in_json.iter().find(|field| field.json == key))
    }

    fn find(&self, is_it: &dyn Fn(&Field) -> bool) -> Option<&Field> {
        self.fields.iter().find_map(|field| match field.of {
            Type::Struct(inner) if field.is_embedded() => inner.find(is_it),
            _ => Some(field).filter(|field| is_it(field)),
        })
    }
}

/// A field of a struct.
#[derive(Debug)]
pub struct Field {
    /// Its name in templates.
    pub name: &'static str,
    /// Its name in JSON.
    pub json: &'static str,
    /// Its type.
    pub of: Type,
}

impl Field {
    /// A field with the same name in templates and JSON.
    pub const fn new(name: &'static str, of: Type) -> Self {
        Self { name, json: name, of }
    }

    /// An embedded struct, whose fields are promoted to the outer one.
    pub const fn embedded(inner: &'static Struct) -> Self {
        Self::new("", Type::Struct(inner))
    }

    fn is_embedded(&self) -> bool {
        self.name.is_empty()
    }
}

impl Type {
    /// The zero value of the type.
    fn zero(self) -> Value {
        match self {
            Self::Text | Self::Mark => "".into(),
            Self::Number | Self::Duration => 0.into(),
            Self::Flag => false.into(),
            Self::Time => "0001-01-01T00:00:00Z".into(),
            Self::Struct(_) | Self::Nothing => Map::new().into(),
            Self::Any | Self::List(_) | Self::Map(_) | Self::Pointer(_) => Value::Null,
        }
    }

    /// The element type of a list or a map.
    pub(super) fn inner(self) -> Self {
        match self {
            Self::List(inner) | Self::Map(inner) => *inner,
            _ => Self::Any,
        }
    }

    /// The struct that the type is or points to.
    pub(super) fn fields(self) -> Option<&'static Struct> {
        match self {
            Self::Struct(known) | Self::Pointer(known) => Some(known),
            _ => None,
        }
    }
}

/// A value of the data or made by the template, and its type.
#[derive(Debug, Clone)]
pub(super) struct Val<'v> {
    pub(super) value: Cow<'v, Value>,
    pub(super) of: Type,
}

impl Deref for Val<'_> {
    type Target = Value;

    fn deref(&self) -> &Value {
        &self.value
    }
}

impl<'v> Val<'v> {
    /// A value of the data. Null is unset.
    pub(super) fn new(value: Cow<'v, Value>, of: Type) -> Self {
        let value = if value.is_null() { Cow::Owned(of.zero()) } else { value };
        Self { value, of }
    }

    /// A value known only by its JSON.
    pub(super) fn any(value: impl Into<Value>) -> Self {
        Self { value: Cow::Owned(value.into()), of: Type::Any }
    }

    /// Go's value for a key that is missing in a map.
    pub(super) fn none() -> Self {
        Self::any(Value::Null)
    }

    /// An unset value of that type.
    pub(super) fn zero(of: Type) -> Self {
        Self { value: Cow::Owned(of.zero()), of }
    }

    /// The member `key` of an object.
    pub(super) fn member(&self, key: &str, of: Type) -> Option<Self> {
        let found = match &self.value {
            Cow::Borrowed(Value::Object(map)) => map.get(key).map(Cow::Borrowed),
            Cow::Owned(Value::Object(map)) => map.get(key).map(|found| Cow::Owned(found.clone())),
            _ => None,
        };
        found.map(|found| Self::new(found, of))
    }

    /// The field `name` of a struct, if the struct has one.
    pub(super) fn field(&self, known: &'static Struct, name: &str) -> Option<Self> {
        match known.field(name) {
            Some(field) => Some(self.member(field.json, field.of).unwrap_or_else(|| Self::zero(field.of)).with_mark()),
            None => self.member(name, Type::Any).filter(|_| known.is_open),
        }
    }

    /// The same value; a mark as the text that is shown.
    fn with_mark(self) -> Self {
        match self.of {
            Type::Mark => {
                Self { value: Cow::Owned((if *self == "true" { "[OK]" } else { "" }).into()), of: Type::Text }
            }
            _ => self,
        }
    }

    /// The same value, known only by its JSON.
    pub(super) fn untyped(&self) -> Self {
        Self { value: self.value.clone(), of: Type::Any }
    }

    /// The value for [`fmt`](crate::go::fmt): an unset list or map is empty.
    pub(super) fn plain(&self) -> Cow<'_, Value> {
        match self.of {
            Type::List(_) if self.is_null() => Cow::Owned(Value::Array(Vec::new())),
            Type::Map(_) if self.is_null() => Cow::Owned(Value::Object(Map::new())),
            _ => Cow::Borrowed(self.value.as_ref()),
        }
    }

    /// The value for printing: structs, times and durations as text.
    pub(super) fn printable(&self) -> Cow<'_, Value> {
        match self.of {
            Type::Pointer(_) if !self.is_null() => Cow::Owned(format!("&{}", self.shown()).into()),
            Type::Struct(known) if !known.is_open => Cow::Owned(self.shown().into()),
            Type::Time => Cow::Owned(self.shown().into()),
            _ => self.plain(),
        }
    }

    /// The value as the function `json` prints it.
    pub(super) fn to_json(&self) -> String {
        match (self.of, self.value.as_ref()) {
            (Type::Struct(known), Value::Object(row)) if known.has_methods => json::to_string_sorted(row),
            (_, value) => json::to_string_plain(value),
        }
    }

    /// The value as a template prints it.
    pub(super) fn shown(&self) -> String {
        match (self.of, self.value.as_ref()) {
            (Type::Any, Value::Null) => "<no value>".to_owned(),
            (Type::Pointer(_), Value::Null) => "<nil>".to_owned(),
            (_, Value::String(text)) if !matches!(self.of, Type::Time) => text.clone(),
            (Type::Time, Value::String(text)) => time::time(text),
            (Type::Duration, value) => time::duration(value.as_i64().unwrap_or_default()),
            (Type::Struct(known) | Type::Pointer(known), Value::Object(_)) if !known.is_open => self.braced(known),
            (Type::List(inner), Value::Array(items)) if inner.fields().is_some() => {
                let shown: Vec<String> =
                    items.iter().map(|item| Val::new(Cow::Borrowed(item), *inner).shown()).collect();
                format!("[{}]", shown.join(" "))
            }
            _ => display(&self.plain()),
        }
    }

    fn braced(&self, known: &'static Struct) -> String {
        let field = |field: &Field| match field.of {
            Type::Struct(inner) if field.is_embedded() => self.braced(inner),
            _ => self.member(field.json, field.of).unwrap_or_else(|| Self::zero(field.of)).shown(),
        };
        format!("{{{}}}", known.fields.iter().map(field).collect::<Vec<_>>().join(" "))
    }
}
