//! A walk over a tree on disk, in walk order.

use std::io;
use std::vec;

use rustix::fs::{Dir, OFlags};

use super::{FreshStat, Root};
use crate::layer::EntryPath;

/// A path found by a walk.
#[derive(Debug, Clone)]
pub(super) struct WalkedPath {
    pub(super) path: EntryPath,
    pub(super) seen: FreshStat,
}

/// Walks a tree. A directory is entered only by [`DirectoryWalk::enter`], which lists it at once, so that no directory
/// stays open, however deep the tree is.
pub(super) struct DirectoryWalk<'a> {
    root: &'a Root,
    lists: Vec<vec::IntoIter<WalkedPath>>,
}

impl<'a> DirectoryWalk<'a> {
    /// A walk that starts at the root.
    pub(super) fn new(root: &'a Root) -> io::Result<Self> {
        let met = WalkedPath { path: EntryPath::root(), seen: FreshStat::of(root.fd())? };
        Ok(Self { root, lists: vec![vec![met].into_iter()] })
    }

    /// The next path.
    pub(super) fn next(&mut self) -> Option<WalkedPath> {
        loop {
            match self.lists.last_mut()?.next() {
                None => drop(self.lists.pop()),
                met => return met,
            }
        }
    }

    /// Continues the walk with the content of the last directory.
    pub(super) fn enter(&mut self, directory: &WalkedPath) -> io::Result<()> {
        let flags = OFlags::RDONLY | OFlags::DIRECTORY;
        let fd = self.root.open_beneath(directory.path.as_bytes(), flags)?;
        let mut names = Vec::new();
        for entry in Dir::read_from(&fd)? {
            let entry = entry?;
            let name = entry.file_name().to_bytes();
            if name != b"." && name != b".." {
                names.push(name.to_vec());
            }
        }
        names.sort_unstable();
        let mut list = Vec::with_capacity(names.len());
        for name in names {
            let path = directory.path.join(&name).map_err(io::Error::other)?;
            match FreshStat::at(std::os::fd::AsFd::as_fd(&fd), &name) {
                Ok(seen) => list.push(WalkedPath { path, seen }),
                // Deleted since it was listed: ignored.
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                Err(error) => return Err(error),
            }
        }
        self.lists.push(list.into_iter());
        Ok(())
    }
}
