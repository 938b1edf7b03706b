//! The quarantine: holds blobs until everything that belongs to them is verified.
//!
//! A quarantine is a folder in the store that no other process reads. Blobs are written, hashed and synced there; one
//! step at the end renames them to their digests and replaces `index.json`. If it is dropped before that, its blobs are
//! deleted and the store is unchanged. It locks the store only for that step; until then it has a [lease](super::lease)
//! on the blobs that it relies on, so that images can be removed while a long transfer goes on.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fs::File;
use std::io::{BufWriter, Read, Write as _};
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use crate::cancel::{Draft as Vanishing, Token};

use super::lease::{LEASE, Lease};
use super::partial::{PartialFile, Patience};
use super::{Catalog, Error, Store};
use crate::image::copy::{self, Moved};
use crate::image::{Blob, QuarantinedBlob, QuarantinedLayer, Reopen};
use crate::layer::{
    Compression, EntryPath, IndexError, LayerIndex, LayerSummary, Limits, Scan, ScanError, read_summary,
};
use crate::layout::{BLOBS, Durable, sync_folder};
use crate::oci::{Descriptor, DiffId, Digest};

/// A layer that is in the quarantine.
#[derive(Debug, Clone)]
pub struct VerifiedLayer {
    /// The digest of the blob as it is kept.
    pub digest: Digest,
    /// Its length in bytes.
    pub size: u64,
    /// The digest of the uncompressed tar.
    pub diff_id: DiffId,
    /// How the blob is compressed.
    pub compression: Compression,
    /// Targets of hard links that are not in this layer itself.
    pub missing_link_targets: Vec<EntryPath>,
}

/// Blobs that are not in the store yet.
#[derive(Debug)]
pub struct Quarantine {
    pub(super) store: Store,
    pub(super) limits: Limits,
    pub(super) patience: Patience,
    kept: Mutex<BTreeMap<Digest, QuarantinedFile>>,
    held: Mutex<HashMap<u64, QuarantinedFile>>,
    next: AtomicU64,
    small: AtomicU64,
    counted: Mutex<BTreeSet<Digest>>,
    lease: Lease,
    folder: QuarantineFolder,
}

#[derive(Debug)]
struct QuarantinedFile {
    blob: BlobBytes,
    index: Option<Durable>,
}

/// Where the bytes of a blob are until it is published.
#[derive(Debug)]
pub(super) enum BlobBytes {
    /// In the quarantine.
    Draft(Durable),
    /// In the file of the transfer, which stays if the quarantine is dropped.
    Partial(PartialFile),
}

/// Members of a stream up to this size are kept in memory, as long as the budget lasts.
const SMALL: u64 = 64 << 10;
/// How many bytes of small members may be in memory together.
const SMALL_BUDGET: u64 = 8 << 20;

impl Quarantine {
    /// A new one in `store`.
    pub fn new(store: &Store, limits: Limits) -> Result<Self, Error> {
        let _adding = store.lock_shared()?;
        let folder = QuarantineFolder::create(store.private_folder("tmp")?, &store.job)?;
        let lease = Lease::create(store, folder.path.join(LEASE))?;
        Ok(Self {
            store: store.clone(),
            limits,
            patience: Patience::default(),
            kept: Mutex::default(),
            held: Mutex::default(),
            next: AtomicU64::new(0),
            small: AtomicU64::new(0),
            counted: Mutex::default(),
            lease,
            folder,
        })
    }

    /// The same with another patience for other processes that receive the same blobs.
    pub fn with_patience(self, patience: Patience) -> Self {
        Self { patience, ..self }
    }

    /// Holds a lease on blobs of the store until the quarantine is published; they must still exist then.
    pub fn count_on(&self, digests: impl IntoIterator<Item = Digest>) -> Result<(), Error> {
        let mut counted = lock(&self.counted);
        let kept = lock(&self.kept);
        let new: Vec<Digest> =
            digests.into_iter().filter(|digest| !kept.contains_key(digest) && !counted.contains(digest)).collect();
        if new.is_empty() {
            return Ok(());
        }
        if let Some(digest) = self.lease.add(&self.store, &new)? {
            return Err(Error::Removed { digest });
        }
        counted.extend(new);
        Ok(())
    }

    /// Keeps a blob of any kind, which must match its descriptor.
    pub fn keep_verified(&self, expected: &Descriptor, blob: &Blob, moved: Moved<'_>) -> Result<(), Error> {
        check(expected, expected.digest, blob.size())?;
        let actual = self.keep(blob, moved)?;
        check(expected, actual, blob.size())
    }

    /// Keeps a blob of any kind and returns its digest.
    pub fn keep(&self, blob: &Blob, moved: Moved<'_>) -> Result<Digest, Error> {
        if let Some(held) = blob.held() {
            self.keep_held(held);
            moved(blob.size());
            return Ok(held.digest);
        }
        let draft = self.draft()?;
        let digest = copy::land(blob, draft.file(), moved).map_err(Error::copying(draft.path()))?;
        self.put(digest, BlobBytes::Draft(settled(draft)?), None)?;
        Ok(digest)
    }

    /// Keeps a layer. With `unpack`, compressions without a media type in the image specification are undone; otherwise
    /// the bytes are kept unchanged. `what` names the layer in errors.
    pub fn keep_layer(&self, blob: &Blob, unpack: bool, what: &str, moved: Moved<'_>) -> Result<VerifiedLayer, Error> {
        let layer_error = |source| Error::Layer { what: what.to_owned(), source };
        if let Some(held) = blob.held() {
            let layer =
                held.layer.clone().map_err(|why| Error::NotALayer { what: what.to_owned(), why: why.to_string() })?;
            if !(unpack && is_nameless(layer.compression)) {
                self.keep_held(held);
                moved(blob.size());
                let QuarantinedLayer { diff_id, compression, missing_link_targets } = layer;
                return Ok(VerifiedLayer {
                    digest: held.digest,
                    size: blob.size(),
                    diff_id,
                    compression,
                    missing_link_targets,
                });
            }
        }
        let unpack = unpack && is_nameless(blob.compression().map_err(|error| layer_error(error.into()))?);
        let (draft, index) = (self.draft()?, self.draft()?);
        let land = if unpack { copy::land_layer_unpacked } else { copy::land_layer };
        let mut writer = BufWriter::new(index.file());
        let landed = land(blob, draft.file(), &mut writer, &self.limits, moved).map_err(layer_error)?;
        writer.flush().map_err(Error::io(index.path()))?;
        drop(writer);
        self.put_layer(landed, BlobBytes::Draft(settled(draft)?), index)
    }

    /// Keeps a layer that is read once, and only as far as it is valid. Compressions without a media type in the image
    /// specification are undone.
    pub fn keep_layer_once(
        &self,
        stream: &mut (dyn Read + Send),
        what: &str,
        moved: Moved<'_>,
    ) -> Result<VerifiedLayer, Error> {
        let (draft, index) = (self.draft()?, self.draft()?);
        let mut writer = BufWriter::new(index.file());
        let landed = copy::land_layer_once(stream, draft.file(), &mut writer, &self.limits, is_nameless, moved);
        let landed = landed.map_err(|source| Error::Layer { what: what.to_owned(), source })?;
        writer.flush().map_err(Error::io(index.path()))?;
        drop(writer);
        self.put_layer(landed, BlobBytes::Draft(settled(draft)?), index)
    }

    /// Keeps a document.
    pub fn keep_bytes(&self, bytes: &[u8]) -> Result<Digest, Error> {
        self.keep(&Blob::bytes(bytes), &|_| {})
    }

    /// Stores the next member of a stream, whatever it turns out to be. It is kept only if it is asked for later, by
    /// [`Quarantine::keep`] or [`Quarantine::keep_layer`] with the blob that is returned here.
    pub fn hold(&self, member: &mut (dyn Read + Send), size: u64, moved: Moved<'_>) -> Result<Blob, Error> {
        let ticket = self.next.fetch_add(1, Ordering::Relaxed);
        if size <= SMALL && self.small.fetch_add(size, Ordering::Relaxed) + size <= SMALL_BUDGET {
            let mut bytes = Vec::new();
            member.read_to_end(&mut bytes).map_err(Error::Input)?;
            return Ok(Blob::bytes(bytes));
        }
        let (draft, index) = (self.draft()?, self.draft()?);
        let mut writer = BufWriter::new(index.file());
        let landed = copy::land_stream(member, draft.file(), &mut writer, &self.limits, moved);
        let (seen, digest, size) = landed.map_err(Error::copying(draft.path()))?;
        writer.flush().map_err(Error::io(index.path()))?;
        drop(writer);
        let (layer, index) = match seen {
            Ok(Scan { summary, compression, missing_link_targets, .. }) => {
                (Ok(QuarantinedLayer { diff_id: summary.diff_id, compression, missing_link_targets }), Some(index))
            }
            Err(ScanError::Index { source }) => return Err(Error::Io { path: self.folder.path.clone(), source }),
            Err(error) => (Err(Arc::from(error.to_string())), None),
        };
        let blob = Blob::stream(Arc::new(ReopenedFile(draft.path().to_owned())), size);
        let kept = QuarantinedFile { blob: BlobBytes::Draft(settled(draft)?), index: index.map(settled).transpose()? };
        lock(&self.held).insert(ticket, kept);
        Ok(blob.with_held(QuarantinedBlob { ticket, digest, layer }))
    }

    /// The entries of a layer in the quarantine or the store.
    pub fn entries(&self, layer: &Digest) -> Result<LayerIndex<File>, IndexError> {
        LayerIndex::read(self.open_index(layer)?)
    }

    /// The sizes of such a layer.
    pub fn summary(&self, layer: &Digest) -> Result<LayerSummary, IndexError> {
        read_summary(self.open_index(layer)?)
    }

    fn open_index(&self, layer: &Digest) -> Result<File, IndexError> {
        let kept =
            lock(&self.kept).get(layer).and_then(|kept| kept.index.as_ref().map(|index| index.path().to_owned()));
        let index = kept.unwrap_or_else(|| self.store.layer_index_path(layer));
        File::open(index).map_err(IndexError::Io)
    }

    /// Moves everything that was kept into the store, then lets `edit` change the names, all or nothing. The inner
    /// error is `edit`'s.
    pub fn publish<T, E>(self, edit: impl FnOnce(&mut Catalog) -> Result<T, E>) -> Result<Result<T, E>, Error> {
        let store = self.store.clone();
        let _adding = store.lock_shared()?;
        if let Some(digest) = lock(&self.counted).iter().find(|digest| !store.has_blob(digest)) {
            return Err(Error::Removed { digest: *digest });
        }
        store.update_locked(edit, || {
            store.become_layout()?;
            self.move_blobs()
        })
    }

    fn move_blobs(&self) -> Result<(), Error> {
        let blobs = self.store.root.join(BLOBS);
        let layers = self.store.private_folder("layers")?;
        for (digest, kept) in std::mem::take(&mut *lock(&self.kept)) {
            let target = blobs.join(digest.hex());
            let published = match kept.blob {
                BlobBytes::Draft(draft) => draft.publish(&target),
                BlobBytes::Partial(partial) => partial.publish(&target),
            };
            published.map_err(Error::io(&target))?;
            if let Some(index) = kept.index {
                let target = self.store.layer_index_path(&digest);
                index.publish(&target).map_err(Error::io(&target))?;
            }
        }
        sync_folder(&blobs).map_err(Error::io(&blobs))?;
        sync_folder(&layers).map_err(Error::io(&layers))
    }

    /// A path in the quarantine that is not in use.
    pub(super) fn new_path(&self) -> PathBuf {
        self.folder.path.join(self.next.fetch_add(1, Ordering::Relaxed).to_string())
    }

    pub(super) fn draft(&self) -> Result<Durable, Error> {
        let path = self.new_path();
        Durable::create(path.clone(), &self.store.job).map_err(Error::io(&path))
    }

    pub(super) fn put(&self, digest: Digest, blob: BlobBytes, index: Option<Durable>) -> Result<(), Error> {
        let index = index.map(settled).transpose()?;
        let mut kept = lock(&self.kept);
        match kept.get_mut(&digest) {
            // The file of a transfer is published, since nothing else would remove it.
            Some(QuarantinedFile { blob: BlobBytes::Partial(_), index: old }) => *old = index.or(old.take()),
            _ => drop(kept.insert(digest, QuarantinedFile { blob, index })),
        }
        Ok(())
    }

    pub(super) fn put_layer(&self, landed: Scan, blob: BlobBytes, index: Durable) -> Result<VerifiedLayer, Error> {
        let Scan { summary, compression, blob: digest, blob_size: size, missing_link_targets } = landed;
        self.put(digest, blob, Some(index))?;
        Ok(VerifiedLayer { digest, size, diff_id: summary.diff_id, compression, missing_link_targets })
    }

    fn keep_held(&self, held: &QuarantinedBlob) {
        if let Some(kept) = lock(&self.held).remove(&held.ticket) {
            lock(&self.kept).insert(held.digest, kept);
        }
    }
}

/// Syncs a draft and closes it, so that an image of a thousand layers does not hold a thousand files open.
fn settled(draft: Durable) -> Result<Durable, Error> {
    let path = draft.path().to_owned();
    draft.settled().map_err(Error::io(&path))
}

/// Compares a blob with its descriptor.
fn check(expected: &Descriptor, actual: Digest, size: u64) -> Result<(), Error> {
    let Descriptor { digest, size: whole, .. } = expected;
    match (actual == *digest, size == *whole) {
        (true, true) => Ok(()),
        (true, false) => Err(Error::Size { digest: *digest, expected: *whole, actual: size }),
        (false, _) => Err(Error::Digest { expected: *digest, actual }),
    }
}

/// Whether the image specification has no media type for layers in this compression.
fn is_nameless(compression: Compression) -> bool {
    matches!(compression, Compression::Bzip2 | Compression::Xz)
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A draft that is opened each time it is read.
struct ReopenedFile(PathBuf);

impl Reopen for ReopenedFile {
    fn reopen(&self) -> std::io::Result<Box<dyn Read + Send>> {
        Ok(Box::new(std::fs::File::open(&self.0)?))
    }
}

/// A folder that is deleted with its content when it is dropped.
#[derive(Debug)]
struct QuarantineFolder {
    path: PathBuf,
    _vanishing: Vanishing,
}

impl QuarantineFolder {
    /// A new folder below `parent` that only its owner can enter.
    fn create(parent: PathBuf, job: &Token) -> Result<Self, Error> {
        for attempt in 0_u64.. {
            let path = parent.join(format!("load-{}-{attempt}", std::process::id()));
            let make = || Ok((std::fs::DirBuilder::new().mode(0o700).create(&path)?, path.clone()));
            match Vanishing::create(job, make) {
                Ok(((), vanishing)) => return Ok(Self { path, _vanishing: vanishing }),
                Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {}
                Err(source) => return Err(Error::Io { path, source }),
            }
        }
        Err(Error::Io { path: parent, source: std::io::ErrorKind::AlreadyExists.into() })
    }
}

impl Drop for QuarantineFolder {
    fn drop(&mut self) {
        remove(&self.path);
    }
}

fn remove(path: &Path) {
    let _ = std::fs::remove_dir_all(path);
}
