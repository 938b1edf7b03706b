//! What a scan finds.

use crate::layer::{EntryKind, EntryPath};
use crate::rootfs::{FileNode, Seal};

/// All that became of a tree.
#[derive(Debug, Default)]
pub struct Changes {
    /// The changes and the directories on the way to them, in walk order. None if nothing changed.
    pub changes: Vec<DiskChange>,
    /// What was left out.
    pub skipped: Skipped,
}

/// What no layer can have, or the user did not want in it.
#[derive(Debug, Clone, Default)]
pub struct Skipped {
    /// Sockets.
    pub sockets: Vec<EntryPath>,
    /// Where something else is mounted.
    pub mounts: Vec<EntryPath>,
    /// What this user may not read.
    pub unreadable: Vec<EntryPath>,
}

/// What became of a path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DiskChangeKind {
    /// It is new.
    Added,
    /// Its metadata or content is not what it was.
    Changed,
    /// It is gone, with all that was below it.
    Deleted,
    /// A directory of which only the time changed: something in it came or went.
    Touched,
    /// A directory that is as it was; something in it changed.
    Parent,
}

/// A path that is not as it was, or leads to one.
#[derive(Debug, Clone)]
pub struct DiskChange {
    /// The path.
    pub path: EntryPath,
    /// What became of it.
    pub kind: DiskChangeKind,
    /// A directory that was removed and made again: nothing of the base is left in it.
    pub is_opaque: bool,
    /// What the new layer shall say of it, unless it is gone.
    pub node: Option<FileNode>,
    /// The path of which it is another name, if that is in the changes as well and before it.
    pub link: Option<Box<EntryPath>>,
    /// What tells whether the disk still has what was found.
    pub seal: Seal,
}

impl DiskChange {
    /// How many bytes of content the new layer has for it.
    pub fn content_size(&self) -> u64 {
        let has_content = |node: &&FileNode| node.kind == EntryKind::File && self.link.is_none();
        self.node.as_ref().filter(has_content).map_or(0, |node| node.size)
    }
}
