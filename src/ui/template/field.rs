//! What `.Config.Labels` leads to: fields of objects, and what a missing one is.

use std::borrow::Cow;

use serde_json::Value;

use super::MissingKey;
use super::access::Val;
use super::exec::{Ran, Run};
use super::fmt::{quote, type_name};

/// Keys whose values are maps with keys of the user's own, in which a missing key is no mistake, however strict the
/// template: `{{.Config.Labels.nope}}` is `<no value>`.
const OPEN_MAPS: [&str; 5] = ["Labels", "Annotations", "ExposedPorts", "Volumes", "Data"];

/// What Go calls the one part of an object that `--format` of `version` goes into.
const CLIENT_TYPE: &str = "system.clientVersion";

impl<'v> Run<'_, 'v> {
    pub(super) fn fields(&self, start: Val<'v>, fields: &[String]) -> Ran<Val<'v>> {
        let mut value = start;
        for (i, name) in fields.iter().enumerate() {
            let named = |back| i.checked_sub(back).map(|place: usize| fields[place].as_str());
            value = match value.as_ref() {
                Value::Object(_) => self.field(&value, name, named(1))?,
                other => self.no_fields(other, name, named(1), named(2))?,
            };
        }
        Ok(value)
    }

    /// The field `name` of an object that was itself the field `parent`, if it was one.
    fn field(&self, value: &Val<'v>, name: &str, parent: Option<&str>) -> Ran<Val<'v>> {
        let found = match value {
            Cow::Borrowed(Value::Object(map)) => map.get(name).map(Cow::Borrowed),
            Cow::Owned(Value::Object(map)) => map.get(name).map(|found| Cow::Owned(found.clone())),
            _ => None,
        };
        if let Some(found) = found {
            return Ok(found);
        }
        let is_root = matches!(value, Cow::Borrowed(value) if std::ptr::eq(*value, self.root));
        match self.options.missing {
            MissingKey::Field { type_name } if is_root && !self.options.is_header => {
                Err(self.fail(format!("can't evaluate field {name} in type {type_name}")))
            }
            MissingKey::Field { .. } if !self.options.is_header && parent == Some("Client") => {
                Err(self.fail(format!("can't evaluate field {name} in type {CLIENT_TYPE}")))
            }
            MissingKey::MapEntry | MissingKey::TypedEntry
                if !parent.is_some_and(|parent| OPEN_MAPS.contains(&parent)) =>
            {
                Err(self.fail(format!("map has no entry for key {}", quote(name))))
            }
            _ => Ok(Cow::Owned(Value::Null)),
        }
    }

    /// The field `name` of what is no object; it was itself the field `parent` of the field `before`.
    fn no_fields(&self, value: &Value, name: &str, parent: Option<&str>, before: Option<&str>) -> Ran<Val<'v>> {
        let is_document = matches!(self.options.missing, MissingKey::MapEntry | MissingKey::TypedEntry);
        match value {
            // What is not in a map of the user's own has nothing in it either.
            Value::Null if matches!(before, Some(map) if OPEN_MAPS.contains(&map)) => Ok(Cow::Owned(Value::Null)),
            Value::Null if parent.is_some() && is_document => {
                Err(self.fail(format!("nil pointer evaluating interface {{}}.{name}")))
            }
            Value::Null if is_document => Err(self.fail(format!("nil data; no entry for key {}", quote(name)))),
            Value::Null => Ok(Cow::Owned(Value::Null)),
            other => {
                let kind = if parent.is_some() && is_document { "interface {}" } else { type_name(other) };
                Err(self.fail(format!("can't evaluate field {name} in type {kind}")))
            }
        }
    }
}
