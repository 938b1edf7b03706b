//! What becomes of files while layers are merged: what is at one path after each layer, and what higher layers hide.

use super::tree::{Full, MOST_NAMES, MergedTree};
use super::{What, Xattrs};
use crate::layer::checksum::Checksum;
use crate::layer::entry::EntryKind;
use crate::layer::mtime::Mtime;
use crate::layer::path::EntryPath;
use crate::layer::route::Names as _;

/// A file as it was at some time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PathState {
    /// What it is; never a hard link.
    pub kind: EntryKind,
    /// The permission bits with setuid, setgid and sticky.
    pub mode: u32,
    /// The owner.
    pub uid: u64,
    /// The group.
    pub gid: u64,
    /// The modification time.
    pub mtime: Mtime,
    /// A file's size in bytes.
    pub size: u64,
    /// The checksum of a file's stored bytes.
    pub checksum: Checksum,
    /// Its extended attributes, sorted by name.
    pub xattrs: Xattrs,
    /// The layer that it comes from, counted from the bottom, from 0.
    pub layer: usize,
}

/// A file that a higher layer hides.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HiddenFile {
    /// Its path, as bytes without a leading `/`.
    pub path: Vec<u8>,
    /// What it was.
    pub state: PathState,
    /// The layer that hides it.
    pub hidden_by: usize,
}

/// What is noted while layers are merged.
#[derive(Debug, Default)]
pub struct Watch {
    path: Option<EntryPath>,
    states: Vec<Option<PathState>>,
    keeps_hidden: bool,
    hidden: Vec<HiddenFile>,
    text: usize,
    is_full: bool,
}

/// The most bytes of the paths of hidden files; real images have a thousandth of it.
const MOST_TEXT: usize = 256 << 20;

impl Watch {
    /// Notes what is at a path after each layer. Symbolic links are not followed.
    pub fn path(path: EntryPath) -> Self {
        Self { path: Some(path), ..Self::default() }
    }

    /// Notes what higher layers hide.
    pub fn hidden() -> Self {
        Self { keeps_hidden: true, ..Self::default() }
    }

    /// What is at the path after each layer, bottom first.
    pub fn into_states(self) -> Vec<Option<PathState>> {
        self.states
    }

    /// What higher layers hide, in the order in which they do; also what they replace.
    pub fn into_hidden(self) -> Vec<HiddenFile> {
        self.hidden
    }

    /// Forgets what was noted, for another attempt.
    pub fn restart(&mut self) {
        let (path, keeps_hidden) = (self.path.take(), self.keeps_hidden);
        *self = Self { path, keeps_hidden, ..Self::default() };
    }

    /// Whether paths of hidden files are wanted.
    pub(super) fn wants_hidden(&self) -> bool {
        self.keeps_hidden
    }

    /// A layer was merged into the tree below `root`.
    pub(super) fn merged(&mut self, tree: &MergedTree, root: u32) -> Result<(), Full> {
        if self.is_full {
            return Err(Full::Text);
        }
        let Some(path) = &self.path else { return Ok(()) };
        let found = path.components().try_fold(root, |at, name| tree.child(at, name));
        self.states.push(found.map(|node| state(tree, node)));
        Ok(())
    }

    /// A name of a directory, whose path is given, and everything below it is about to be hidden.
    pub(super) fn hide(&mut self, tree: &MergedTree, directory: &[u8], node: u32) {
        if !self.keeps_hidden {
            return;
        }
        let mut left = vec![(join(directory, tree.name(node)), node)];
        while let Some((path, node)) = left.pop() {
            self.text += path.len();
            if self.text > MOST_TEXT || self.hidden.len() >= MOST_NAMES {
                self.is_full = true;
                return;
            }
            let mut children = tree.children(node).to_vec();
            tree.sort(&mut children);
            left.extend(children.into_iter().rev().map(|child| (join(&path, tree.name(child)), child)));
            self.hidden.push(HiddenFile { path, state: state(tree, node), hidden_by: usize::from(tree.layer) });
        }
    }
}

/// The path of a name in a directory.
pub(super) fn join(directory: &[u8], name: &[u8]) -> Vec<u8> {
    if directory.is_empty() { name.to_vec() } else { [directory, b"/", name].concat() }
}

fn state(tree: &MergedTree, node: u32) -> PathState {
    let inode_number = tree.nodes[node as usize].inode;
    let inode = &tree.inodes[inode_number as usize];
    let (mut size, mut checksum) = (0, Checksum::EMPTY);
    let kind = match &inode.what {
        What::Directory => EntryKind::Directory,
        What::File { size: bytes, checksum: sum, .. } => {
            (size, checksum) = (*bytes, *sum);
            EntryKind::File
        }
        What::Symlink(target) => EntryKind::Symlink { target: target.to_vec() },
        &What::CharDevice(major, minor) => EntryKind::CharDevice { major, minor },
        &What::BlockDevice(major, minor) => EntryKind::BlockDevice { major, minor },
        What::Fifo => EntryKind::Fifo,
    };
    PathState {
        kind,
        mode: u32::from(inode.mode),
        uid: inode.uid,
        gid: inode.gid,
        mtime: inode.mtime,
        size,
        checksum,
        xattrs: Xattrs::clone(&tree.sets[inode.xattrs as usize]),
        layer: usize::from(inode.layer),
    }
}
