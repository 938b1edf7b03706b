//! Field access such as `.Config.Labels`: struct fields, map keys, and what a missing one gives.

use serde_json::Value;

use super::exec::{Mode, Ran, Run};
use super::value::{Type, Val};
use crate::go::fmt::{quote, type_name};

impl<'v> Run<'_, 'v> {
    pub(super) fn fields(&self, start: Val<'v>, fields: &[String]) -> Ran<Val<'v>> {
        let mut value = start;
        for (i, name) in fields.iter().enumerate() {
            value = match self.mode {
                Mode::Typed | Mode::Header => self.typed_field(&value, name)?,
                Mode::Json => self.json_field(&value, name, i > 0, i + 1 == fields.len())?,
            };
        }
        Ok(value)
    }

    /// The field of a value by its Go name.
    fn typed_field(&self, value: &Val<'v>, name: &str) -> Ran<Val<'v>> {
        let wrong = |kind: &str| Err(self.fail(format!("can't evaluate field {name} in type {kind}")));
        match (value.of, value.value.as_ref()) {
            (Type::Pointer(known), Value::Null) => {
                Err(self.fail(format!("nil pointer evaluating *{}.{name}", known.name)))
            }
            (Type::Struct(known) | Type::Pointer(known), _) => match value.field(known, name) {
                Some(found) => Ok(found),
                // A column that docker does not name has no header.
                None if self.mode == Mode::Header => Ok(Val::none()),
                None => wrong(known.name),
            },
            (Type::Map(inner), _) => Ok(value.member(name, *inner).unwrap_or_else(Val::none)),
            (Type::Any, Value::Object(_)) => Ok(value.member(name, Type::Any).unwrap_or_else(Val::none)),
            (Type::Any, Value::Null) => Ok(Val::none()),
            (_, other) => wrong(type_name(other)),
        }
    }

    /// The field of a value by its JSON name. A field of the type that the JSON omits is unset.
    fn json_field(&self, value: &Val<'v>, name: &str, is_inner: bool, is_last: bool) -> Ran<Val<'v>> {
        let known = value.of.fields().and_then(|known| known.in_json(name));
        match value.value.as_ref() {
            Value::Object(_) => {
                let of = known.map_or(value.of.inner(), |field| field.of);
                match (value.member(name, of), of) {
                    (Some(found), _) => Ok(found),
                    (None, Type::Pointer(_)) if !is_last => Err(self.no_entry(name)),
                    (None, of) if known.is_some() => Ok(Val::zero(of)),
                    (None, _) => Err(self.no_entry(name)),
                }
            }
            Value::Null if is_inner => Err(self.fail(format!("nil pointer evaluating interface {{}}.{name}"))),
            Value::Null => Err(self.fail(format!("nil data; no entry for key {}", quote(name)))),
            other => {
                let kind = if is_inner { "interface {}" } else { type_name(other) };
                Err(self.fail(format!("can't evaluate field {name} in type {kind}")))
            }
        }
    }

    fn no_entry(&self, name: &str) -> String {
        self.fail(format!("map has no entry for key {}", quote(name)))
    }
}
