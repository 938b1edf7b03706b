//! Reads JSON as leniently as Go's `encoding/json` where that is harmless: `null` counts as unset.

use serde::{Deserialize, Deserializer};

/// Reads a value; `null` is the type's default, as Go leaves the field at its zero value.
pub(crate) fn or_default<'de, D, T>(from: D) -> Result<T, D::Error>
where
    D: Deserializer<'de>,
    T: Default + Deserialize<'de>,
{
    Option::<T>::deserialize(from).map(Option::unwrap_or_default)
}

/// Reads a list; `null` is an empty list, and a `null` item the type's default, as in Go.
pub(crate) fn list<'de, D, T>(from: D) -> Result<Vec<T>, D::Error>
where
    D: Deserializer<'de>,
    T: Default + Deserialize<'de>,
{
    let items: Vec<Option<T>> = or_default(from)?;
    Ok(items.into_iter().map(Option::unwrap_or_default).collect())
}

/// Whether a flag is off, for `skip_serializing_if`.
#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde's skip_serializing_if passes a reference")]
pub(crate) fn is_false(flag: &bool) -> bool {
    !*flag
}

/// Whether a number is zero, for `skip_serializing_if`.
#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde's skip_serializing_if passes a reference")]
pub(crate) fn is_zero(number: &i64) -> bool {
    *number == 0
}
