//! Opens paths of an image beneath a directory, without following symbolic links.

use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::Path;

use rustix::fs::{CWD, Mode, OFlags, ResolveFlags, openat, openat2};
use rustix::io::Errno;

use super::FreshStat;
use crate::layer::path::split_last;

/// The root directory of an unpacked image.
#[derive(Debug)]
pub struct Root {
    fd: OwnedFd,
}

/// Opens a directory only to look up names in it, not to list it.
const PASSAGE: OFlags = OFlags::PATH.union(OFlags::DIRECTORY).union(OFlags::NOFOLLOW).union(OFlags::CLOEXEC);

impl Root {
    /// Opens the directory. The path comes from the user, so its symbolic links are followed.
    pub fn open(path: &Path) -> io::Result<Self> {
        let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
        Ok(Self { fd: openat(CWD, path, flags, Mode::empty())? })
    }

    /// The directory itself.
    pub fn fd(&self) -> BorrowedFd<'_> {
        self.fd.as_fd()
    }

    /// Opens a path of the image, none of whose components may be a symbolic link; the empty path is the root.
    pub fn open_beneath(&self, path: &[u8], flags: OFlags) -> io::Result<OwnedFd> {
        let flags = flags | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let resolve = ResolveFlags::BENEATH | ResolveFlags::NO_SYMLINKS | ResolveFlags::NO_MAGICLINKS;
        let name = if path.is_empty() { b"." } else { path };
        match openat2(&self.fd, name, flags, Mode::empty(), resolve) {
            // Old kernels, seccomp filters that do not know openat2, and paths longer than it accepts.
            Err(Errno::NOSYS | Errno::PERM | Errno::NAMETOOLONG) => self.step_beneath(path, flags),
            result => Ok(result?),
        }
    }

    /// The stat of a path of the image; the last component is not followed.
    pub fn seen(&self, path: &[u8]) -> io::Result<FreshStat> {
        let (parent, name) = split_last(path);
        FreshStat::at(self.open_beneath(parent, PASSAGE)?.as_fd(), if name.is_empty() { b"." } else { name })
    }

    /// [`Root::open_beneath`], one component at a time.
    fn step_beneath(&self, path: &[u8], flags: OFlags) -> io::Result<OwnedFd> {
        let (parent, name) = split_last(path);
        let name = if name.is_empty() { b"." } else { name };
        let mut at = openat(&self.fd, ".", PASSAGE, Mode::empty())?;
        for component in parent.split(|byte| *byte == b'/').filter(|component| !component.is_empty()) {
            at = openat(&at, component, PASSAGE, Mode::empty())?;
        }
        Ok(openat(&at, name, flags, Mode::empty())?)
    }
}

/// Opens parent directories, keeping the last one open: a walk asks for the same one many times.
#[derive(Debug)]
pub(super) struct Parents<'a> {
    root: &'a Root,
    recent: Option<(Vec<u8>, OwnedFd)>,
}

impl<'a> Parents<'a> {
    pub(super) fn new(root: &'a Root) -> Self {
        Self { root, recent: None }
    }

    /// The parent directory of a path and the name in it; for the root itself the root and `.`.
    pub(super) fn of<'b>(&mut self, path: &'b [u8]) -> io::Result<(BorrowedFd<'_>, &'b [u8])> {
        if path.is_empty() {
            return Ok((self.root.fd(), b"."));
        }
        let (parent, name) = split_last(path);
        if self.recent.as_ref().is_none_or(|(recent, _)| recent != parent) {
            self.recent = Some((parent.to_vec(), self.root.open_beneath(parent, PASSAGE)?));
        }
        let (_, fd) = self.recent.as_ref().expect("it was just opened");
        Ok((fd.as_fd(), name))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::symlink;

    #[test]
    fn symbolic_links_lead_nowhere() {
        let folder = tempfile::tempdir().expect("a folder");
        let inside = folder.path().join("root");
        std::fs::create_dir_all(inside.join("d/e")).expect("folders");
        std::fs::write(folder.path().join("outside"), "x").expect("a file");
        std::fs::write(inside.join("d/e/f"), "x").expect("a file");
        symlink("..", inside.join("up")).expect("a link");
        symlink("d", inside.join("l")).expect("a link");
        let root = Root::open(&inside).expect("a directory");
        for (path, found) in
            [("d/e/f", true), ("", true), ("up/outside", false), ("../outside", false), ("l/e/f", false), ("l", false)]
        {
            assert_eq!(root.open_beneath(path.as_bytes(), OFlags::RDONLY).is_ok(), found, "{path}");
            if !path.contains("..") {
                assert_eq!(root.step_beneath(path.as_bytes(), OFlags::NOFOLLOW).is_ok(), found, "stepping {path}");
            }
        }
    }
}
