//! Candidates for changes.

use std::cmp::Ordering;

use super::change::{DiskChange, DiskChangeKind};
use crate::layer::EntryPath;
use crate::rootfs::{ContentSource, FileNode, Seal, walk_order};

/// A candidate for a change. There may be very many, so rare fields are boxed.
#[derive(Debug)]
pub(super) struct ScanItem {
    pub(super) path: EntryPath,
    pub(super) state: ScanState,
    /// A recreated directory, in which nothing of the base is left.
    pub(super) remade: bool,
    pub(super) node: Option<FileNode>,
    pub(super) seal: Seal,
    pub(super) past: Option<Box<Past>>,
    pub(super) link: Option<Box<EntryPath>>,
}

/// Additional data of a path that was in the image, or has other names.
#[derive(Debug, Default)]
pub(super) struct Past {
    /// The place of the original content.
    pub(super) source: Option<ContentSource>,
    pub(super) group: u32,
    /// The device and inode on disk, if it has several names there or had in the image.
    pub(super) inode: Option<(u64, u64)>,
    /// Its stat equals that of the snapshot.
    pub(super) is_same: bool,
}

impl ScanItem {
    pub(super) fn source(&self) -> Option<&ContentSource> {
        self.past.as_ref()?.source.as_ref()
    }

    pub(super) fn group(&self) -> u32 {
        self.past.as_ref().map_or(0, |past| past.group)
    }

    pub(super) fn inode(&self) -> Option<(u64, u64)> {
        self.past.as_ref()?.inode
    }

    pub(super) fn size(&self) -> u64 {
        self.node.as_ref().map_or(0, |node| node.size)
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ScanState {
    Added,
    Changed,
    Deleted,
    /// A directory of which only the time changed.
    Touched,
    /// An unchanged directory above other items.
    Parent,
    /// Unchanged except perhaps the content.
    Suspect,
    /// Unchanged, kept for its hard links.
    Same,
}

/// Keeps the changes and the directories above them.
pub(super) fn changes(mut items: Vec<ScanItem>) -> Vec<DiskChange> {
    let mut below: Option<usize> = None;
    for place in (0..items.len()).rev() {
        // The content of a directory comes after it.
        let leads_on = below.is_some_and(|below| items[below].path.starts_with(&items[place].path));
        // The time of the root itself is not part of an image: docker and umoci never record it.
        if items[place].path.is_root() && items[place].state == ScanState::Touched {
            items[place].state = ScanState::Parent;
        }
        match items[place].state {
            ScanState::Parent if !leads_on => items[place].state = ScanState::Same,
            ScanState::Suspect | ScanState::Same => {}
            _ => below = Some(place),
        }
    }
    // Reuses the memory of the items: there may be very many.
    items.into_iter().filter_map(change).collect()
}

fn change(item: ScanItem) -> Option<DiskChange> {
    let kind = match item.state {
        ScanState::Added => DiskChangeKind::Added,
        ScanState::Changed => DiskChangeKind::Changed,
        ScanState::Deleted => DiskChangeKind::Deleted,
        ScanState::Touched => DiskChangeKind::Touched,
        ScanState::Parent => DiskChangeKind::Parent,
        ScanState::Suspect | ScanState::Same => return None,
    };
    let ScanItem { path, remade: is_opaque, node, link, seal, .. } = item;
    Some(DiskChange { path, kind, is_opaque, node, link, seal })
}

pub(super) fn order(one: &EntryPath, other: &EntryPath) -> Ordering {
    walk_order(one.as_bytes(), other.as_bytes())
}
