//! The directory that an image is unpacked into.

use std::ffi::CStr;
use std::fs;
use std::io;
use std::os::fd::{AsFd as _, AsRawFd as _, BorrowedFd};
use std::os::unix::fs::{DirBuilderExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use rustix::fs::{AtFlags, CWD, Dir, FileType, Mode, OFlags, chmodat, fchmod, openat};

use crate::rootfs::{Error, Root};

/// A directory that nobody else can enter until it is finished or cleared.
pub(super) struct Claimed {
    pub(super) root: Root,
    path: PathBuf,
    /// The directory's previous mode, if it existed.
    was_there: Option<fs::Permissions>,
}

/// Creates the directory, or claims an empty one.
pub(super) fn claim(path: &Path) -> Result<Claimed, Error> {
    let at = |source| Error::Root { path: path.to_owned(), source };
    let was_there = match fs::DirBuilder::new().mode(0o700).create(path) {
        Ok(()) => None,
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
            Some(fs::metadata(path).map_err(at)?.permissions())
        }
        Err(error) => return Err(at(error)),
    };
    if was_there.is_some() {
        if fs::read_dir(path).map_err(at)?.next().is_some() {
            return Err(Error::NotEmpty { path: path.to_owned() });
        }
        fs::set_permissions(path, fs::Permissions::from_mode(0o700)).map_err(at)?;
    }
    Ok(Claimed { root: Root::open(path).map_err(at)?, path: path.to_owned(), was_there })
}

impl Claimed {
    /// Deletes everything that was created.
    pub(super) fn clear(self) {
        open_all(self.root.fd(), c".");
        let Some(permissions) = self.was_there else {
            let _ = fs::remove_dir_all(&self.path);
            return;
        };
        for entry in fs::read_dir(&self.path).into_iter().flatten().flatten() {
            let is_directory = entry.file_type().is_ok_and(|kind| kind.is_dir());
            let _ = if is_directory { fs::remove_dir_all(entry.path()) } else { fs::remove_file(entry.path()) };
        }
        let _ = fs::set_permissions(&self.path, permissions);
    }
}

/// Deletes a tree that was unpacked, whatever its modes are; nothing if it is not there.
pub fn remove_tree(path: &Path) {
    if let Ok(root) = Root::open(path) {
        open_all(root.fd(), c".");
        let _ = fs::remove_dir_all(path);
    }
}

/// Makes directories accessible again, since their final modes may exclude the user. No symbolic link is followed:
/// another process may have replaced a directory with one.
fn open_all(parent: BorrowedFd<'_>, name: &CStr) {
    let flags = OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let open = || openat(parent, name, flags | OFlags::RDONLY, Mode::empty());
    let directory = open().or_else(|_| {
        let closed = openat(parent, name, flags | OFlags::PATH, Mode::empty())?;
        // This name leads to what the descriptor is open for, whatever is at the path by now.
        let itself = format!("/proc/self/fd/{}", closed.as_raw_fd());
        chmodat(CWD, itself, Mode::RWXU, AtFlags::empty())?;
        openat(&closed, ".", flags | OFlags::RDONLY, Mode::empty())
    });
    let Ok(directory) = directory else { return };
    let _ = fchmod(&directory, Mode::RWXU);
    let Ok(entries) = Dir::read_from(&directory) else { return };
    let may_be_directory = |kind| matches!(kind, FileType::Directory | FileType::Unknown);
    for entry in entries.flatten().filter(|entry| may_be_directory(entry.file_type())) {
        if !matches!(entry.file_name().to_bytes(), b"." | b"..") {
            open_all(directory.as_fd(), entry.file_name());
        }
    }
}
