//! Finds the changes of a tree since its snapshot.
//!
//! ```text
//! disk, in walk order ──┐                                      ┌─▶ records of the next snapshot
//!                       ├─ merge ─▶ items ─▶ suspects compared ┤
//! records, in walk order┘           by stat   by content       └─▶ hard links put together ─▶ changes
//! ```
//!
//! A path with the same stat as in the snapshot is unchanged, unless it is so recent that a later change could have
//! left the same time; any other is compared field by field, and if only inode or ctime differ (it was copied, or its
//! times were reset), by content. It is compared with what was on disk, not with the image: see [`PathRecord`].

mod change;
mod compare;
mod content;
mod docker_changes;
mod item;
mod links;
mod merge;
mod opaque;
mod options;
mod stand_in;

pub use change::{Changes, DiskChange, DiskChangeKind, Skipped};
pub(super) use compare::kind as kind_of;
pub use docker_changes::docker_changes;
pub use options::{Keep, ScanOptions};
pub use stand_in::StandIns;

use super::snapshot::SnapshotError;
use super::{Error, PathRecord, Root};
use crate::image::contents::LayerStack;

/// Compares a tree with the records of its snapshot, given in walk order. `keep` receives the records of the current
/// state, in walk order, for the next snapshot.
pub fn scan(
    root: &Root,
    records: &mut dyn Iterator<Item = Result<PathRecord, SnapshotError>>,
    layers: &LayerStack,
    options: &ScanOptions<'_>,
    keep: Keep<'_>,
) -> Result<Changes, Error> {
    let mut found = merge::merge(root, records, options, keep)?;
    content::resolve(root, &mut found.items, layers, options.in_place, &mut found.skipped)?;
    if !found.skipped.unreadable.is_empty() && !options.skip_unreadable {
        return Err(Error::Unreadable { paths: found.skipped.unreadable });
    }
    links::gather(&mut found.items);
    opaque::mark(&mut found.items);
    Ok(Changes { changes: item::changes(found.items), skipped: found.skipped })
}
