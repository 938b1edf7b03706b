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

impl<'v> Run<'_, 'v> {
    pub(super) fn fields(&self, start: Val<'v>, fields: &[String]) -> Ran<Val<'v>> {
        let mut value = start;
        for (i, name) in fields.iter().enumerate() {
            let parent = i.checked_sub(1).map(|parent| fields[parent].as_str());
            value = self.field(&value, name, parent)?;
        }
        Ok(value)
    }

    /// The field `name` of a value that was itself the field `parent`, if it was one.
    fn field(&self, value: &Val<'v>, name: &str, parent: Option<&str>) -> Ran<Val<'v>> {
        let found = match value {
            Cow::Borrowed(Value::Object(map)) => map.get(name).map(Cow::Borrowed),
            Cow::Owned(Value::Object(map)) => map.get(name).map(|found| Cow::Owned(found.clone())),
            other => return self.no_fields(other, name, parent),
        };
        if let Some(found) = found {
            return Ok(found);
        }
        let is_root = matches!(value, Cow::Borrowed(value) if std::ptr::eq(*value, self.root));
        match self.options.missing {
            MissingKey::Field { type_name } if is_root && !self.options.is_header => {
                Err(self.fail(format!("can't evaluate field {name} in type {type_name}")))
            }
            MissingKey::MapEntry | MissingKey::TypedEntry
                if !parent.is_some_and(|parent| OPEN_MAPS.contains(&parent)) =>
            {
                Err(self.fail(format!("map has no entry for key {}", quote(name))))
            }
            _ => Ok(Cow::Owned(Value::Null)),
        }
    }

    fn no_fields(&self, value: &Value, name: &str, parent: Option<&str>) -> Ran<Val<'v>> {
        let is_document = matches!(self.options.missing, MissingKey::MapEntry | MissingKey::TypedEntry);
        match value {
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
