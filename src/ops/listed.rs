//! Lists in the words of errors.

use crate::oci::Platform;

/// The words of docker's two stores: for images of one platform, and of several.
pub(super) fn other_platform(wanted: &Platform, found: &[Platform]) -> String {
    match found {
        [found] => format!("its platform ({found}) does not match the specified platform ({wanted})"),
        _ => format!("does not provide the specified platform ({wanted}): it has {}", listed(found)),
    }
}

pub(super) fn listed<T: ToString>(items: &[T]) -> String {
    if items.is_empty() {
        return "none".to_owned();
    }
    items.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
}
