//! Leases: entries of `tmp/` and blobs that must not be deleted because a process uses them.
//!
//! ```text
//! tmp/load-PID-N/lease    locked by the job whose quarantine the folder is; the digests that it relies on, one per line
//! tmp/read-PID-N          locked by a reader; the digests of what it reads
//! tmp/snapshot-PID-N      locked by its writer
//! ```
//!
//! A file lock ends with its process, however that ends. Deletion takes the store's exclusive lock, and spares locked
//! entries and the blobs listed in them. Leases are created and extended under the store's shared lock, so that no blob
//! is deleted between the check that it exists and the line that keeps it.

use std::collections::HashSet;
use std::fs::{File, OpenOptions, TryLockError};
use std::io::{self, Read as _, Write as _};
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};
use std::sync::PoisonError;
use std::sync::atomic::{AtomicU64, Ordering};

use super::pushes::StalePushes;
use super::{Error, Store};
use crate::cancel::Draft;
use crate::layout::BLOBS;
use crate::oci::Digest;

/// The file of a folder in `tmp/` that is locked while the folder is in use.
pub(super) const LEASE: &str = "lease";
/// How the names of readers' files begin.
const READER: &[u8] = b"read-";

/// A lease on blobs: they are not deleted until it is dropped.
#[must_use = "the lease ends when it is dropped"]
#[derive(Debug)]
pub(super) struct Lease {
    file: File,
    path: PathBuf,
    _draft: Draft,
}

impl Lease {
    /// A new lease at `path`. The store's lock must be held, shared or exclusive.
    pub(super) fn create(store: &Store, path: PathBuf) -> Result<Self, Error> {
        let make = || {
            let file = OpenOptions::new().append(true).create_new(true).open(&path)?;
            file.lock()?;
            Ok((file, path.clone()))
        };
        let (file, draft) = Draft::create(&store.job, make).map_err(Error::io(&path))?;
        Ok(Self { file, path, _draft: draft })
    }

    /// Adds blobs to the lease. Returns the first of them that is not in the store.
    pub(super) fn add(&self, store: &Store, digests: &[Digest]) -> Result<Option<Digest>, Error> {
        let _adding = store.lock_shared()?;
        let lines: String = digests.iter().map(|digest| digest.hex() + "\n").collect();
        (&self.file).write_all(lines.as_bytes()).map_err(Error::io(&self.path))?;
        Ok(digests.iter().find(|digest| !store.has_blob(digest)).copied())
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.path);
    }
}

impl Store {
    /// Whether a blob is in the store.
    pub fn has_blob(&self, digest: &Digest) -> bool {
        self.root.join(BLOBS).join(digest.hex()).is_file()
    }

    /// How many bytes a blob has, if it is in the store.
    pub fn blob_size(&self, digest: &Digest) -> Option<u64> {
        let metadata = self.root.join(BLOBS).join(digest.hex()).metadata().ok()?;
        Some(metadata.len())
    }

    /// Holds a lease on these blobs until the last clone of this store is dropped, and returns whether all are present.
    /// On a read-only store there is no lease: reading a blob that was deleted meanwhile fails.
    pub fn hold(&self, digests: &[Digest]) -> Result<bool, Error> {
        static COUNT: AtomicU64 = AtomicU64::new(0);
        let all_there = || digests.iter().all(|digest| self.has_blob(digest));
        // A store that imgtool has never written to.
        if !self.root.join("imgtool").is_dir() {
            return Ok(all_there());
        }
        let mut reading = self.reading.lock().unwrap_or_else(PoisonError::into_inner);
        if reading.is_none() {
            let begin = || {
                let number = COUNT.fetch_add(1, Ordering::Relaxed);
                let path = self.private_folder("tmp")?.join(format!("read-{}-{number}", std::process::id()));
                let _adding = self.lock_shared()?;
                Lease::create(self, path)
            };
            *reading = match begin() {
                Ok(lease) => Some(lease),
                Err(_) if !self.job.is_cancelled() => return Ok(all_there()),
                Err(error) => return Err(error),
            };
        }
        let Some(lease) = &*reading else { return Ok(all_there()) };
        Ok(lease.add(self, digests)?.is_none())
    }

    /// All blobs with a lease or a claim, but for claims that are stale. Exact only under the store's exclusive lock.
    pub(super) fn leased(&self, stale: Option<&StalePushes>) -> Result<HashSet<Digest>, Error> {
        let mut leased = self.claimed(stale)?;
        for path in entries(&self.root.join("imgtool/tmp"))? {
            let lists = path.is_dir() || path.file_name().is_some_and(|name| name.as_bytes().starts_with(READER));
            if let Some(mut file) = alive(&path).filter(|_| lists) {
                let mut text = String::new();
                file.read_to_string(&mut text).map_err(Error::io(&path))?;
                leased.extend(text.lines().filter_map(Digest::from_hex));
            }
        }
        Ok(leased)
    }

    /// The entries of `tmp/` that no process uses any more.
    pub(super) fn abandoned(&self) -> Result<Vec<PathBuf>, Error> {
        let mut paths = entries(&self.root.join("imgtool/tmp"))?;
        paths.retain(|path| alive(path).is_none());
        Ok(paths)
    }
}

/// The locked file of an entry of `tmp/`; none if no process holds a lock on it.
pub(super) fn alive(path: &Path) -> Option<File> {
    let file = File::open(path.join(LEASE)).or_else(|_| File::open(path)).ok()?;
    match file.try_lock() {
        Err(TryLockError::WouldBlock) => Some(file),
        _ => None,
    }
}

/// The entries of a folder; none if it does not exist.
pub(super) fn entries(folder: &Path) -> Result<Vec<PathBuf>, Error> {
    let entries = match std::fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(Error::io(folder)(error)),
    };
    entries.map(|entry| Ok(entry.map_err(Error::io(folder))?.path())).collect()
}
