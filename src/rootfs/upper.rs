//! Reads the upper directory of an overlay mount as the changes of a layer
//! ([overlayfs](https://docs.kernel.org/filesystems/overlayfs.html)).
//!
//! A character device 0:0 is a deletion, and a directory with an attribute `overlay.opaque` hides what was below it.
//! Whatever else is there was created or copied up.

use std::collections::{HashMap, HashSet};
use std::io;

use super::beneath::Parents;
use super::node::is_kept;
use super::scan::{Changes, DiskChange, DiskChangeKind, Skipped, kind_of};
use super::walk::{DirectoryWalk, WalkedPath};
use super::{Error, FileNode, Root, Stat, xattr};
use crate::layer::overlay::{Overlay, ViewNode};
use crate::layer::whiteout::PREFIX;
use crate::layer::{EntryKind, EntryPath};

/// How an upper directory is read.
pub struct UpperOptions<'a> {
    /// What was below it.
    pub view: &'a Overlay,
    /// Directories that were below it only as places for mounts: they are no changes if nothing is in them.
    pub stubs: &'a HashSet<EntryPath>,
    /// Whether an owner can be given to a file here; others are as the view has them.
    pub has_owner: &'a dyn Fn(u64) -> bool,
    /// Whether a group can be given to a file here.
    pub has_group: &'a dyn Fn(u64) -> bool,
}

/// The changes in an upper directory, and whether it is exactly what its layer will be, so that it can be a lower
/// directory from now on.
pub fn upper_changes(root: &Root, options: &UpperOptions<'_>) -> Result<(Changes, bool), Error> {
    let failed = Error::at(b"");
    let mut reader = Reader {
        parents: Parents::new(root),
        options,
        opaque: None,
        links: HashMap::new(),
        changes: Vec::new(),
        skipped: Skipped::default(),
        is_exact: true,
    };
    let mut walk = DirectoryWalk::new(root).map_err(failed)?;
    while let Some(met) = walk.next() {
        reader.read(&met)?;
        if met.seen.stat.is_directory() {
            walk.enter(&met).map_err(Error::while_reading(&met.path))?;
        }
    }
    reader.drop_idle();
    Ok((Changes { changes: reader.changes, skipped: reader.skipped }, reader.is_exact))
}

struct Reader<'a> {
    parents: Parents<'a>,
    options: &'a UpperOptions<'a>,
    /// The last directory that hides what was below it.
    opaque: Option<EntryPath>,
    /// The first name of each file that has several.
    links: HashMap<(u64, u64), EntryPath>,
    changes: Vec<DiskChange>,
    skipped: Skipped,
    is_exact: bool,
}

impl Reader<'_> {
    fn read(&mut self, met: &WalkedPath) -> Result<(), Error> {
        let path = &met.path;
        if path.file_name().is_some_and(|name| name.starts_with(PREFIX)) {
            return Err(Error::WhiteoutName { path: path.clone() });
        }
        let hidden = self.opaque.as_ref().is_some_and(|opaque| path.starts_with(opaque));
        let old = if hidden { None } else { self.options.view.lookup(path) };
        let stat = met.seen.stat;
        if stat.kind() == Stat::CHAR && stat.device == (0, 0) {
            if old.is_some() {
                self.add(met, DiskChangeKind::Deleted, None);
            }
            return Ok(());
        }
        if stat.kind() == Stat::SOCKET {
            self.skipped.sockets.push(path.clone());
            self.is_exact = false;
            return Ok(());
        }
        let node = self.node(met, old).map_err(Error::while_reading(path))?;
        let is_directory = node.kind == EntryKind::Directory;
        let hides = is_directory && !path.is_root() && self.is_opaque(met).map_err(Error::while_reading(path))?;
        let kind = match old {
            None => DiskChangeKind::Added,
            Some(old) if is_directory && old.is_directory() && !hides => against(&node, &FileNode::of(old)),
            Some(_) => DiskChangeKind::Changed,
        };
        self.add(met, kind, Some(node));
        if hides {
            let last = self.changes.last_mut().expect("it was just added");
            last.is_opaque = old.is_some_and(|old| old.is_directory());
            if !hidden {
                self.opaque = Some(path.clone());
            }
        }
        Ok(())
    }

    fn add(&mut self, met: &WalkedPath, kind: DiskChangeKind, node: Option<FileNode>) {
        let mut link = None;
        if node.as_ref().is_some_and(|node| node.kind != EntryKind::Directory) && met.seen.links > 1 {
            let inode = (met.seen.dev, met.seen.stat.ino);
            link = self.links.get(&inode).cloned().map(Box::new);
            self.links.entry(inode).or_insert_with(|| met.path.clone());
        }
        let seal = met.seen.stat.seal();
        self.changes.push(DiskChange { path: met.path.clone(), kind, is_opaque: false, node, link, seal });
    }

    /// The metadata of a path. What the view says and this user cannot set is as before.
    fn node(&mut self, met: &WalkedPath, old: Option<ViewNode<'_>>) -> io::Result<FileNode> {
        let stat = met.seen.stat;
        let kind = kind_of(&mut self.parents, met)?;
        let (parent, name) = self.parents.of(met.path.as_bytes())?;
        let mut xattrs = xattr::read(parent, name)?;
        xattrs.retain(|(key, _)| is_kept(key) && !key.starts_with(b"user.overlay."));
        let mut node = FileNode {
            kind,
            mode: stat.permissions(),
            uid: stat.uid.into(),
            gid: stat.gid.into(),
            mtime: stat.mtime,
            size: stat.size,
            xattrs,
        };
        if let Some(old) = old {
            let of_root = |id: u64, old: u64, can: &dyn Fn(u64) -> bool| if id == 0 && !can(old) { old } else { id };
            node.uid = of_root(node.uid, old.uid(), self.options.has_owner);
            node.gid = of_root(node.gid, old.gid(), self.options.has_group);
            let before = FileNode::of(old);
            // Where devices cannot be made they are empty files.
            if before.is_device() && node.kind == EntryKind::File && node.size == 0 {
                node.kind = before.kind;
            }
        }
        Ok(node)
    }

    fn is_opaque(&mut self, met: &WalkedPath) -> io::Result<bool> {
        let (parent, name) = self.parents.of(met.path.as_bytes())?;
        for key in [&b"trusted.overlay.opaque"[..], b"user.overlay.opaque"] {
            if xattr::value(parent, name, key)?.as_deref() == Some(b"y") {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Leaves out directories that were copied up for nothing, and places of mounts in which nothing is.
    fn drop_idle(&mut self) {
        let mut below: Option<EntryPath> = None;
        let mut kept = Vec::with_capacity(self.changes.len());
        for mut change in std::mem::take(&mut self.changes).into_iter().rev() {
            let leads_on = below.as_ref().is_some_and(|below| below.starts_with(&change.path));
            // The time of the root itself is not part of an image.
            if change.path.is_root() && change.kind == DiskChangeKind::Touched {
                change.kind = DiskChangeKind::Parent;
            }
            let is_stub = change.kind == DiskChangeKind::Added && self.options.stubs.contains(&change.path);
            if (is_stub || change.kind == DiskChangeKind::Parent) && !leads_on {
                self.is_exact &= !is_stub;
                continue;
            }
            below = Some(change.path.clone());
            kept.push(change);
        }
        kept.reverse();
        self.changes = kept;
    }
}

/// What became of a directory.
fn against(node: &FileNode, before: &FileNode) -> DiskChangeKind {
    if node == before {
        DiskChangeKind::Parent
    } else if (FileNode { mtime: before.mtime, ..node.clone() }) == *before {
        DiskChangeKind::Touched
    } else {
        DiskChangeKind::Changed
    }
}
