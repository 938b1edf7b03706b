//! Opaque directories: those that were removed and made again.
//!
//! ```text
//! d/                 was d/a, d/b, removed and made again
//! d/.wh..wh..opq     nothing of the base, in place of d/.wh.a and d/.wh.b
//! d/new
//! ```
//!
//! Docker's overlay notes it when a directory is made where one was; here other inodes tell. Where anything of the base
//! is in the directory as it was, so that it is not in the layer, what is gone is named one by one.

use super::item::{ScanItem, ScanState};

/// Leaves as remade the topmost directories of which all that is in them is in the layer.
pub(super) fn mark(items: &mut [ScanItem]) {
    // The directories above an item, by their places.
    let mut way: Vec<usize> = Vec::new();
    for place in 0..items.len() {
        while way.last().is_some_and(|above| !items[place].path.starts_with(&items[*above].path)) {
            way.pop();
        }
        if matches!(items[place].state, ScanState::Same | ScanState::Suspect) {
            for above in &way {
                items[*above].remade = false;
            }
        }
        way.push(place);
    }
    let mut top: Option<usize> = None;
    for place in 0..items.len() {
        match top {
            Some(above) if items[place].path.starts_with(&items[above].path) => items[place].remade = false,
            _ => top = items[place].remade.then_some(place),
        }
    }
}
