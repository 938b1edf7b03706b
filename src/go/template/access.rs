//! `len`, `index`, `slice` and the iteration of `range`: access to lists, maps and strings.

use std::borrow::Cow;

use serde_json::Value;

use super::value::{Type, Val};
use crate::go::fmt::{display, type_name};

/// Keys and values in the order of a `range`.
type Entries<'v> = Box<dyn Iterator<Item = (Value, Val<'v>)> + 'v>;

/// What `range` iterates over: a list in order, a map by sorted keys, or the integers below a number. `has_key`:
/// whether the range declares a key variable too, which a number does not allow.
pub(super) fn entries(value: Val<'_>, has_key: bool) -> Result<Entries<'_>, String> {
    let of = value.of.inner();
    Ok(match value.value {
        Cow::Borrowed(Value::Array(items)) => {
            Box::new(items.iter().enumerate().map(move |(i, item)| (i.into(), Val::new(Cow::Borrowed(item), of))))
        }
        Cow::Owned(Value::Array(items)) => {
            Box::new(items.into_iter().enumerate().map(move |(i, item)| (i.into(), Val::new(Cow::Owned(item), of))))
        }
        Cow::Borrowed(Value::Object(map)) => {
            let mut entries: Vec<_> = map.iter().collect();
            entries.sort_unstable_by_key(|(key, _)| *key);
            let entry = move |(key, item): (&String, _)| (key.as_str().into(), Val::new(Cow::Borrowed(item), of));
            Box::new(entries.into_iter().map(entry))
        }
        Cow::Owned(Value::Object(map)) => {
            let mut entries: Vec<_> = map.into_iter().collect();
            entries.sort_unstable_by(|(a, _), (b, _)| a.cmp(b));
            Box::new(entries.into_iter().map(move |(key, item)| (key.into(), Val::new(Cow::Owned(item), of))))
        }
        value if value.is_null() => Box::new(std::iter::empty()),
        value => match value.as_i64() {
            Some(_) if has_key => {
                return Err(format!("can't use {} to iterate over more than one variable", display(&value)));
            }
            Some(end) => Box::new((0..end).map(|i| (i.into(), Val::any(i)))),
            None => return Err(format!("range can't iterate over {}", display(&value))),
        },
    })
}

/// How many bytes, items or entries a value has.
pub(super) fn len(values: &[&Value]) -> Result<Value, String> {
    match values[0] {
        Value::String(text) => Ok(text.len().into()),
        Value::Array(items) => Ok(items.len().into()),
        Value::Object(map) => Ok(map.len().into()),
        Value::Null => Err("reflect: call of reflect.Value.Type on zero Value".to_owned()),
        other => Err(format!("len of type {}", type_name(other))),
    }
}

/// The item at each index in turn: a number for lists and strings, a key for maps.
pub(super) fn index(values: &[Val<'_>]) -> Result<Val<'static>, String> {
    let [first, indexes @ ..] = values else { return Ok(Val::none()) };
    let mut item = Val { value: Cow::Owned(first.plain().into_owned()), of: first.of };
    for index in indexes {
        item = index_one(&item, index)?;
    }
    Ok(item)
}

fn index_one(item: &Val<'_>, index: &Value) -> Result<Val<'static>, String> {
    let of = item.of.inner();
    match item.value.as_ref() {
        Value::Null => Err("index of untyped nil".to_owned()),
        Value::Array(items) => {
            let at = position(index, items.len())?;
            let found = items.get(at).cloned().ok_or_else(|| "reflect: slice index out of range".to_owned())?;
            Ok(Val::new(Cow::Owned(found), of))
        }
        Value::String(text) => {
            let at = position(index, text.len())?;
            let byte = text.as_bytes().get(at);
            byte.map(|&byte| Val::any(byte)).ok_or_else(|| "reflect: string index out of range".to_owned())
        }
        Value::Object(_) if item.of.fields().is_some() => Err(format!("can't index item of type {}", kind(item))),
        Value::Object(map) => match index {
            Value::String(key) => {
                Ok(map.get(key).map_or_else(|| Val::zero(of), |found| Val::new(Cow::Owned(found.clone()), of)))
            }
            other => Err(format!("value has type {}; should be string", type_name(other))),
        },
        other => Err(format!("can't index item of type {}", type_name(other))),
    }
}

fn kind(item: &Val<'_>) -> &'static str {
    match item.of {
        Type::Struct(known) | Type::Pointer(known) => known.name,
        _ => type_name(item),
    }
}

/// An index of at most `length`, checked as Go does.
fn position(index: &Value, length: usize) -> Result<usize, String> {
    let wrong_type = |name: &str| format!("cannot index slice/array with {name}");
    match index {
        Value::Null => Err(wrong_type("nil")),
        // Go only knows these as `interface {}`.
        Value::Array(_) | Value::Object(_) => Err(wrong_type("type interface {}")),
        other => match other.as_i64() {
            Some(at) => {
                usize::try_from(at).ok().filter(|&at| at <= length).ok_or_else(|| format!("index out of range: {at}"))
            }
            None => Err(wrong_type(&format!("type {}", type_name(other)))),
        },
    }
}

/// `slice x i j`: a part of a string, in bytes, or of a list.
pub(super) fn slice(values: &[&Value]) -> Result<Value, String> {
    let [item, indexes @ ..] = values else { return Ok(Value::Null) };
    let length = match item {
        Value::Null => return Err("slice of untyped nil".to_owned()),
        Value::String(_) if indexes.len() == 3 => return Err("cannot 3-index slice a string".to_owned()),
        Value::String(text) => text.len(),
        Value::Array(items) => items.len(),
        other => return Err(format!("can't slice item of type {}", type_name(other))),
    };
    if indexes.len() > 3 {
        return Err(format!("too many slice indexes: {}", indexes.len()));
    }
    let positions = indexes.iter().map(|index| position(index, length)).collect::<Result<Vec<_>, _>>()?;
    let begin = positions.first().copied().unwrap_or(0);
    let end = positions.get(1).copied().unwrap_or(length);
    let most = positions.get(2).copied().unwrap_or(length);
    if begin > end || end > most {
        let (low, high) = if begin > end { (begin, end) } else { (end, most) };
        return Err(format!("invalid slice index: {low} > {high}"));
    }
    Ok(match item {
        Value::String(text) => String::from_utf8_lossy(&text.as_bytes()[begin..end]).into_owned().into(),
        Value::Array(items) => items[begin..end].into(),
        _ => Value::Null,
    })
}
