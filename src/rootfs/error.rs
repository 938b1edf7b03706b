//! Errors of a root file system on disk.

use std::io;
use std::path::PathBuf;

use super::SnapshotError;
use crate::image::contents::is_damage;
use crate::layer::EntryPath;

/// Why a root file system cannot be written or read.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The directory itself cannot be created or opened.
    #[error("{path}")]
    Root {
        /// The directory.
        path: PathBuf,
        /// The system's error.
        #[source]
        source: io::Error,
    },
    /// The directory to unpack into is not empty.
    #[error("{path} is not empty: an image is unpacked into a new or an empty directory")]
    NotEmpty {
        /// The directory.
        path: PathBuf,
    },
    /// A path cannot be created, written or read.
    #[error("{path}")]
    Io {
        /// The path inside the image.
        path: EntryPath,
        /// The system's error.
        #[source]
        source: io::Error,
    },
    /// An owner that no file can have: to `chown` it means "unchanged", so the file would stay root's.
    #[error("{path}: {field} {value} out of range")]
    Owner {
        /// The path inside the image.
        path: EntryPath,
        /// `uid` or `gid`.
        field: &'static str,
        /// The number.
        value: u64,
    },
    /// A directory is where a file is to be copied to.
    #[error("cannot overwrite directory \"{path}\" with non-directory")]
    OverDirectory {
        /// The path below the destination.
        path: EntryPath,
    },
    /// A file is where a directory is to be copied to.
    #[error("cannot overwrite non-directory \"{path}\" with directory")]
    OverFile {
        /// The path below the destination.
        path: EntryPath,
    },
    /// A layer cannot be read.
    #[error("layer {layer}")]
    Layer {
        /// The layer, counted from the bottom, from 0.
        layer: usize,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// A file's content in a layer has changed since the layer was indexed.
    #[error("layer {layer}: {path}")]
    Damaged {
        /// The layer, counted from the bottom, from 0.
        layer: usize,
        /// The path inside the image.
        path: EntryPath,
        /// What is wrong.
        #[source]
        source: io::Error,
    },
    /// A path was modified while it was read.
    #[error("{path} changed while it was read; commit again when nothing writes to it")]
    Changed {
        /// The path inside the image.
        path: EntryPath,
    },
    /// Paths that this user has no permission to read.
    #[error("cannot read {paths}: permission denied; run as a user who may read them, or leave them out with --skip-unreadable", paths = listed(.paths))]
    Unreadable {
        /// The paths inside the image.
        paths: Vec<EntryPath>,
    },
    /// A file whose name would be a whiteout in a layer.
    #[error("{path}: a file whose name begins with .wh. cannot be in a layer, where it would be a whiteout")]
    WhiteoutName {
        /// The path inside the image.
        path: EntryPath,
    },
    /// The snapshot cannot be read or written.
    #[error(transparent)]
    Snapshot(#[from] SnapshotError),
}

/// The first few paths, and the number of others.
fn listed(paths: &[EntryPath]) -> String {
    const SHOWN: usize = 10;
    let text = paths.iter().take(SHOWN).map(|path| format!("/{path}")).collect::<Vec<_>>().join(", ");
    match paths.len().saturating_sub(SHOWN) {
        0 => text,
        more => format!("{text} and {more} more"),
    }
}

impl Error {
    /// A system error at a path of the image.
    pub(super) fn at(path: &[u8]) -> impl FnOnce(io::Error) -> Self + use<'_> {
        |source| Self::Io { path: EntryPath::new(path).unwrap_or_default(), source }
    }

    /// [`Error::at`] for a path whose content comes from a layer, which may be damaged.
    pub(super) fn in_layer(layer: usize, path: &[u8]) -> impl FnOnce(io::Error) -> Self + use<'_> {
        move |source| {
            let path = EntryPath::new(path).unwrap_or_default();
            if is_damage(&source) { Self::Damaged { layer, path, source } } else { Self::Io { path, source } }
        }
    }

    /// [`Error::at`] for a path that was found before: if it is gone now, it was modified meanwhile.
    pub(super) fn while_reading(path: &EntryPath) -> impl FnOnce(io::Error) -> Self + use<'_> {
        |source| {
            if is_swap(&source) {
                Self::Changed { path: path.clone() }
            } else {
                Self::Io { path: path.clone(), source }
            }
        }
    }
}

/// Whether the error results from a path that was replaced since it was found.
fn is_swap(error: &io::Error) -> bool {
    use io::ErrorKind::{NotADirectory, NotFound};
    matches!(error.kind(), NotFound | NotADirectory) || error.raw_os_error() == Some(ELOOP)
}

/// The kernel's error for a symbolic link that may not be followed.
const ELOOP: i32 = rustix::io::Errno::LOOP.raw_os_error();
