//! What a snapshot knows of one path.

use serde::{Deserialize, Serialize};

use super::{FileNode, Stat};
use crate::layer::serde_bytes;
use crate::layer::{EntryPath, SparseMap};

/// A path as the image means it, and as it stood on the disk when the snapshot was taken.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PathRecord {
    /// The path.
    pub path: EntryPath,
    /// What the image says of it.
    pub node: FileNode,
    /// Where a file's content is.
    pub source: Option<ContentSource>,
    /// Which hard links it is one of: the same number for all names of a file, 0 if this is its only one.
    pub group: u32,
    /// What the disk said of it.
    pub stat: Stat,
    /// The kept extended attributes that the disk had, where they are not those of the node.
    pub xattrs: Option<Xattrs>,
}

/// Extended attributes, sorted by name.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Xattrs(#[serde(with = "serde_bytes::pairs")] pub Vec<(Vec<u8>, Vec<u8>)>);

/// Where the content of a file is: in a layer's uncompressed tar.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ContentSource {
    /// Which layer, from the bottom, beginning with 0.
    pub layer: u32,
    /// Where it starts in the tar.
    pub offset: u64,
    /// Where a sparse file's content belongs; none for all others.
    pub sparse: Option<SparseMap>,
}

impl PathRecord {
    /// The kept extended attributes that the disk had.
    pub fn disk_xattrs(&self) -> &[(Vec<u8>, Vec<u8>)] {
        self.xattrs.as_ref().map_or(&self.node.xattrs, |xattrs| &xattrs.0)
    }
}
