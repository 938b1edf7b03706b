//! A name of the merged view.

use std::cmp::Ordering;
use std::fmt;
use std::ops::Range;

use super::{Name, Overlay, ViewInode, What};
use crate::layer::checksum::Checksum;
use crate::layer::entry::EntryKind;
use crate::layer::mtime::Mtime;
use crate::layer::path::EntryPath;
use crate::layer::sparse_map::SparseMap;
use crate::layer::writer::Meta;

/// A name of a merged view with its metadata. Cheap to copy.
#[derive(Clone, Copy)]
pub struct ViewNode<'a> {
    pub(super) overlay: &'a Overlay,
    pub(super) id: u32,
}

/// The kind of a [`ViewNode`]. A hard link has the kind of its file: see [`ViewNode::first_name`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NodeKind<'a> {
    /// A regular file.
    File,
    /// A directory.
    Directory,
    /// A symbolic link.
    Symlink {
        /// The target, unchanged.
        target: &'a [u8],
    },
    /// A character device.
    CharDevice {
        /// The major number.
        major: u32,
        /// The minor number.
        minor: u32,
    },
    /// A block device.
    BlockDevice {
        /// The major number.
        major: u32,
        /// The minor number.
        minor: u32,
    },
    /// A named pipe.
    Fifo,
}

/// The place of a file's content.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ContentRange<'a> {
    /// The layer, counted from the bottom, from 0.
    pub layer: usize,
    /// The offset of the content in the layer's uncompressed tar.
    pub content_offset: u64,
    /// The file's size in bytes, with its holes.
    pub size: u64,
    /// The map of a sparse file; `None` for all others.
    pub sparse: Option<&'a SparseMap>,
    /// The checksum of the stored bytes.
    pub checksum: Checksum,
}

/// The identity of an inode with several names: names of one view with equal groups are hard links of each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LinkGroup(u32);

impl ContentRange<'_> {
    /// How many bytes are stored in the layer: less than the size if the file has holes.
    pub fn stored(&self) -> u64 {
        match self.sparse {
            None => self.size,
            Some(map) => map.segments.iter().map(|segment| segment.length).sum(),
        }
    }
}

impl<'a> ViewNode<'a> {
    fn name_record(&self) -> &'a Name {
        &self.overlay.names[self.id as usize]
    }

    fn inode(&self) -> &'a ViewInode {
        &self.overlay.inodes[self.name_record().inode as usize]
    }

    fn at(&self, id: u32) -> Self {
        Self { overlay: self.overlay, id }
    }

    /// The stable number of this name in its view: at most [`Overlay::len`]; the root's is 0.
    pub fn id(&self) -> usize {
        self.id as usize
    }

    /// The last component; empty for the root.
    pub fn name(&self) -> &'a [u8] {
        let Name { start, length, .. } = *self.name_record();
        &self.overlay.text[start as usize..][..length as usize]
    }

    /// The whole path, as bytes without a leading `/`.
    pub fn path_bytes(&self) -> Vec<u8> {
        let mut components: Vec<&[u8]> =
            std::iter::successors(Some(*self), Self::parent).map(|node| node.name()).collect();
        components.pop();
        components.reverse();
        components.join(&b'/')
    }

    /// The whole path.
    pub fn path(&self) -> EntryPath {
        EntryPath::new(&self.path_bytes()).expect("names of a view are components of clean paths")
    }

    /// The parent directory; `None` for the root.
    pub fn parent(&self) -> Option<Self> {
        (self.id != 0).then(|| self.at(self.name_record().parent))
    }

    /// What it is.
    pub fn kind(&self) -> NodeKind<'a> {
        match &self.inode().what {
            What::Directory => NodeKind::Directory,
            What::File { .. } => NodeKind::File,
            What::Symlink(target) => NodeKind::Symlink { target },
            &What::CharDevice(major, minor) => NodeKind::CharDevice { major, minor },
            &What::BlockDevice(major, minor) => NodeKind::BlockDevice { major, minor },
            What::Fifo => NodeKind::Fifo,
        }
    }

    /// Whether it is a directory.
    pub fn is_directory(&self) -> bool {
        self.kind() == NodeKind::Directory
    }

    /// Whether a layer has an entry for it. A directory that is only implied by its content has mode 0755, owner root
    /// and the time 1970.
    pub fn is_listed(&self) -> bool {
        self.inode().listed
    }

    /// The permission bits with setuid, setgid and sticky.
    pub fn mode(&self) -> u32 {
        u32::from(self.inode().mode)
    }

    /// The owner.
    pub fn uid(&self) -> u64 {
        self.inode().uid
    }

    /// The group.
    pub fn gid(&self) -> u64 {
        self.inode().gid
    }

    /// The modification time.
    pub fn mtime(&self) -> Mtime {
        self.inode().mtime
    }

    /// A file's size in bytes with its holes; 0 for everything else.
    pub fn size(&self) -> u64 {
        match self.inode().what {
            What::File { size, .. } => size,
            _ => 0,
        }
    }

    /// All extended attributes in the layer, sorted by name, including those that unpacking does not set.
    pub fn xattrs(&self) -> &'a [(Vec<u8>, Vec<u8>)] {
        &self.overlay.xattrs[self.inode().xattrs as usize]
    }

    /// The layer that its inode comes from, counted from the bottom, from 0.
    pub fn layer(&self) -> usize {
        usize::from(self.inode().layer)
    }

    /// The place of its content, if it is a file; the same for all names of a file.
    pub fn source(&self) -> Option<ContentRange<'a>> {
        let What::File { size, offset, checksum } = self.inode().what else { return None };
        let sparse = self.overlay.sparse.get(&self.name_record().inode);
        Some(ContentRange { layer: self.layer(), content_offset: offset, size, sparse, checksum })
    }

    /// The group of its hard links; `None` if this is its only name.
    pub fn link_group(&self) -> Option<LinkGroup> {
        let inode = self.name_record().inode;
        self.overlay.links.contains_key(&inode).then_some(LinkGroup(inode))
    }

    /// How many names it has.
    pub fn link_count(&self) -> usize {
        self.overlay.links.get(&self.name_record().inode).map_or(1, |(_, count)| *count as usize)
    }

    /// The name of this file that comes first in [`Overlay::iter`]: in a tar it carries the content, and the others are
    /// hard links to it. The node itself if it has one name.
    pub fn first_name(&self) -> Self {
        self.overlay.links.get(&self.name_record().inode).map_or(*self, |(first, _)| self.at(*first))
    }

    /// Whether this is not the first name of a file.
    pub fn is_further_name(&self) -> bool {
        self.first_name() != *self
    }

    /// The children of the directory, sorted by name; empty if it is not a directory.
    pub fn children(&self) -> Children<'a> {
        let (start, end) = self.name_record().children;
        Children { overlay: self.overlay, range: start..end }
    }

    /// The child of this name.
    pub fn child(&self, name: &[u8]) -> Option<Self> {
        let (mut start, mut end) = self.name_record().children;
        while start < end {
            let middle = self.at(start + (end - start) / 2);
            match middle.name().cmp(name) {
                Ordering::Less => start = middle.id + 1,
                Ordering::Greater => end = middle.id,
                Ordering::Equal => return Some(middle),
            }
        }
        None
    }

    /// Everything below it, in the order of [`Overlay::iter`].
    pub fn descendants(&self) -> Iter<'a> {
        Iter { stack: vec![self.children()] }
    }

    /// The tar header for it: all but the first name of a file are hard links.
    pub fn meta(&self) -> Meta {
        let first = self.first_name();
        let kind = if first == *self { self.kind().into() } else { EntryKind::Hardlink { target: first.path() } };
        Meta {
            name: self.path_bytes(),
            size: if kind == EntryKind::File { self.size() } else { 0 },
            kind,
            mode: self.mode(),
            uid: self.uid(),
            gid: self.gid(),
            mtime: self.mtime(),
            xattrs: self.xattrs().to_vec(),
        }
    }
}

/// What a name is in a layer that has it as its own file, and not as a hard link.
impl From<NodeKind<'_>> for EntryKind {
    fn from(kind: NodeKind<'_>) -> Self {
        match kind {
            NodeKind::File => Self::File,
            NodeKind::Directory => Self::Directory,
            NodeKind::Symlink { target } => Self::Symlink { target: target.to_vec() },
            NodeKind::CharDevice { major, minor } => Self::CharDevice { major, minor },
            NodeKind::BlockDevice { major, minor } => Self::BlockDevice { major, minor },
            NodeKind::Fifo => Self::Fifo,
        }
    }
}

impl PartialEq for ViewNode<'_> {
    /// Whether they are the same name of the same view.
    fn eq(&self, other: &Self) -> bool {
        std::ptr::eq(self.overlay, other.overlay) && self.id == other.id
    }
}

impl Eq for ViewNode<'_> {}

impl fmt::Debug for ViewNode<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Node({:?})", self.path())
    }
}

/// The children of a directory; made by [`ViewNode::children`].
#[derive(Clone)]
pub struct Children<'a> {
    overlay: &'a Overlay,
    range: Range<u32>,
}

impl<'a> Iterator for Children<'a> {
    type Item = ViewNode<'a>;

    fn next(&mut self) -> Option<ViewNode<'a>> {
        self.range.next().map(|id| ViewNode { overlay: self.overlay, id })
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        self.range.size_hint()
    }
}

impl ExactSizeIterator for Children<'_> {}

/// Names of a view, directories before their content; made by [`Overlay::iter`] and [`ViewNode::descendants`].
#[derive(Clone)]
pub struct Iter<'a> {
    /// The remaining children of each directory on the current path.
    stack: Vec<Children<'a>>,
}

impl<'a> Iterator for Iter<'a> {
    type Item = ViewNode<'a>;

    fn next(&mut self) -> Option<ViewNode<'a>> {
        loop {
            match self.stack.last_mut()?.next() {
                None => drop(self.stack.pop()),
                Some(node) => {
                    if node.is_directory() {
                        self.stack.push(node.children());
                    }
                    return Some(node);
                }
            }
        }
    }
}
