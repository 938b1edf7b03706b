//! Opaque directories: those that were deleted and recreated.
//!
//! ```text
//! d/                 had d/a and d/b, was deleted and recreated
//! d/.wh..wh..opq     instead of d/.wh.a and d/.wh.b
//! d/new
//! ```
//!
//! Overlayfs, which docker uses, records that a directory was recreated; here a new inode shows it. If anything of the
//! base is still in the directory, and so not in the layer, deletions are whiteouts one by one.

use super::item::{ScanItem, ScanState};

/// Keeps the mark of recreated directories on the topmost ones whose whole content is in the layer.
pub(super) fn mark(items: &mut [ScanItem]) {
    // The directories above the current item, by index.
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
