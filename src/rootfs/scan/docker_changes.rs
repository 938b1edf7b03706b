//! The changes of a tree as docker's `diff` lists them.

use super::change::DiskChange;
use super::change::DiskChangeKind::{Added, Changed, Deleted, Parent, Touched};
use crate::layer::diff;

/// The changes that docker lists, sorted by path: without the root, and without directories of which only the time
/// changed because something was created and deleted in them.
pub fn docker_changes(changes: &[DiskChange]) -> Vec<diff::PathChange> {
    let mut told: Vec<diff::PathChange> = Vec::new();
    // The content of a directory comes after it.
    for change in changes.iter().filter(|change| !change.path.is_root()).rev() {
        let leads_on = told.last().is_some_and(|below| below.path.starts_with(&change.path));
        let kind = match change.kind {
            Added => diff::PathChangeKind::Added,
            Deleted => diff::PathChangeKind::Deleted,
            Touched | Parent if !leads_on => continue,
            Changed | Touched | Parent => diff::PathChangeKind::Changed,
        };
        told.push(diff::PathChange { path: change.path.clone(), kind, aspects: Vec::new() });
    }
    told.sort_unstable_by(|one, other| one.path.cmp(&other.path));
    told
}
