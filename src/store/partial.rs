//! Partially transferred blobs: the transfer can be resumed later, by another process.
//!
//! `ROOT/imgtool/partial/<hex>` is named by the digest that the blob will have, and is locked by its writer. Bytes of an
//! earlier transfer are hashed again before the blob counts, since they may not all have reached the disk. A blob that
//! is complete, verified and synced is marked as whole by its permissions (0644; 0600 before): its bytes never change
//! any more, so that another process may take them for itself by a link. It is published by a quarantine; until then it
//! stays, even if that quarantine is dropped.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Write as _};
use std::num::NonZeroU64;
use std::os::unix::fs::{FileExt as _, MetadataExt as _, OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use rustix::fs::Advice;

use super::{Error, Guard, Store};
use crate::oci::Digest;

/// The folder below the store's own.
pub(super) const PARTIAL: &str = "partial";
/// How the names of uploads to the server begin.
pub(super) const UPLOAD: &str = "upload-";
/// The permissions of a blob that is not whole.
const PARTLY: u32 = 0o600;
/// The permissions of a blob that is.
const WHOLE: u32 = 0o644;

/// The file of a partially transferred blob, locked by its writer. It stays when this is dropped.
#[derive(Debug)]
pub(super) struct PartialFile {
    path: PathBuf,
    file: File,
}

/// Which partial blobs are garbage, of those that nobody writes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum StalePartials {
    /// Only those whose blob the store has.
    #[default]
    Needless,
    /// Also those that were last written before this time.
    Before(SystemTime),
    /// All.
    All,
}

/// How long another process is waited for that receives the same blob.
#[derive(Debug, Clone, Copy)]
pub struct Patience {
    /// How long to wait between two looks.
    pub pause: Duration,
    /// After so many looks without a new byte, the other process is given up.
    pub looks: u32,
}

impl Default for Patience {
    /// Five minutes: longer than a transfer waits for a server that is silent.
    fn default() -> Self {
        Self { pause: Duration::from_millis(100), looks: 3_000 }
    }
}

impl Store {
    /// Where a blob is received.
    pub(super) fn partial_path(&self, digest: &Digest) -> Result<PathBuf, Error> {
        Ok(self.private_folder(PARTIAL)?.join(digest.hex()))
    }

    /// Deletes stale partial blobs and returns the number of bytes freed. The guard must be from
    /// [`Store::lock_exclusive`].
    pub fn expire_partials(&self, _alone: &Guard, stale: StalePartials) -> Result<u64, Error> {
        let mut bytes = 0;
        self.each_stale_partial(stale, |path, size| {
            match fs::remove_file(path) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(Error::io(path)(error)),
                _ => bytes += size,
            }
            Ok(())
        })?;
        Ok(bytes)
    }

    /// How many bytes [`Store::expire_partials`] would free.
    pub fn stale_partials(&self, stale: StalePartials) -> Result<u64, Error> {
        let mut bytes = 0;
        self.each_stale_partial(stale, |_, size| {
            bytes += size;
            Ok(())
        })?;
        Ok(bytes)
    }

    /// Calls `act` for the path of each stale partial blob, and the bytes that it takes. It is locked meanwhile, so that
    /// nobody begins to write a file that is being deleted.
    fn each_stale_partial(
        &self,
        stale: StalePartials,
        mut act: impl FnMut(&Path, u64) -> Result<(), Error>,
    ) -> Result<(), Error> {
        for path in super::lease::entries(&self.root.join("imgtool").join(PARTIAL))? {
            // Uploads have a rule of their own.
            if is_upload(&path) {
                continue;
            }
            let Ok(file) = File::open(&path) else { continue };
            let (Ok(()), Ok(metadata)) = (file.try_lock(), file.metadata()) else { continue };
            let digest = path.file_name().and_then(|name| Digest::from_hex(name.to_str()?));
            let is_stale = digest.is_some_and(|digest| self.has_blob(&digest))
                || match stale {
                    StalePartials::Needless => false,
                    StalePartials::Before(limit) => metadata.modified().map_err(Error::io(&path))? < limit,
                    StalePartials::All => true,
                };
            if is_stale {
                // What a blob of the store is linked to takes no room of its own.
                act(&path, if metadata.nlink() > 1 { 0 } else { metadata.len() })?;
            }
        }
        Ok(())
    }
}

impl PartialFile {
    /// Opens and locks a file, which is created if it does not exist; none if another process holds the lock.
    pub(super) fn claim(path: &Path) -> Result<Option<Self>, Error> {
        Self::lock(path, true)
    }

    /// The same for a file that must exist.
    pub(super) fn claim_existing(path: &Path) -> Result<Option<Self>, Error> {
        Self::lock(path, false)
    }

    fn lock(path: &Path, create: bool) -> Result<Option<Self>, Error> {
        loop {
            let mut options = OpenOptions::new();
            let options = options.read(true).append(true).create(create).mode(PARTLY);
            let file = options.open(path).map_err(Error::io(path))?;
            match file.try_lock() {
                Err(TryLockError::WouldBlock) => return Ok(None),
                Err(TryLockError::Error(error)) => return Err(Error::io(path)(error)),
                Ok(()) => {}
            }
            // The writer before us may have renamed or deleted it between the two steps.
            let same = path.symlink_metadata().is_ok_and(|there| file.metadata().is_ok_and(|own| same(&there, &own)));
            if same {
                return Ok(Some(Self { path: path.to_owned(), file }));
            }
        }
    }

    /// The path.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// How many bytes it has.
    pub(super) fn size(&self) -> Result<u64, Error> {
        Ok(self.file.metadata().map_err(Error::io(&self.path))?.len())
    }

    /// Whether its bytes may not change any more.
    pub(super) fn is_whole(&self) -> Result<bool, Error> {
        Ok(is_whole(&self.file.metadata().map_err(Error::io(&self.path))?))
    }

    /// Appends bytes.
    pub(super) fn append(&self, bytes: &[u8]) -> io::Result<()> {
        (&self.file).write_all(bytes)
    }

    /// Drops all bytes. Not for a blob that is whole.
    pub(super) fn clear(&self) -> io::Result<()> {
        self.file.set_len(0)
    }

    /// Reads some of the bytes from an offset on.
    pub(super) fn read_at(&self, into: &mut [u8], offset: u64) -> io::Result<usize> {
        self.file.read_at(into, offset)
    }

    /// The file once more.
    pub(super) fn reader(&self) -> io::Result<File> {
        self.file.try_clone()
    }

    /// Lets the system begin to write some of the bytes to the disk, so that less is left for the end. Who reads them
    /// next may have to read them from the disk.
    pub(super) fn begin_to_sync(&self, offset: u64, length: u64) {
        // Linux starts to write what is dirty, and forgets only what is clean. It is a hint, whatever it says.
        let _ = rustix::fs::fadvise(&self.file, offset, NonZeroU64::new(length), Advice::DontNeed);
    }

    /// Deletes the file.
    pub(super) fn discard(self) -> Result<(), Error> {
        fs::remove_file(&self.path).map_err(Error::io(&self.path))
    }

    /// Syncs the file, which was verified, and marks it as whole.
    pub(super) fn make_whole(&self) -> Result<(), Error> {
        let make = || {
            self.file.sync_all()?;
            self.file.set_permissions(fs::Permissions::from_mode(WHOLE))
        };
        make().map_err(Error::io(&self.path))
    }

    /// Gives the file, which is whole, its name in the store.
    pub(super) fn publish(self, target: &Path) -> io::Result<()> {
        fs::rename(&self.path, target)?;
        // If another process has published a link to the same file, both names were left as they are.
        let own = self.file.metadata()?;
        if self.path.symlink_metadata().is_ok_and(|there| same(&there, &own)) {
            fs::remove_file(&self.path)?;
        }
        Ok(())
    }
}

/// Whether a path in `partial/` belongs to an upload.
pub(super) fn is_upload(path: &Path) -> bool {
    path.file_name().is_some_and(|name| name.as_encoded_bytes().starts_with(UPLOAD.as_bytes()))
}

/// Whether a file's bytes may not change any more.
pub(super) fn is_whole(metadata: &fs::Metadata) -> bool {
    metadata.mode() & 0o777 == WHOLE
}

/// Whether two names are of the same file.
fn same(one: &fs::Metadata, other: &fs::Metadata) -> bool {
    (one.dev(), one.ino()) == (other.dev(), other.ino())
}

#[cfg(test)]
mod tests;
