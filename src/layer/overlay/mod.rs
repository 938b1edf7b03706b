//! The merged view: what the layers of an image are together, computed from their indexes.
//!
//! ```text
//! layer 2   etc/.wh.a   etc/c            each layer is resolved by itself first: the last of one path counts, parents
//! layer 1   etc/        bin -> usr/bin   that are symbolic links of the same layer are followed inside the root;
//! layer 0   etc/a  etc/b  bin/           then it is stacked, as docker does on overlayfs
//! ─────────────────────────────────────
//! view      bin -> usr/bin  etc/  etc/b  etc/c
//! ```
//!
//! - A whiteout hides what lower layers have under that name, an opaque mark what they have in that directory; neither
//!   touches its own layer, wherever it stands there. But an entry of the same name takes the place of a whiteout before
//!   it, as on overlayfs, where whiteouts are files: a directory that is listed after its whiteout merges.
//! - A directory on a directory merges and brings its metadata, unless no entry lists it (it is only implied by what is
//!   in it): then the lower one's stay. Everything else replaces. What is implied by one layer only is 0755, root's.
//! - Hard links are one inode with several names. A hard link to a file of a lower layer is another name of the file that
//!   the view has there at that time; what later happens to one name does not touch the others.
//!
//! A view has no contents; it takes about 150 bytes a name, and 240 while it is built.

mod build;
mod changeset;
mod freeze;
mod merge;
mod node;
mod tree;

use std::collections::HashMap;
use std::sync::Arc;

pub use build::OverlayError;
pub use node::{Children, ContentRange, Iter, LinkGroup, NodeKind, ViewNode};

use super::checksum::Checksum;
use super::entry::{Entry, Mtime, SparseMap};
use super::index::IndexError;
use super::path::EntryPath;

/// The merged view of a stack of layers.
///
/// Names are kept by component: a directory's children stand side by side, sorted, in the list of all names.
#[derive(Debug)]
pub struct Overlay {
    /// The root first.
    names: Vec<Name>,
    /// The components of all names, one after the other.
    text: Vec<u8>,
    inodes: Vec<ViewInode>,
    /// Sets of extended attributes; the first is empty.
    xattrs: Vec<Xattrs>,
    /// The maps of those inodes that are sparse files.
    sparse: HashMap<u32, SparseMap>,
    /// The first name of those inodes that have several, and how many they have.
    links: HashMap<u32, (u32, u32)>,
}

/// Extended attributes, sorted by name.
type Xattrs = Arc<[(Vec<u8>, Vec<u8>)]>;

/// A name in a directory.
#[derive(Debug, Clone, Copy)]
struct Name {
    parent: u32,
    /// Where its last component starts in the text, and how long it is.
    start: u32,
    length: u32,
    inode: u32,
    /// Its children, if it is a directory.
    children: (u32, u32),
}

/// What a name stands for.
#[derive(Debug)]
struct ViewInode {
    uid: u64,
    gid: u64,
    mtime: Mtime,
    what: What,
    /// Which set of extended attributes.
    xattrs: u32,
    mode: u16,
    /// Which layer it is of.
    layer: u16,
    /// Whether a layer has an entry for it.
    listed: bool,
}

/// What an [`ViewInode`] is.
#[derive(Debug)]
enum What {
    Directory,
    File { size: u64, offset: u64, checksum: Checksum },
    Symlink(Box<[u8]>),
    CharDevice(u32, u32),
    BlockDevice(u32, u32),
    Fifo,
}

impl Overlay {
    /// Stacks layers, given bottom first, each as the entries of its index in their order
    /// ([`LayerIndex::read`](super::LayerIndex::read)).
    ///
    /// An error if an index is damaged, a layer cannot be unpacked even alone, a hard link leads to nothing or to a
    /// directory, or there is more than the limits allow.
    pub fn build<L>(layers: impl IntoIterator<Item = L>) -> Result<Self, OverlayError>
    where
        L: Iterator<Item = Result<Entry, IndexError>>,
    {
        let mut builder = build::ViewBuilder::new();
        for layer in layers {
            builder.add(layer)?;
        }
        Ok(builder.finish())
    }

    /// The root; [`ViewNode::is_listed`] says whether a layer has an entry for it. If none has, it is 0755, root's, of 1970.
    pub fn root(&self) -> ViewNode<'_> {
        ViewNode { overlay: self, id: 0 }
    }

    /// All names but the root, directories before what is in them, the names of a directory sorted by their bytes, what is
    /// in a directory directly after it: the same for the same layers, always.
    pub fn iter(&self) -> Iter<'_> {
        self.root().descendants()
    }

    /// What a path stands for. Symbolic links are not followed.
    pub fn lookup(&self, path: &EntryPath) -> Option<ViewNode<'_>> {
        path.components().try_fold(self.root(), |node, name| node.child(name))
    }

    /// How many names there are, without the root.
    pub fn len(&self) -> usize {
        self.names.len() - 1
    }

    /// Whether there is nothing but the root.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

impl<'a> IntoIterator for &'a Overlay {
    type Item = ViewNode<'a>;
    type IntoIter = Iter<'a>;

    fn into_iter(self) -> Iter<'a> {
        self.iter()
    }
}

#[cfg(test)]
mod tests;
