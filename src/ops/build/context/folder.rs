//! A folder as a build context, read beneath its root without following symbolic links.

use std::fs::File;
use std::io;
use std::os::fd::AsFd as _;
use std::path::Path;

use rustix::fs::{Dir, OFlags, readlinkat};

use crate::layer::path::split_last;
use crate::rootfs::{FreshStat, Root};

/// A folder as a build context.
pub struct Folder {
    root: Root,
}

/// A name in a folder.
pub struct FolderEntry {
    /// The last component of its path.
    pub name: Vec<u8>,
    /// What it is.
    pub seen: FreshStat,
    /// The target, if it is a symbolic link.
    pub target: Option<Vec<u8>>,
}

impl Folder {
    /// The folder at a path that the user typed.
    pub fn open(path: &Path) -> io::Result<Self> {
        Ok(Self { root: Root::open(path)? })
    }

    /// What is at a path, none of whose components is followed; none if nothing is.
    pub fn seen(&self, path: &[u8]) -> io::Result<Option<FolderEntry>> {
        match self.root.seen(path) {
            Ok(seen) => {
                let (parent, name) = split_last(path);
                let target = if is_link(&seen) { Some(self.target(parent, name)?) } else { None };
                Ok(Some(FolderEntry { name: name.to_vec(), seen, target }))
            }
            Err(error) if is_absent(&error) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// What is in a directory, sorted by name.
    pub fn list(&self, path: &[u8]) -> io::Result<Vec<FolderEntry>> {
        let directory = self.root.open_beneath(path, OFlags::RDONLY | OFlags::DIRECTORY)?;
        let mut found = Vec::new();
        for entry in Dir::read_from(&directory)? {
            let name = entry?.file_name().to_bytes().to_vec();
            if name == b"." || name == b".." {
                continue;
            }
            let seen = match FreshStat::at(directory.as_fd(), &name) {
                Ok(seen) => seen,
                // Deleted since it was listed.
                Err(error) if is_absent(&error) => continue,
                Err(error) => return Err(error),
            };
            let target =
                if is_link(&seen) { Some(readlinkat(&directory, &*name, Vec::new())?.into_bytes()) } else { None };
            found.push(FolderEntry { name, seen, target });
        }
        found.sort_unstable_by(|one, other| one.name.cmp(&other.name));
        Ok(found)
    }

    /// Opens a file to read it; a pipe or a device is not waited for.
    pub fn open_file(&self, path: &[u8]) -> io::Result<File> {
        Ok(File::from(self.root.open_beneath(path, OFlags::RDONLY | OFlags::NONBLOCK | OFlags::NOCTTY)?))
    }

    fn target(&self, parent: &[u8], name: &[u8]) -> io::Result<Vec<u8>> {
        let directory = self.root.open_beneath(parent, OFlags::PATH | OFlags::DIRECTORY)?;
        Ok(readlinkat(&directory, name, Vec::new())?.into_bytes())
    }
}

fn is_link(seen: &FreshStat) -> bool {
    seen.stat.kind() == crate::rootfs::Stat::SYMLINK
}

fn is_absent(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory)
}
