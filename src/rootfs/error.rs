//! What can go wrong with a root file system on disk.

use std::io;
use std::path::PathBuf;

use super::SnapshotError;
use crate::image::contents::is_damage;
use crate::layer::EntryPath;

/// Why a root file system cannot be written or read.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The directory itself cannot be made or opened.
    #[error("{path}")]
    Root {
        /// The directory.
        path: PathBuf,
        /// The system's error.
        #[source]
        source: io::Error,
    },
    /// Something is in the directory that an image is to be written to.
    #[error("{path} is not empty: an image is unpacked into a new or an empty directory")]
    NotEmpty {
        /// The directory.
        path: PathBuf,
    },
    /// A path cannot be made, written or read.
    #[error("{path}")]
    Io {
        /// The path inside the image.
        path: EntryPath,
        /// The system's error.
        #[source]
        source: io::Error,
    },
    /// An owner that no file can have: to `chown` it means "leave it", so the file would stay root's.
    #[error("{path}: {field} {value} out of range")]
    Owner {
        /// The path inside the image.
        path: EntryPath,
        /// `uid` or `gid`.
        field: &'static str,
        /// The number.
        value: u64,
    },
    /// A layer cannot be read where a file's content is.
    #[error("layer {layer}")]
    Layer {
        /// Which layer, from the bottom, beginning with 0.
        layer: usize,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// A file's content in a layer is not what it was when the layer was indexed.
    #[error("layer {layer}: {path}")]
    Damaged {
        /// Which layer, from the bottom, beginning with 0.
        layer: usize,
        /// The path inside the image.
        path: EntryPath,
        /// What is wrong.
        #[source]
        source: io::Error,
    },
    /// Somebody wrote to a path while it was read.
    #[error("{path} changed while it was read; commit again when nothing writes to it")]
    Changed {
        /// The path inside the image.
        path: EntryPath,
    },
    /// Paths that this user may not read.
    #[error("cannot read {paths}: permission denied; run as a user who may, or leave them out with --skip-unreadable", paths = listed(.paths))]
    Unreadable {
        /// The paths inside the image.
        paths: Vec<EntryPath>,
    },
    /// A file whose name would delete another one.
    #[error(
        "{path}: a file whose name begins with .wh. cannot be in a layer, where it means that another file is deleted"
    )]
    WhiteoutName {
        /// The path inside the image.
        path: EntryPath,
    },
    /// The snapshot cannot be read or written.
    #[error(transparent)]
    Snapshot(#[from] SnapshotError),
}

/// The first few, and how many more.
fn listed(paths: &[EntryPath]) -> String {
    const SHOWN: usize = 10;
    let text = paths.iter().take(SHOWN).map(|path| format!("/{path}")).collect::<Vec<_>>().join(", ");
    match paths.len().saturating_sub(SHOWN) {
        0 => text,
        more => format!("{text} and {more} more"),
    }
}

impl Error {
    /// An error of the system at a path of the image.
    pub(super) fn at(path: &[u8]) -> impl FnOnce(io::Error) -> Self + use<'_> {
        |source| Self::Io { path: EntryPath::new(path).unwrap_or_default(), source }
    }

    /// As [`Error::at`], of a path whose content comes from a layer, which may be damaged.
    pub(super) fn in_layer(layer: usize, path: &[u8]) -> impl FnOnce(io::Error) -> Self + use<'_> {
        move |source| {
            let path = EntryPath::new(path).unwrap_or_default();
            if is_damage(&source) { Self::Damaged { layer, path, source } } else { Self::Io { path, source } }
        }
    }

    /// As [`Error::at`], of a path that was seen before: if it is gone now, somebody else is at work there.
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

/// Errors that come of a path that was replaced since it was seen.
fn is_swap(error: &io::Error) -> bool {
    use io::ErrorKind::{NotADirectory, NotFound};
    matches!(error.kind(), NotFound | NotADirectory) || error.raw_os_error() == Some(ELOOP)
}

/// What the kernel says of a symbolic link where none may be.
const ELOOP: i32 = rustix::io::Errno::LOOP.raw_os_error();
