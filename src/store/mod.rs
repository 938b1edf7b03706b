//! The image store: an [OCI layout](crate::layout) that several processes share.
//!
//! ```text
//! ROOT/oci-layout, index.json, blobs/sha256/…   the layout; each name is one entry of index.json
//! ROOT/imgtool/lock         shared while adding, exclusive while deleting
//! ROOT/imgtool/turn.lock    exclusive while waiting for the lock: who deletes is not overtaken
//! ROOT/imgtool/index.lock   exclusive while index.json is replaced
//! ROOT/imgtool/tmp/         quarantines of what is not verified yet, and leases of what is being read
//! ROOT/imgtool/partial/     partially transferred blobs, by digest, and uploads to the server, by their IDs
//! ROOT/imgtool/claims/      blobs that were uploaded to a repository of the server, and no manifest needs yet
//! ROOT/imgtool/aliases/     what was uploaded by its SHA-512, and what manifests need by SHA-512
//! ROOT/imgtool/events/      what the server is still to tell the endpoints of its webhooks
//! ROOT/imgtool/packed/      what layers are in other compressions; can be deleted
//! ROOT/imgtool/uploads/     uploads to registries that were interrupted; can be deleted
//! ROOT/imgtool/layers/      the index of each layer, by the digest of its blob; can be deleted, is rebuilt
//! ROOT/imgtool/seek/        places in compressed layers from which reading can go on; can be deleted
//! ROOT/imgtool/trees/       layers unpacked for RUN; can be deleted, is rebuilt
//! ROOT/imgtool/cache-mounts/ the folders of RUN --mount=type=cache; can be deleted
//! ROOT/imgtool/snapshots/   what unpacked trees looked like, by the device and inode of their directory
//! ROOT/imgtool/gone/        snapshots of trees whose image was pruned, without records: only the origin
//! ```
//!
//! Invariants: a name never leads to a blob that is not verified and on the disk; whoever holds neither lock never sees
//! half a change; nobody holds a lock for as long as a transfer takes: who works for long has a `lease` on what
//! must not be deleted meanwhile, and a client of the server that pushes has `claims`, which outlive the server.
//!
//! A blob goes when no name leads to it, and nobody has a lease or a claim on it. Names go when somebody removes them, or
//! by the rules of `collect`, for manifests that lost their tag in a repository.

mod aliases;
mod arrival;
mod assembly;
mod catalog;
mod claims;
mod collect;
mod elsewhere;
mod gc;
mod hashes;
mod incoming;
mod known;
mod layers;
mod lease;
mod links;
mod lock;
mod partial;
mod pushes;
mod quarantine;
mod receive;
mod remembered;
mod restarts;
mod snapshots;
mod steps;
mod usage;

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

pub use arrival::PartialWriter;
pub use assembly::Assembly;
pub use catalog::{Catalog, CatalogEntry, Moved};
pub use elsewhere::Near;
pub use gc::{Garbage, Reachable};
pub use hashes::{ContentHashes, ContentKey};
pub use incoming::{Arrived, IncomingBlob};
pub use links::Links;
pub use lock::Guard;
pub use partial::{Patience, StalePartials};
pub use pushes::{CLAIM, StalePushes};
pub use quarantine::{Quarantine, VerifiedLayer};
pub use receive::{ReceiveError, Received};
pub use remembered::SendingBlob;
pub use snapshots::{FinishedSnapshot, Snapshot, SnapshotDraft, place_of};
pub use steps::{BuildCacheUsage, MadeLayer, MadeStep, RememberedStep};
pub use usage::Usage;

use known::KnownCatalog;
use lease::Lease;

use crate::cancel::Token;
use crate::image::{Blob, BlobSource, Error as ImageError, ImageTree};
use crate::layer::ScanError;
use crate::layout::{self, INDEX_FILE, Layout};
use crate::oci::{Descriptor, Digest, Index, MediaType};
use crate::rootfs::SnapshotError;

/// Why the store cannot do what was asked.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The layout is damaged, or is not a layout.
    #[error(transparent)]
    Layout(#[from] layout::Error),
    /// An image in it cannot be read.
    #[error("{name}")]
    Image {
        /// The image, as it is named.
        name: String,
        /// Why.
        #[source]
        source: ImageError,
    },
    /// The input that is copied into the store cannot be read.
    #[error(transparent)]
    Input(io::Error),
    /// A file of the store cannot be read or written.
    #[error("{path}")]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// The system's error.
        #[source]
        source: io::Error,
    },
    /// A blob that should be a layer is not one.
    #[error("{what}")]
    Layer {
        /// Which blob.
        what: String,
        /// Why.
        #[source]
        source: ScanError,
    },
    /// A layer of the store does not match its digest, or is not a layer.
    #[error("layer {digest} is damaged: {problem}; load its image again to repair it")]
    DamagedLayer {
        /// The layer's blob.
        digest: Digest,
        /// What is wrong with it.
        problem: String,
    },
    /// A snapshot of a directory cannot be used.
    #[error("{path}")]
    Snapshot {
        /// The snapshot.
        path: PathBuf,
        /// Why.
        #[source]
        source: SnapshotError,
    },
    /// A blob does not match its digest.
    #[error("blob {expected} has other content: its digest is {actual}")]
    Digest {
        /// What its descriptor says.
        expected: Digest,
        /// What was found.
        actual: Digest,
    },
    /// A blob does not match the size in its descriptor.
    #[error("blob {digest} has {actual} bytes, and not {expected}")]
    Size {
        /// Which blob.
        digest: Digest,
        /// What its descriptor says.
        expected: u64,
        /// What was found.
        actual: u64,
    },
    /// A blob that the new image needs was deleted.
    #[error("blob {digest}, which the image needs, was removed from the store meanwhile: load its image again")]
    Removed {
        /// Which blob.
        digest: Digest,
    },
    /// The same blob is being transferred by another process.
    #[error("{path} is being written by another process")]
    Busy {
        /// Where it is received.
        path: PathBuf,
    },
    /// A stream that should be a layer is not one.
    #[error("{what}: {why}")]
    NotALayer {
        /// Which blob.
        what: String,
        /// Why.
        why: String,
    },
}

impl Error {
    /// An error of copying an input to the file `path`. Errors of our own readers concern the input, so they do not
    /// name the temporary file.
    pub(crate) fn copying(path: &Path) -> impl FnOnce(io::Error) -> Self {
        let to_path = Self::io(path);
        let of_input = |error: &io::Error| error.get_ref().is_some() || error.kind() == io::ErrorKind::UnexpectedEof;
        move |source| if of_input(&source) { Self::Input(source) } else { to_path(source) }
    }

    pub(crate) fn io(path: &Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_owned();
        move |source| Self::Io { path, source }
    }
}

/// A store at a folder, which need not exist until something is put there.
#[derive(Debug, Clone)]
pub struct Store {
    root: PathBuf,
    job: Token,
    /// The layout, once there is one.
    layout: Arc<Mutex<Option<Layout>>>,
    /// The names as they were read last.
    known: Arc<Mutex<Option<KnownCatalog>>>,
    /// The blobs that the job reads.
    reading: Arc<Mutex<Option<Lease>>>,
}

impl Store {
    /// The store at `root`. Nothing is touched.
    pub fn new(root: PathBuf) -> Self {
        Self { root, layout: Arc::default(), known: Arc::default(), job: Token::new(), reading: Arc::default() }
    }

    /// The same store for one job: what the job does to the store is undone when it is cancelled.
    pub fn of_job(self, job: Token) -> Self {
        Self { job, reading: Arc::default(), ..self }
    }

    /// The job that the store was opened for.
    pub fn job(&self) -> &Token {
        &self.job
    }

    /// The folder.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// The names in the store; none if there is no store yet.
    pub fn catalog(&self) -> Result<Arc<Catalog>, Error> {
        let Some(layout) = self.layout()? else {
            return Ok(Arc::new(Catalog::new(Index::new(MediaType::OCI_INDEX, Vec::new()))));
        };
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(current) = known.as_ref().filter(|known| known.is_current(&self.root.join(INDEX_FILE))) {
            return Ok(Arc::clone(&current.catalog));
        }
        *known = None;
        let (index, file) = layout.read_index()?;
        let read = KnownCatalog::new(file, Catalog::new(index)).map_err(Error::io(&self.root))?;
        Ok(Arc::clone(&known.insert(read).catalog))
    }

    /// All that an entry leads to. Images of a manifest list that only a registry has are absent.
    pub fn tree(&self, entry: &CatalogEntry) -> Result<ImageTree, Error> {
        self.tree_of(&entry.descriptor).map_err(|source| Error::Image { name: entry.to_string(), source })
    }

    /// All that the descriptor of an entry leads to, as [`Store::tree`] gives it.
    pub fn tree_of(&self, descriptor: &Descriptor) -> Result<ImageTree, ImageError> {
        ImageTree::read(&self.near([descriptor]), descriptor)
    }

    /// All that an entry leads to, also the documents of images that only a registry has.
    pub fn documents(&self, entry: &CatalogEntry) -> Result<ImageTree, Error> {
        let image_error = |source| Error::Image { name: entry.to_string(), source };
        ImageTree::read(self, &entry.descriptor).map_err(image_error)
    }

    /// Lets `edit` change the names and replaces `index.json`; if `edit` fails or changes nothing, nothing is written.
    ///
    /// The outer error is the store's, the inner one `edit`'s.
    pub fn update<T, E>(&self, edit: impl FnOnce(&mut Catalog) -> Result<T, E>) -> Result<Result<T, E>, Error> {
        let _adding = self.lock_shared()?;
        self.update_locked(edit, || Ok(()))
    }

    /// As [`Store::update`], for callers that already hold a lock on the store. `before` runs after `edit` has
    /// succeeded and before the index is replaced.
    fn update_locked<T, E>(
        &self,
        edit: impl FnOnce(&mut Catalog) -> Result<T, E>,
        before: impl FnOnce() -> Result<(), Error>,
    ) -> Result<Result<T, E>, Error> {
        let _index = self.lock_index()?;
        let old = self.catalog()?;
        let mut new = Catalog::clone(&old);
        let result = match edit(&mut new) {
            Ok(result) => result,
            Err(error) => return Ok(Err(error)),
        };
        self.job.finish().map_err(Error::io(&self.root))?;
        before()?;
        if new != *old {
            self.write(&new)?;
        }
        Ok(Ok(result))
    }

    /// Replaces `index.json`, for deletion. The guard must be from [`Store::lock_exclusive`].
    pub fn replace(&self, _alone: &Guard, catalog: &Catalog) -> Result<(), Error> {
        let _index = self.lock_index()?;
        self.job.finish().map_err(Error::io(&self.root))?;
        if *self.catalog()? == *catalog { Ok(()) } else { self.write(catalog) }
    }

    /// Makes the store a layout, if it is none yet: only in a layout are blobs found, also those that a process had
    /// published when it was killed before it wrote their names. The caller holds the lock of the index.
    fn become_layout(&self) -> Result<(), Error> {
        if self.root.join(INDEX_FILE).exists() { Ok(()) } else { self.write(&*self.catalog()?) }
    }

    fn write(&self, catalog: &Catalog) -> Result<(), Error> {
        let draft = self.private_folder("tmp")?.join("index");
        // Leftovers of killed processes: only the holder of the index lock writes these files.
        for stale in [draft.clone(), draft.with_extension("version")] {
            let _ = std::fs::remove_file(stale);
        }
        layout::create_skeleton(&self.root, draft.with_extension("version"), &self.job)
            .map_err(Error::io(&self.root))?;
        let path = self.root.join(INDEX_FILE);
        let bytes = catalog.to_json();
        layout::Durable::replace(&path, draft, &bytes, &self.job).map_err(Error::io(&path))?;
        // Only the holder of the lock replaces the file, so this is what would be read; but a name that was taken may be
        // free now for the entry of another tool.
        let is_whole = catalog.entries().iter().all(|entry| entry.foreign_name().is_none());
        let known = is_whole.then(|| File::open(&path).and_then(|file| KnownCatalog::new(file, catalog.clone())));
        *self.known.lock().unwrap_or_else(PoisonError::into_inner) = known.and_then(Result::ok);
        Ok(())
    }

    /// The layout, if there is one already. It stays open: a store has thousands of blobs.
    fn layout(&self) -> Result<Option<Layout>, Error> {
        let mut open = self.layout.lock().unwrap_or_else(PoisonError::into_inner);
        if open.as_ref().is_none_or(|layout| !layout.is_current()) {
            *open = self.open_layout()?;
        }
        Ok(open.clone())
    }

    fn open_layout(&self) -> Result<Option<Layout>, Error> {
        let index = self.root.join(INDEX_FILE);
        match index.metadata() {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            found => found.map_err(Error::io(&index))?,
        };
        Ok(Some(Layout::open(&self.root)?))
    }

    /// Where the server keeps the events that others are still to be told.
    pub fn events_folder(&self) -> Result<PathBuf, Error> {
        self.private_folder("events")
    }

    /// Where trees of layers are that programs run on.
    pub fn trees_folder(&self) -> Result<PathBuf, Error> {
        self.private_folder("trees")
    }

    /// Where files of a job are that have no name.
    pub fn temporary_folder(&self) -> Result<PathBuf, Error> {
        self.private_folder("tmp")
    }

    /// Where the caches of `RUN --mount=type=cache` are.
    pub fn cache_mounts_folder(&self) -> Result<PathBuf, Error> {
        self.private_folder("cache-mounts")
    }

    /// A folder of imgtool's own in the layout, created if it does not exist.
    fn private_folder(&self, name: &str) -> Result<PathBuf, Error> {
        let folder = self.root.join("imgtool").join(name);
        std::fs::create_dir_all(&folder).map_err(Error::io(&folder))?;
        Ok(folder)
    }
}

impl BlobSource for Store {
    fn open_blob(&self, descriptor: &Descriptor) -> Result<Option<Blob>, ImageError> {
        let other =
            |error: Error| ImageError::Io { what: self.root.display().to_string(), source: io::Error::other(error) };
        match self.layout().map_err(other)? {
            Some(layout) => layout.open_blob(descriptor),
            None => Ok(None),
        }
    }
}

#[cfg(test)]
mod tests;
