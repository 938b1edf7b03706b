//! Resolves one layer by itself.

use super::merge::merge;
use super::tree::{Full, Marks, MergedTree};
use super::watch::Watch;
use super::{ViewInode, What};
use crate::layer::entry::{Entry, EntryKind};
use crate::layer::path::{EntryPath, split_last};
use crate::layer::route::{Gaps, Lost, Names as _, Walker};
use crate::layer::whiteout::Whiteout;

/// What is wrong with an entry.
pub(super) enum Problem {
    NotADirectory,
    Loop,
    MissingTarget(EntryPath),
    LinkToDirectory(EntryPath),
    Full(Full),
}

impl From<Full> for Problem {
    fn from(full: Full) -> Self {
        Self::Full(full)
    }
}

impl From<Lost<Full>> for Problem {
    fn from(lost: Lost<Full>) -> Self {
        match lost {
            Lost::NotADirectory => Self::NotADirectory,
            Lost::Loop => Self::Loop,
            Lost::Make(full) => Self::Full(full),
        }
    }
}

/// A layer being read, next to the merged layers below it.
pub(super) struct Changeset<'a> {
    tree: &'a mut MergedTree,
    root: u32,
    /// The root of the merged layers below.
    below: u32,
    walker: Walker,
    /// The directory that was looked up last.
    recent: Option<(Vec<u8>, u32)>,
    /// The directories with whiteouts; some may have been deleted since.
    marked: Vec<u32>,
    whiteouts: usize,
}

impl<'a> Changeset<'a> {
    /// A layer without entries, whose root is `root`.
    pub(super) fn new(tree: &'a mut MergedTree, root: u32, below: u32) -> Self {
        Self { tree, root, below, walker: Walker::default(), recent: None, marked: Vec::new(), whiteouts: 0 }
    }

    /// Applies the layer's next entry. An error comes with its path.
    pub(super) fn apply(&mut self, mut entry: Entry) -> Result<(), (EntryPath, Problem)> {
        if entry.is_reserved() {
            return Ok(());
        }
        // The path is not needed any more behind its place in the tree: copying each would take time.
        let path = std::mem::take(&mut entry.path);
        self.apply_at(&path, entry).map_err(|problem| (path, problem))
    }

    fn apply_at(&mut self, path: &EntryPath, entry: Entry) -> Result<(), Problem> {
        if path.is_root() {
            return self.list(self.root, entry);
        }
        let (parent, name) = split_last(path.as_bytes());
        let parent = self.directory(parent)?;
        if let Some(whiteout) = Whiteout::of(name) {
            return self.hide(parent, whiteout);
        }
        // On overlayfs a whiteout is a file: a later entry replaces it, and a directory merges again.
        self.tree.directory(parent).marks.hidden.remove(name);
        let spot = self.tree.spot(parent, name);
        if let (Some(old), EntryKind::Directory) = (spot.node, &entry.kind)
            && self.is_directory(old)
        {
            return self.list(old, entry);
        }
        let inode = match &entry.kind {
            EntryKind::Hardlink { target } => {
                let inode = self.target(target)?;
                self.describe_again(inode, entry)?;
                inode
            }
            _ => self.inode(entry)?,
        };
        match spot.node.map(|old| self.tree.nodes[old as usize].inode) {
            Some(old) if old == inode => return Ok(()),
            Some(_) => self.recent = None,
            None => {}
        }
        self.tree.put(spot, name, inode)?;
        Ok(())
    }

    /// Merges the layer into those below.
    pub(super) fn finish(self, watch: &mut Watch) {
        merge(self.tree, self.root, self.below, watch);
        for marked in self.marked {
            if let Some(directory) = &mut self.tree.nodes[marked as usize].directory {
                directory.marks = Marks::default();
            }
        }
    }

    fn is_directory(&self, node: u32) -> bool {
        self.tree.nodes[node as usize].directory.is_some()
    }

    /// Sets a directory's metadata from an entry.
    fn list(&mut self, directory: u32, entry: Entry) -> Result<(), Problem> {
        let inode = self.inode(entry)?;
        self.tree.replace_inode(directory, inode);
        Ok(())
    }

    /// The directory of an entry, created if missing.
    fn directory(&mut self, path: &[u8]) -> Result<u32, Problem> {
        if let Some((recent, directory)) = &self.recent
            && recent == path
        {
            return Ok(*directory);
        }
        let found = self.walker.walk(self.tree, self.root, path, Gaps::Fill)?.expect("gaps are filled");
        self.recent = Some((path.to_vec(), found));
        Ok(found)
    }

    fn hide(&mut self, directory: u32, whiteout: Whiteout) -> Result<(), Problem> {
        // Whiteouts take memory like names until the layer is merged.
        self.whiteouts += 1;
        if self.tree.len() + self.whiteouts > super::tree::MOST_NAMES {
            return Err(Full::Names.into());
        }
        let marks = &mut self.tree.directory(directory).marks;
        if marks.hidden.is_empty() && !marks.opaque {
            self.marked.push(directory);
        }
        match whiteout {
            Whiteout::Opaque => marks.opaque = true,
            Whiteout::Entry(name) => {
                let length = name.len();
                marks.hidden.insert(name.into());
                self.tree.count_text(length)?;
            }
        }
        Ok(())
    }

    /// The inode of a hard link's target: a file of this layer, or of the layers below in their current state. The last
    /// component is not followed.
    fn target(&mut self, target: &EntryPath) -> Result<u32, Problem> {
        let (parent, name) = split_last(target.as_bytes());
        for root in [self.root, self.below] {
            let parent = self.walker.walk(self.tree, root, parent, Gaps::Stop)?;
            let Some(found) = parent.and_then(|parent| self.tree.child(parent, name)) else { continue };
            if self.is_directory(found) {
                return Err(Problem::LinkToDirectory(target.clone()));
            }
            return Ok(self.tree.nodes[found as usize].inode);
        }
        Err(Problem::MissingTarget(target.clone()))
    }

    /// Applies the metadata in a hard link's own header to the file, as the engines do when they unpack the layer. Of a
    /// symbolic link only the owner is set.
    fn describe_again(&mut self, inode: u32, link: Entry) -> Result<(), Full> {
        let old = self.tree.inodes[inode as usize].xattrs;
        let xattrs = self.tree.more_xattrs(old, link.xattrs)?;
        let inode = &mut self.tree.inodes[inode as usize];
        (inode.uid, inode.gid, inode.xattrs) = (link.uid, link.gid, xattrs);
        if !matches!(inode.what, What::Symlink(_)) {
            inode.mtime = link.mtime;
            inode.mode = u16::try_from(link.mode & 0o7777).expect("twelve bits");
        }
        Ok(())
    }

    /// The inode of an entry other than a hard link.
    fn inode(&mut self, entry: Entry) -> Result<u32, Problem> {
        let what = match entry.kind {
            EntryKind::Directory => What::Directory,
            EntryKind::Symlink { target } => {
                self.tree.count_text(target.len())?;
                What::Symlink(target.into())
            }
            EntryKind::CharDevice { major, minor } => What::CharDevice(major, minor),
            EntryKind::BlockDevice { major, minor } => What::BlockDevice(major, minor),
            EntryKind::Fifo => What::Fifo,
            EntryKind::File | EntryKind::Hardlink { .. } => {
                What::File { size: entry.size, offset: entry.content_offset, checksum: entry.checksum }
            }
        };
        let xattrs = self.tree.xattrs(entry.xattrs)?;
        let inode = self.tree.inode(ViewInode {
            uid: entry.uid,
            gid: entry.gid,
            mtime: entry.mtime,
            what,
            xattrs,
            mode: u16::try_from(entry.mode & 0o7777).expect("twelve bits"),
            layer: self.tree.layer,
            listed: true,
        });
        if let Some(map) = entry.sparse {
            self.tree.count_text(size_of_val(map.segments.as_slice()))?;
            self.tree.sparse.insert(inode, map);
        }
        Ok(inode)
    }
}
