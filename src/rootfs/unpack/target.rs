//! The directory that an image is unpacked into.

use std::fs;
use std::io;
use std::os::unix::fs::{DirBuilderExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

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
        open_all(&self.path);
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

/// Makes directories accessible again, since their final modes may exclude the user.
fn open_all(path: &Path) {
    let _ = fs::set_permissions(path, fs::Permissions::from_mode(0o700));
    for entry in fs::read_dir(path).into_iter().flatten().flatten() {
        if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
            open_all(&entry.path());
        }
    }
}
