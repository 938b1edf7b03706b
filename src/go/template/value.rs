//! Values with what Go knows of them and JSON does not tell: which type a field has, and what it is where it is not set.

use std::borrow::Cow;
use std::ops::Deref;

use serde_json::{Map, Value};

use crate::go::fmt::display;
use crate::go::{json, time};

/// A type of Go's. Types are data: whoever runs a template says of which type its value is.
#[derive(Debug, Clone, Copy)]
pub enum Type {
    /// `interface {}`: a value is what its JSON says.
    Any,
    /// A string.
    Text,
    /// A number.
    Number,
    /// A truth value.
    Flag,
    /// A `time.Duration`, in JSON a number of nanoseconds.
    Duration,
    /// A `time.Time`, in JSON a string in RFC 3339.
    Time,
    /// A slice.
    List(&'static Type),
    /// A map with keys of the user's own.
    Map(&'static Type),
    /// The empty struct, of which sets are made.
    Nothing,
    /// A struct.
    Struct(&'static Struct),
    /// A pointer to a struct: where it is not set, it has no fields.
    Pointer(&'static Struct),
}

/// A struct of Go's.
#[derive(Debug)]
pub struct Struct {
    /// As messages name it: `*formatter.imageContext`.
    pub name: &'static str,
    /// Its fields, in Go's order.
    pub fields: &'static [Field],
    /// Fields that only its JSON has, and of older versions: a template finds them at the second try.
    pub only_in_json: &'static [Field],
    /// Whether any field of the value's JSON is one of the struct.
    pub is_open: bool,
    /// Whether the fields are methods, and JSON is what Go makes of a map of their results: keys sorted.
    pub has_methods: bool,
}

impl Struct {
    /// A struct of those fields and no others.
    pub const fn of(name: &'static str, fields: &'static [Field]) -> Self {
        Self { name, fields, only_in_json: &[], is_open: false, has_methods: false }
    }

    /// A struct of which only those fields are known whose type JSON does not tell.
    pub const fn open(name: &'static str, fields: &'static [Field]) -> Self {
        Self { is_open: true, ..Self::of(name, fields) }
    }

    /// The type of a list's rows, whose fields are methods.
    pub const fn row(name: &'static str) -> Self {
        Self { has_methods: true, ..Self::open(name, &[]) }
    }

    /// Finds a field that templates call `name`, also in embedded structs.
    fn field(&self, name: &str) -> Option<&Field> {
        self.find(&|field| field.name == name)
    }

    /// Finds the field that is `key` in JSON.
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
    /// As templates name it.
    pub name: &'static str,
    /// As JSON names it.
    pub json: &'static str,
    /// Its type.
    pub of: Type,
}

impl Field {
    /// A field that has one name.
    pub const fn new(name: &'static str, of: Type) -> Self {
        Self { name, json: name, of }
    }

    /// A struct within a struct, whose fields are those of the outer one too.
    pub const fn embedded(inner: &'static Struct) -> Self {
        Self::new("", Type::Struct(inner))
    }

    fn is_embedded(&self) -> bool {
        self.name.is_empty()
    }
}

impl Type {
    /// The value of a variable of this type that nobody set.
    fn zero(self) -> Value {
        match self {
            Self::Text => "".into(),
            Self::Number | Self::Duration => 0.into(),
            Self::Flag => false.into(),
            Self::Time => "0001-01-01T00:00:00Z".into(),
            Self::Struct(_) | Self::Nothing => Map::new().into(),
            Self::Any | Self::List(_) | Self::Map(_) | Self::Pointer(_) => Value::Null,
        }
    }

    /// The type of what is in a list or a map.
    pub(super) fn inner(self) -> Self {
        match self {
            Self::List(inner) | Self::Map(inner) => *inner,
            _ => Self::Any,
        }
    }

    /// The struct that it is or points to.
    pub(super) fn fields(self) -> Option<&'static Struct> {
        match self {
            Self::Struct(known) | Self::Pointer(known) => Some(known),
            _ => None,
        }
    }
}

/// A value of the data, or one that the template made, and its type.
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
    /// A value of the data. Null is what nobody set.
    pub(super) fn new(value: Cow<'v, Value>, of: Type) -> Self {
        let value = if value.is_null() { Cow::Owned(of.zero()) } else { value };
        Self { value, of }
    }

    /// A value of which no more is known than its JSON.
    pub(super) fn any(value: impl Into<Value>) -> Self {
        Self { value: Cow::Owned(value.into()), of: Type::Any }
    }

    /// What Go has for a key that is in no map.
    pub(super) fn none() -> Self {
        Self::any(Value::Null)
    }

    /// What nobody set, of that type.
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
            Some(field) => Some(self.member(field.json, field.of).unwrap_or_else(|| Self::zero(field.of))),
            None => self.member(name, Type::Any).filter(|_| known.is_open),
        }
    }

    /// The same value, of which no more is known than its JSON.
    pub(super) fn untyped(&self) -> Self {
        Self { value: self.value.clone(), of: Type::Any }
    }

    /// As [`fmt`](crate::go::fmt) is to see it: a list or a map that nobody set is empty.
    pub(super) fn plain(&self) -> Cow<'_, Value> {
        match self.of {
            Type::List(_) if self.is_null() => Cow::Owned(Value::Array(Vec::new())),
            Type::Map(_) if self.is_null() => Cow::Owned(Value::Object(Map::new())),
            _ => Cow::Borrowed(self.value.as_ref()),
        }
    }

    /// As `fmt` prints it: structs, times and durations as text.
    pub(super) fn printable(&self) -> Cow<'_, Value> {
        match self.of {
            Type::Pointer(_) if !self.is_null() => Cow::Owned(format!("&{}", self.shown()).into()),
            Type::Struct(known) if !known.is_open => Cow::Owned(self.shown().into()),
            Type::Time => Cow::Owned(self.shown().into()),
            _ => self.plain(),
        }
    }

    /// As the function `json` writes it.
    pub(super) fn to_json(&self) -> String {
        match (self.of, self.value.as_ref()) {
            (Type::Struct(known), Value::Object(row)) if known.has_methods => json::to_string_sorted(row),
            (_, value) => json::to_string_plain(value),
        }
    }

    /// As a template prints it.
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
