//! Directories that hold the tree of an image.

use std::path::{Path, PathBuf};

use crate::ops::Error;
use crate::rootfs::Root;

/// The directory that holds the tree: of an OCI bundle, its `rootfs`.
pub fn tree_folder(directory: &Path) -> PathBuf {
    let rootfs = directory.join("rootfs");
    let is_bundle = directory.join("config.json").is_file() && rootfs.is_dir();
    if is_bundle { rootfs } else { directory.to_owned() }
}

/// Opens a directory that holds a tree.
pub fn open(directory: &Path) -> Result<Root, Error> {
    Root::open(directory).map_err(|source| Error::Open { path: directory.to_owned(), source })
}
