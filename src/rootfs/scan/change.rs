//! The result of a scan.

use crate::layer::{EntryKind, EntryPath};
use crate::rootfs::{FileNode, Seal};

/// The changes of a tree.
#[derive(Debug, Default)]
pub struct Changes {
    /// The changes and the directories above them, in walk order. Empty if nothing changed.
    pub changes: Vec<DiskChange>,
    /// The paths that were left out.
    pub skipped: Skipped,
}

/// Paths that cannot be in a layer, or that the user chose to skip.
#[derive(Debug, Clone, Default)]
pub struct Skipped {
    /// Sockets.
    pub sockets: Vec<EntryPath>,
    /// Mount points.
    pub mounts: Vec<EntryPath>,
    /// Paths that this user has no permission to read.
    pub unreadable: Vec<EntryPath>,
}

/// How a path changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DiskChangeKind {
    /// It is new.
    Added,
    /// Its metadata or content changed.
    Changed,
    /// It was deleted, with everything below it.
    Deleted,
    /// A directory of which only the time changed: something in it was created or deleted.
    Touched,
    /// An unchanged directory with changes below it.
    Parent,
}

/// A changed path, or a directory above one.
#[derive(Debug, Clone)]
pub struct DiskChange {
    /// The path.
    pub path: EntryPath,
    /// What became of it.
    pub kind: DiskChangeKind,
    /// A directory that was deleted and recreated: nothing of the base is left in it.
    pub is_opaque: bool,
    /// The metadata for the new layer; `None` if it was deleted.
    pub node: Option<FileNode>,
    /// The path that it is a hard link to, if that precedes it in the changes.
    pub link: Option<Box<EntryPath>>,
    /// Tells whether the path was modified since the scan.
    pub seal: Seal,
}

impl DiskChange {
    /// The size of its content in the new layer.
    pub fn content_size(&self) -> u64 {
        let has_content = |node: &&FileNode| node.kind == EntryKind::File && self.link.is_none();
        self.node.as_ref().filter(has_content).map_or(0, |node| node.size)
    }
}
