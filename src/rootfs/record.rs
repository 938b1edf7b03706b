//! The records of a snapshot.

use serde::{Deserialize, Serialize};

use super::{FileNode, Stat};
use crate::layer::serde_bytes;
use crate::layer::{EntryPath, SparseMap};

/// A path as it is in the image, and as it was on disk when the snapshot was taken.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PathRecord {
    /// The path.
    pub path: EntryPath,
    /// Its metadata in the image.
    pub node: FileNode,
    /// The place of a file's content.
    pub source: Option<ContentSource>,
    /// The hard link group: the same number for all names of a file, 0 if this is its only name.
    pub group: u32,
    /// Its metadata on disk.
    pub stat: Stat,
    /// The kept extended attributes on disk, if they differ from those of the node.
    pub xattrs: Option<Xattrs>,
}

/// Extended attributes, sorted by name.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Xattrs(#[serde(with = "serde_bytes::pairs")] pub Vec<(Vec<u8>, Vec<u8>)>);

/// The place of a file's content in a layer's uncompressed tar.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ContentSource {
    /// The layer, counted from the bottom, from 0.
    pub layer: u32,
    /// The offset in the tar.
    pub offset: u64,
    /// The map of a sparse file; `None` for all others.
    pub sparse: Option<SparseMap>,
}

impl PathRecord {
    /// The kept extended attributes on disk.
    pub fn disk_xattrs(&self) -> &[(Vec<u8>, Vec<u8>)] {
        self.xattrs.as_ref().map_or(&self.node.xattrs, |xattrs| &xattrs.0)
    }
}
