//! Partially transferred blobs: the transfer can be resumed later, by another process.
//!
//! `ROOT/imgtool/partial/<hex>` is named by the digest that the blob will have, and is locked by its writer. Existing
//! bytes are hashed again before more are added, since they may not all have reached the disk. A complete blob is
//! verified and published by a quarantine; until then it stays, even if that quarantine is dropped.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Read, Seek as _, Write as _};
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use super::{Error, Guard, Store};
use crate::oci::{Descriptor, Digest, Hasher};

/// The folder below the store's own.
const PARTIAL: &str = "partial";
/// How many bytes are hashed at a time.
const CHUNK: usize = 256 << 10;

/// A partially transferred blob. Its file stays when this is dropped.
#[derive(Debug)]
pub struct Partial {
    path: PathBuf,
    file: File,
    hasher: Hasher,
    size: u64,
}

impl Store {
    /// Opens a partially transferred blob, or creates an empty one, and locks it.
    pub fn partial(&self, digest: &Digest) -> Result<Partial, Error> {
        let path = self.private_folder(PARTIAL)?.join(digest.hex());
        let file = claim(&path)?;
        let mut partial = Partial { path, file, hasher: Hasher::new(), size: 0 };
        partial.hash_again()?;
        Ok(partial)
    }

    /// Deletes partial blobs without a writer that were last written before `limit`, and returns the number of bytes
    /// freed. The guard must be from [`Store::lock_exclusive`].
    pub fn expire_partials(&self, _alone: &Guard, limit: SystemTime) -> Result<u64, Error> {
        let mut bytes = 0;
        for (path, size) in self.stale_partials(limit)? {
            match fs::remove_file(&path) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(Error::io(&path)(error)),
                _ => bytes += size,
            }
        }
        Ok(bytes)
    }

    /// What [`Store::expire_partials`] would delete, with the sizes in bytes.
    pub fn stale_partials(&self, limit: SystemTime) -> Result<Vec<(PathBuf, u64)>, Error> {
        let mut stale = Vec::new();
        for path in super::lease::entries(&self.root.join("imgtool").join(PARTIAL))? {
            let Ok(metadata) = path.metadata() else { continue };
            let written = metadata.modified().map_err(Error::io(&path))?;
            if written < limit && super::lease::alive(&path).is_none() {
                stale.push((path, metadata.len()));
            }
        }
        Ok(stale)
    }
}

/// Opens and locks a file, which must still exist under its name then.
fn claim(path: &Path) -> Result<File, Error> {
    loop {
        let mut options = OpenOptions::new();
        let file = options.read(true).append(true).create(true).mode(0o600).open(path).map_err(Error::io(path))?;
        match file.try_lock() {
            Err(TryLockError::WouldBlock) => return Err(Error::Busy { path: path.to_owned() }),
            Err(TryLockError::Error(error)) => return Err(Error::io(path)(error)),
            Ok(()) => {}
        }
        if file.metadata().map_err(Error::io(path))?.nlink() > 0 {
            return Ok(file);
        }
    }
}

impl Partial {
    /// The number of bytes received: where the transfer resumes.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// Appends bytes.
    pub fn append(&mut self, bytes: &[u8]) -> Result<(), Error> {
        self.file.write_all(bytes).map_err(Error::io(&self.path))?;
        self.hasher.update(bytes);
        self.size += bytes.len() as u64;
        Ok(())
    }

    /// Drops all bytes, for a sender that cannot resume.
    pub fn restart(&mut self) -> Result<(), Error> {
        self.file.set_len(0).map_err(Error::io(&self.path))?;
        (self.hasher, self.size) = (Hasher::new(), 0);
        Ok(())
    }

    /// Deletes the file.
    pub fn discard(self) -> Result<(), Error> {
        fs::remove_file(&self.path).map_err(Error::io(&self.path))
    }

    /// Verifies the blob and syncs it. A blob that is too short stays; one that is wrong is deleted.
    pub(super) fn whole(mut self, expected: &Descriptor) -> Result<Self, Error> {
        let digest = expected.digest;
        let actual = std::mem::take(&mut self.hasher).finish();
        if self.size != expected.size {
            let error = Error::Size { digest, expected: expected.size, actual: self.size };
            return if self.size < expected.size { Err(error) } else { self.discard().and(Err(error)) };
        }
        if actual != digest {
            return self.discard().and(Err(Error::Digest { expected: digest, actual }));
        }
        self.file.sync_all().map_err(Error::io(&self.path))?;
        Ok(self)
    }

    /// The bytes, from the beginning.
    pub(super) fn reader(&self) -> Result<File, Error> {
        File::open(&self.path).map_err(Error::io(&self.path))
    }

    /// Gives the file its name in the store.
    pub(super) fn publish(self, target: &Path) -> io::Result<()> {
        fs::set_permissions(&self.path, std::os::unix::fs::PermissionsExt::from_mode(0o644))?;
        fs::rename(&self.path, target)
    }

    fn hash_again(&mut self) -> Result<(), Error> {
        self.file.rewind().map_err(Error::io(&self.path))?;
        let mut buffer = vec![0; CHUNK];
        loop {
            match (&self.file).read(&mut buffer) {
                Ok(0) => return Ok(()),
                Ok(got) => {
                    self.hasher.update(&buffer[..got]);
                    self.size += got as u64;
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(Error::io(&self.path)(error)),
            }
        }
    }
}

#[cfg(test)]
mod tests;
