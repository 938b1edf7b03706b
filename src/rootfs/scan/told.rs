//! The changes of a tree as docker's `diff` tells them.

use super::change::Change;
use super::change::ChangeKind::{Added, Changed, Deleted, Parent, Touched};
use crate::layer::diff;

/// The changes that docker tells, sorted by path: not the root, and no directory of which only the time changed, because
/// what came into it went again.
pub fn as_docker_tells(changes: &[Change]) -> Vec<diff::Change> {
    let mut told: Vec<diff::Change> = Vec::new();
    // What is below a directory comes after it.
    for change in changes.iter().filter(|change| !change.path.is_root()).rev() {
        let leads_on = told.last().is_some_and(|below| below.path.starts_with(&change.path));
        let kind = match change.kind {
            Added => diff::ChangeKind::Added,
            Deleted => diff::ChangeKind::Deleted,
            Touched | Parent if !leads_on => continue,
            Changed | Touched | Parent => diff::ChangeKind::Changed,
        };
        told.push(diff::Change { path: change.path.clone(), kind, aspects: Vec::new() });
    }
    told.sort_unstable_by(|one, other| one.path.cmp(&other.path));
    told
}
