//! An [OCI image layout](https://github.com/opencontainers/image-spec/blob/v1.1.0/image-layout.md) on disk.
//!
//! ```text
//! DIR/oci-layout             {"imageLayoutVersion":"1.0.0"}
//! DIR/index.json             an index: one descriptor a name, the name in its annotations
//! DIR/blobs/sha256/<hex>     manifests, configs, layers
//! ```
//!
//! A layout may be untrusted: symbolic links that lead out of it are not followed, and only regular files are read.

mod blobs;
mod flat;
mod listed;
mod names;
mod write;
mod writer;

use std::fs::File;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use blobs::BlobFolder;
pub use listed::listed;
pub use names::{StoreName, name_of, names_in_store, set_name};
pub use write::{Durable, create_skeleton, sync_folder};
pub use writer::LayoutWriter;

use crate::image::source::settled;
use crate::image::{Blob, BlobSource, Error as ImageError, ImageSource, Inventory};
use crate::oci::{Descriptor, Digest, Index, JsonError, strict};

/// The file with the version of the layout.
pub const LAYOUT_FILE: &str = "oci-layout";
/// The file that lists the images.
pub const INDEX_FILE: &str = "index.json";
/// The folder of blobs, relative to the layout's.
pub const BLOBS: &str = "blobs/sha256";
/// The folder below the layout's own that only a store has.
pub const PRIVATE: &str = "imgtool";
/// The most bytes that `index.json` may have: enough for 100,000 names.
const MAX_INDEX: usize = 64 << 20;
/// The content of `oci-layout`.
pub const LAYOUT_VERSION: &[u8] = br#"{"imageLayoutVersion":"1.0.0"}"#;

/// Why a layout cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The folder has no `index.json`.
    #[error("{path} is not an OCI image layout: it has no index.json")]
    NoLayout {
        /// The folder.
        path: PathBuf,
    },
    /// The version in `oci-layout` is unknown.
    #[error("{path}: unknown version of the OCI image layout")]
    Version {
        /// The file.
        path: PathBuf,
    },
    /// A file could not be read.
    #[error("{path}")]
    Io {
        /// The file.
        path: PathBuf,
        /// The system's error.
        #[source]
        source: io::Error,
    },
    /// `index.json` is not an index.
    #[error("{path}: {source}")]
    Index {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        source: JsonError,
    },
    /// The folder is that of a store, which is written in other ways.
    #[error("{path} is a store of images: name it with --root, and the image by its name alone")]
    IsStore {
        /// The folder.
        path: PathBuf,
    },
    /// A part of an image that is added cannot be read.
    #[error("{what}")]
    Part {
        /// Which part of which image.
        what: String,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// A part of an image that is added is not what it should be.
    #[error("{what} is damaged: its digest is {actual} instead of {expected}")]
    Digest {
        /// Which part of which image.
        what: String,
        /// What its descriptor says.
        expected: Digest,
        /// What it is.
        actual: Digest,
    },
    /// An image that `index.json` lists cannot be read.
    #[error("{path}")]
    Image {
        /// The folder.
        path: PathBuf,
        /// What is wrong.
        #[source]
        source: ImageError,
    },
}

/// A layout that is read. Cloning is cheap and shares the open files.
#[derive(Debug, Clone)]
pub struct Layout {
    folder: Arc<BlobFolder>,
}

impl Layout {
    /// Opens the layout in the folder `root`. `oci-layout` may be missing, but not of another version.
    pub fn open(root: &Path) -> Result<Self, Error> {
        let folder = BlobFolder::open(root).map_err(|source| Error::Io { path: root.to_owned(), source })?;
        let layout = Self { folder: Arc::new(folder) };
        if layout.open_file(INDEX_FILE)?.is_none() {
            return Err(Error::NoLayout { path: root.to_owned() });
        }
        layout.check_version()?;
        Ok(layout)
    }

    fn check_version(&self) -> Result<(), Error> {
        match self.read_small(LAYOUT_FILE)? {
            Some(bytes) if !is_known_version(&bytes) => Err(Error::Version { path: self.root().join(LAYOUT_FILE) }),
            _ => Ok(()),
        }
    }

    /// The folder.
    pub fn root(&self) -> &Path {
        self.folder.root()
    }

    /// Whether the path still leads to this folder: it may have been replaced.
    pub fn is_current(&self) -> bool {
        self.folder.is_current()
    }

    /// Whether this is a store, whose names are told apart as [`names_in_store`] does it.
    pub fn is_store(&self) -> bool {
        self.root().join(PRIVATE).is_dir()
    }

    /// Reads `index.json`.
    pub fn index(&self) -> Result<Index, Error> {
        Ok(self.read_index()?.0)
    }

    /// Reads `index.json`, and gives the open file with it: as long as it is open, no other file has its inode.
    pub fn read_index(&self) -> Result<(Index, File), Error> {
        let path = self.root().join(INDEX_FILE);
        let (file, size) =
            self.open_file(INDEX_FILE)?.ok_or_else(|| Error::NoLayout { path: self.root().to_owned() })?;
        let bytes = self.read_all(INDEX_FILE, &file, size)?;
        let index = strict::from_slice(&bytes, MAX_INDEX).map_err(|source| Error::Index { path, source })?;
        Ok((index, file))
    }

    /// Reads a file of the layout itself; `None` if it does not exist.
    fn read_small(&self, name: &str) -> Result<Option<Vec<u8>>, Error> {
        let Some((file, size)) = self.open_file(name)? else { return Ok(None) };
        self.read_all(name, &file, size).map(Some)
    }

    fn read_all(&self, name: &str, file: &File, size: u64) -> Result<Vec<u8>, Error> {
        let path = self.root().join(name);
        if size > MAX_INDEX as u64 {
            let source = io::Error::new(io::ErrorKind::InvalidData, format!("more than {MAX_INDEX} bytes"));
            return Err(Error::Io { path, source });
        }
        let mut bytes = Vec::new();
        file.take(MAX_INDEX as u64).read_to_end(&mut bytes).map_err(|source| Error::Io { path, source })?;
        Ok(bytes)
    }

    fn open_file(&self, name: &str) -> Result<Option<(File, u64)>, Error> {
        self.folder.file(name).map_err(|source| Error::Io { path: self.root().join(name), source })
    }
}

/// Whether the content of `oci-layout` has a known version.
pub fn is_known_version(bytes: &[u8]) -> bool {
    #[derive(serde::Deserialize)]
    struct Version {
        #[serde(rename = "imageLayoutVersion")]
        version: String,
    }
    serde_json::from_slice::<Version>(bytes).is_ok_and(|found| found.version.starts_with("1."))
}

impl BlobSource for Layout {
    fn open_blob(&self, descriptor: &Descriptor) -> Result<Option<Blob>, ImageError> {
        let digest = &descriptor.digest;
        let path = || self.root().join(blobs::name_of_blob(digest)).display().to_string();
        self.folder.blob(digest).map_err(|source| ImageError::Io { what: path(), source })
    }
}

impl ImageSource for Layout {
    type Error = Error;

    fn inventory(&self) -> Result<Inventory, Error> {
        let image_error = |source| Error::Image { path: self.root().to_owned(), source };
        let index = self.index()?;
        let all = if self.is_store() { listed::listed_in_store(self, &index) } else { listed(self, &index) };
        all.and_then(settled).map(Inventory::of).map_err(image_error)
    }
}
