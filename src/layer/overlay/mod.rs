//! The merged view of an image's layers, computed from their indexes.
//!
//! ```text
//! layer 2   etc/.wh.a   etc/c            each layer is first resolved by itself: the last of a path counts, parents
//! layer 1   etc/        bin -> usr/bin   that are symbolic links of the same layer are followed inside the root;
//! layer 0   etc/a  etc/b  bin/           then it is merged, as docker does on overlayfs
//! ─────────────────────────────────────
//! view      bin -> usr/bin  etc/  etc/b  etc/c
//! ```
//!
//! - A whiteout hides that name in lower layers, an opaque whiteout their whole directory; neither affects its own
//!   layer, whatever its position. But a later entry of the same name replaces a whiteout, as on overlayfs, where
//!   whiteouts are files: a directory that is listed after its whiteout merges.
//! - A directory over a directory merges and sets its metadata, unless it has no entry of its own (it is only implied
//!   by its content): then the lower metadata stays. Everything else replaces. A directory that is implied in all
//!   layers has mode 0755 and belongs to root.
//! - Hard links are one inode with several names. A hard link to a file of a lower layer is another name of the file
//!   that is there at that point; later changes to one name do not affect the others.
//!
//! A view holds no file contents; it takes about 150 bytes per name, and 200 while it is built.

mod build;
mod changeset;
mod follow;
mod freeze;
mod merge;
mod node;
mod tree;
mod watch;

use std::collections::HashMap;
use std::sync::Arc;

pub use build::OverlayError;
pub use follow::{FollowError, LastLink};
pub use node::{Children, ContentRange, Iter, LinkGroup, NodeKind, ViewNode};
pub use watch::{HiddenFile, PathState, Watch};

use super::checksum::Checksum;
use super::entry::Entry;
use super::index::IndexError;
use super::mtime::Mtime;
use super::path::EntryPath;
use super::sparse_map::SparseMap;

/// The merged view of a stack of layers.
///
/// Names are stored by component: a directory's children are contiguous and sorted in the list of all names.
#[derive(Debug)]
pub struct Overlay {
    /// All names, the root first.
    names: Vec<Name>,
    /// The components of all names, concatenated.
    text: Vec<u8>,
    inodes: Vec<ViewInode>,
    /// Sets of extended attributes; the first is empty.
    xattrs: Vec<Xattrs>,
    /// The maps of sparse files, by inode.
    sparse: HashMap<u32, SparseMap>,
    /// For inodes with several names, the first name and their number.
    links: HashMap<u32, (u32, u32)>,
}

/// Extended attributes, sorted by name.
pub type Xattrs = Arc<[(Vec<u8>, Vec<u8>)]>;

/// A name in a directory.
#[derive(Debug, Clone, Copy)]
struct Name {
    parent: u32,
    /// The offset and length of its last component in `text`.
    start: u32,
    length: u32,
    inode: u32,
    /// The range of its children, if it is a directory.
    children: (u32, u32),
}

/// The metadata of a file.
#[derive(Debug)]
struct ViewInode {
    uid: u64,
    gid: u64,
    mtime: Mtime,
    what: What,
    /// The index of its set of extended attributes.
    xattrs: u32,
    mode: u16,
    /// The layer that it comes from.
    layer: u16,
    /// Whether a layer has an entry for it, so that it is not only implied.
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

/// The view of no layers.
impl Default for Overlay {
    fn default() -> Self {
        build::ViewBuilder::new().finish()
    }
}

impl Overlay {
    /// Merges layers, given bottom first, each as the entries of its index in order
    /// ([`LayerIndex::read`](super::LayerIndex::read)).
    ///
    /// Fails if an index is damaged, a layer cannot be unpacked even by itself, the target of a hard link is missing or
    /// a directory, or a limit is exceeded.
    pub fn build<L>(layers: impl IntoIterator<Item = L>) -> Result<Self, OverlayError>
    where
        L: Iterator<Item = Result<Entry, IndexError>>,
    {
        Self::build_watched(layers, &mut Watch::default())
    }

    /// The same, while `watch` notes what becomes of files.
    pub fn build_watched<L>(layers: impl IntoIterator<Item = L>, watch: &mut Watch) -> Result<Self, OverlayError>
    where
        L: Iterator<Item = Result<Entry, IndexError>>,
    {
        let mut builder = build::ViewBuilder::new();
        for layer in layers {
            builder.add(layer, watch)?;
        }
        Ok(builder.finish())
    }

    /// The root; [`ViewNode::is_listed`] says whether a layer has an entry for it. If none has, its mode is 0755, its
    /// owner root and its time 1970.
    pub fn root(&self) -> ViewNode<'_> {
        ViewNode { overlay: self, id: 0 }
    }

    /// All names but the root, in walk order: a directory is directly followed by its content, and names are sorted by
    /// their bytes. The order is always the same for the same layers.
    pub fn iter(&self) -> Iter<'_> {
        self.root().descendants()
    }

    /// Looks up a path. Symbolic links are not followed.
    pub fn lookup(&self, path: &EntryPath) -> Option<ViewNode<'_>> {
        path.components().try_fold(self.root(), |node, name| node.child(name))
    }

    /// The number of names, without the root.
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
