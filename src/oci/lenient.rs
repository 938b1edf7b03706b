//! Reading JSON as forgivingly as Go's `encoding/json` does where it is harmless: `null` is "nothing was said".

use serde::{Deserialize, Deserializer};

/// Reads a value; `null` is the type's default, as Go leaves a field untouched that is `null`.
pub(crate) fn or_default<'de, D, T>(from: D) -> Result<T, D::Error>
where
    D: Deserializer<'de>,
    T: Default + Deserialize<'de>,
{
    Option::<T>::deserialize(from).map(Option::unwrap_or_default)
}

/// Reads a list; `null` is an empty one, and in it the type's default, as Go has it.
pub(crate) fn list<'de, D, T>(from: D) -> Result<Vec<T>, D::Error>
where
    D: Deserializer<'de>,
    T: Default + Deserialize<'de>,
{
    let items: Vec<Option<T>> = or_default(from)?;
    Ok(items.into_iter().map(Option::unwrap_or_default).collect())
}

/// Whether a flag is off: for `skip_serializing_if`, which hands out a reference.
#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde's skip_serializing_if passes a reference")]
pub(crate) fn is_false(flag: &bool) -> bool {
    !*flag
}

/// Whether a number is nought: for `skip_serializing_if`, which hands out a reference.
#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde's skip_serializing_if passes a reference")]
pub(crate) fn is_zero(number: &i64) -> bool {
    *number == 0
}
