//! A name of the merged view.

use std::cmp::Ordering;
use std::fmt;
use std::ops::Range;

use super::{Name, Overlay, ViewInode, What};
use crate::layer::checksum::Checksum;
use crate::layer::entry::{EntryKind, Mtime, SparseMap};
use crate::layer::path::EntryPath;
use crate::layer::writer::Meta;

/// A name of a merged view and what it stands for. Copying is free.
#[derive(Clone, Copy)]
pub struct ViewNode<'a> {
    pub(super) overlay: &'a Overlay,
    pub(super) id: u32,
}

/// What a [`ViewNode`] is. A hard link is what its file is: see [`ViewNode::first_name`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NodeKind<'a> {
    /// A regular file.
    File,
    /// A directory.
    Directory,
    /// A symbolic link.
    Symlink {
        /// What it points to, as it was read.
        target: &'a [u8],
    },
    /// A character device.
    CharDevice {
        /// Its driver.
        major: u32,
        /// Which of the driver's devices.
        minor: u32,
    },
    /// A block device.
    BlockDevice {
        /// Its driver.
        major: u32,
        /// Which of the driver's devices.
        minor: u32,
    },
    /// A named pipe.
    Fifo,
}

/// Where a file's content is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ContentRange<'a> {
    /// Which layer, from the bottom, beginning with 0.
    pub layer: usize,
    /// Where the content starts in the layer's uncompressed tar.
    pub content_offset: u64,
    /// The file's size in bytes, with its holes.
    pub size: u64,
    /// Where a sparse file's content belongs; none for all others.
    pub sparse: Option<&'a SparseMap>,
    /// The checksum of what is stored.
    pub checksum: Checksum,
}

/// Which inode: two names of one view that have equal groups are hard links of each other.
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

    /// A number for this name, below [`Overlay::len`] + 1 and the same for as long as the view lives; the root's is 0.
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

    /// The directory that it is in; none for the root.
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

    /// Whether a layer has an entry for it. A directory that is only implied by what is in it has mode 0755, belongs to
    /// root, and is of 1970.
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

    /// When its content was last changed.
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

    /// Extended attributes, sorted by name. All that the layer has, also those that no tool may set.
    pub fn xattrs(&self) -> &'a [(Vec<u8>, Vec<u8>)] {
        &self.overlay.xattrs[self.inode().xattrs as usize]
    }

    /// The layer that its inode is of, from the bottom, beginning with 0.
    pub fn layer(&self) -> usize {
        usize::from(self.inode().layer)
    }

    /// Where its content is, if it is a file; the same for all names of a file.
    pub fn source(&self) -> Option<ContentRange<'a>> {
        let What::File { size, offset, checksum } = self.inode().what else { return None };
        let sparse = self.overlay.sparse.get(&self.name_record().inode);
        Some(ContentRange { layer: self.layer(), content_offset: offset, size, sparse, checksum })
    }

    /// Which hard links it is one of; none if this is its only name.
    pub fn link_group(&self) -> Option<LinkGroup> {
        let inode = self.name_record().inode;
        self.overlay.links.contains_key(&inode).then_some(LinkGroup(inode))
    }

    /// How many names it has.
    pub fn link_count(&self) -> usize {
        self.overlay.links.get(&self.name_record().inode).map_or(1, |(_, count)| *count as usize)
    }

    /// Of all names of this file the one that comes first in [`Overlay::iter`]: it carries the content, the others are
    /// hard links to it. The node itself if it has one name.
    pub fn first_name(&self) -> Self {
        self.overlay.links.get(&self.name_record().inode).map_or(*self, |(first, _)| self.at(*first))
    }

    /// Whether it is a further name of a file, not the first.
    pub fn is_further_name(&self) -> bool {
        self.first_name() != *self
    }

    /// What is in the directory, sorted by name; nothing if it is none.
    pub fn children(&self) -> Children<'a> {
        let (start, end) = self.name_record().children;
        Children { overlay: self.overlay, range: start..end }
    }

    /// What has this name in the directory.
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

    /// A tar header for it: further names of a file are hard links to the first.
    pub fn meta(&self) -> Meta {
        let first = self.first_name();
        let kind = match self.kind() {
            _ if first != *self => EntryKind::Hardlink { target: first.path() },
            NodeKind::File => EntryKind::File,
            NodeKind::Directory => EntryKind::Directory,
            NodeKind::Symlink { target } => EntryKind::Symlink { target: target.to_vec() },
            NodeKind::CharDevice { major, minor } => EntryKind::CharDevice { major, minor },
            NodeKind::BlockDevice { major, minor } => EntryKind::BlockDevice { major, minor },
            NodeKind::Fifo => EntryKind::Fifo,
        };
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

impl PartialEq for ViewNode<'_> {
    /// Whether they are one name of one view.
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

/// Names of a view, directories before what is in them; made by [`Overlay::iter`] and [`ViewNode::descendants`].
#[derive(Clone)]
pub struct Iter<'a> {
    /// What is left of each directory on the way down.
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
