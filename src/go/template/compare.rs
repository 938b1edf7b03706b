//! `eq`, `ne`, `lt` and their like: Go compares only values of one kind.

use std::cmp::Ordering;

use serde_json::Value;

use crate::go::fmt::{display, type_name};

/// Whether two values are equal; lists and maps cannot be compared at all.
pub(super) fn equal(a: &Value, b: &Value) -> Result<bool, String> {
    if a.is_null() || b.is_null() {
        return Ok(a.is_null() && b.is_null());
    }
    let is_basic = |value: &Value| !value.is_array() && !value.is_object();
    if !is_basic(a) && !is_basic(b) {
        return Err(format!("non-comparable type {}: {}", display(a), type_name(a)));
    }
    if type_name(a) != type_name(b) {
        return Err("incompatible types for comparison".to_owned());
    }
    Ok(a == b)
}

/// Which of two values comes first: numbers by size, strings by their bytes.
pub(super) fn ordering(a: &Value, b: &Value) -> Result<Ordering, String> {
    for value in [a, b] {
        if value.is_null() || value.is_array() || value.is_object() {
            return Err("invalid type for comparison".to_owned());
        }
    }
    if type_name(a) != type_name(b) {
        return Err("incompatible types for comparison".to_owned());
    }
    if a.is_boolean() {
        return Err("invalid type for comparison".to_owned());
    }
    Ok(match (a, b) {
        (Value::String(a), Value::String(b)) => a.cmp(b),
        _ => match (integer(a), integer(b)) {
            (Some(a), Some(b)) => a.cmp(&b),
            _ => a.as_f64().partial_cmp(&b.as_f64()).unwrap_or(Ordering::Equal),
        },
    })
}

fn integer(value: &Value) -> Option<i128> {
    value.as_i64().map(i128::from).or_else(|| value.as_u64().map(i128::from))
}
