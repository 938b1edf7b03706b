//! How much changed, by directories below the root.

use std::collections::BTreeMap;

use crate::layer::diff::{PathChange, PathChangeKind};
use crate::layer::overlay::{Overlay, ViewNode};

/// What changed below one directory of the root, or of a file in the root.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Changed {
    /// How many files, links and others were added.
    pub added: u64,
    /// How many were changed.
    pub changed: u64,
    /// How many were deleted.
    pub deleted: u64,
    /// The bytes of all files that are there now, less those of all that were there.
    pub bytes: i128,
}

/// What changed, by the names in the root. Directories themselves do not count.
pub(super) fn summarise(changes: &[PathChange], old: &Overlay, new: &Overlay) -> BTreeMap<Vec<u8>, Changed> {
    let mut all: BTreeMap<Vec<u8>, Changed> = BTreeMap::new();
    for change in changes {
        let path = change.path.as_bytes();
        let top = path.split(|byte| *byte == b'/').next().unwrap_or_default().to_vec();
        let (was, is) = (old.lookup(&change.path), new.lookup(&change.path));
        let one = Changed::of(change.kind, was, is);
        let sum = all.entry(top).or_default();
        sum.added += one.added;
        sum.changed += one.changed;
        sum.deleted += one.deleted;
        sum.bytes += one.bytes;
    }
    all.retain(|_, changed| *changed != Changed::default());
    all
}

impl Changed {
    /// Of one path. A deleted directory is listed without its content, which counts.
    fn of(kind: PathChangeKind, was: Option<ViewNode<'_>>, is: Option<ViewNode<'_>>) -> Self {
        let files = |node: Option<ViewNode<'_>>| -> (u64, i128) {
            let below = node.into_iter().flat_map(|node| std::iter::once(node).chain(node.descendants()));
            let counted = below.filter(|node| !node.is_directory());
            counted.fold((0, 0), |(count, bytes), node| (count + 1, bytes + i128::from(node.size())))
        };
        let own = |node: Option<ViewNode<'_>>| {
            let file = node.filter(|node| !node.is_directory());
            (u64::from(file.is_some()), file.map_or(0, |node| i128::from(node.size())))
        };
        match kind {
            PathChangeKind::Added => {
                let (added, bytes) = own(is);
                Self { added, bytes, ..Self::default() }
            }
            PathChangeKind::Deleted => {
                let (deleted, bytes) = files(was);
                Self { deleted, bytes: -bytes, ..Self::default() }
            }
            PathChangeKind::Changed => {
                let ((had, before), (has, after)) = (own(was), own(is));
                Self { changed: had.max(has), bytes: after - before, ..Self::default() }
            }
        }
    }
}
