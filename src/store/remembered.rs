//! What is remembered of transfers to registries. All of it may be lost: then work is done again.
//!
//! ```text
//! ROOT/imgtool/packed/<hex>.FORM    the digest and the size that a layer has in another compression, by its diff ID
//! ROOT/imgtool/uploads/<hex>        the URL of an upload that was interrupted, by repository and blob
//! ROOT/imgtool/sending/<hex>        locked by the process that sends that blob to that repository
//! ```
//!
//! A layer that is stored uncompressed has its diff ID as its digest.

use std::fs;
use std::io::{self, Write as _};
use std::path::PathBuf;

use super::lease::entries;
use super::partial::PartialFile;
use super::{Error, Guard, Reachable, StalePartials, Store};
use crate::oci::{DiffId, Digest};

/// The folder of what layers are in another compression.
const PACKED: &str = "packed";
/// The folder of interrupted uploads.
pub(super) const UPLOADS: &str = "uploads";
/// The folder of uploads that are under way.
const SENDING: &str = "sending";

/// A blob that no other process sends to the same repository, until this is dropped.
#[derive(Debug)]
pub struct SendingBlob(Option<PartialFile>);

impl Drop for SendingBlob {
    fn drop(&mut self) {
        if let Some(file) = self.0.take() {
            // What stays is empty, and is taken again.
            let _ = file.discard();
        }
    }
}

impl Store {
    /// The digest and the size of a layer in the form of that name, if it had it before.
    pub fn packed_layer(&self, diff_id: &DiffId, form: &str) -> Option<(Digest, u64)> {
        let text = fs::read_to_string(self.packed_path(diff_id, form)).ok()?;
        let (digest, size) = text.trim().split_once(' ')?;
        Some((digest.parse().ok()?, size.parse().ok()?))
    }

    /// Whether a layer is known in any other form.
    pub fn was_packed(&self, diff_id: &DiffId) -> bool {
        let hex = diff_id.digest().hex();
        let is_one = |path: &PathBuf| path.file_stem().and_then(|stem| stem.to_str()?.split('.').next()) == Some(&hex);
        entries(&self.root.join("imgtool").join(PACKED)).is_ok_and(|paths| paths.iter().any(is_one))
    }

    /// Remembers the digest and the size of a layer in the form of that name.
    pub fn remember_packed_layer(&self, diff_id: &DiffId, form: &str, digest: &Digest, size: u64) {
        self.remember(PACKED, self.packed_path(diff_id, form), &format!("{digest} {size}\n"));
    }

    /// Forgets it, as it was wrong.
    pub fn forget_packed_layer(&self, diff_id: &DiffId, form: &str) {
        let _ = fs::remove_file(self.packed_path(diff_id, form));
    }

    /// The URL of an upload of a blob to a repository that was interrupted.
    pub fn upload_session(&self, repository: &str, blob: &Digest) -> Option<String> {
        fs::read_to_string(self.upload_path(repository, blob)).ok()
    }

    /// Keeps the URL of an upload. Nobody else may read it: it may be all that is needed to write.
    pub fn keep_upload_session(&self, repository: &str, blob: &Digest, url: &str) {
        self.remember(UPLOADS, self.upload_path(repository, blob), url);
    }

    /// Begins to send a blob to a repository; none if another process does. Where nothing can be written, nobody can be
    /// asked.
    pub fn begin_sending(&self, repository: &str, blob: &Digest) -> Option<SendingBlob> {
        let name = self.upload_path(repository, blob);
        let path = self.private_folder(SENDING).ok().zip(name.file_name()).map(|(folder, name)| folder.join(name));
        match path.map(|path| PartialFile::claim(&path)) {
            Some(Ok(None)) => None,
            Some(Ok(claimed)) => Some(SendingBlob(claimed)),
            Some(Err(_)) | None => Some(SendingBlob(None)),
        }
    }

    /// Forgets an upload.
    pub fn forget_upload_session(&self, repository: &str, blob: &Digest) {
        let _ = fs::remove_file(self.upload_path(repository, blob));
    }

    /// How many bytes [`Store::expire_memories`] would free.
    pub fn stale_memories(&self, reachable: &Reachable, stale: StalePartials) -> Result<u64, Error> {
        Ok(self.each_stale_memory(reachable, stale)?.into_iter().map(|(_, size)| size).sum())
    }

    /// Forgets uploads as partial blobs are forgotten, and what became of layers that are gone; returns the number of
    /// bytes freed. The guard must be from [`Store::lock_exclusive`].
    pub fn expire_memories(&self, _alone: &Guard, reachable: &Reachable, stale: StalePartials) -> Result<u64, Error> {
        let mut bytes = 0;
        for (path, size) in self.each_stale_memory(reachable, stale)? {
            match fs::remove_file(&path) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(Error::io(&path)(error)),
                _ => bytes += size,
            }
        }
        Ok(bytes)
    }

    fn each_stale_memory(&self, reachable: &Reachable, stale: StalePartials) -> Result<Vec<(PathBuf, u64)>, Error> {
        let private = self.root.join("imgtool");
        let mut found = Vec::new();
        for path in entries(&private.join(PACKED))? {
            let layer = path.file_stem().and_then(|stem| Digest::from_hex(stem.to_str()?.split('.').next()?));
            if layer.is_none_or(|layer| !reachable.contains(&layer)) {
                found.push(path);
            }
        }
        for path in entries(&private.join(UPLOADS))? {
            let is_stale = match stale {
                StalePartials::Needless => false,
                StalePartials::Before(limit) => {
                    path.metadata().and_then(|metadata| metadata.modified()).map_err(Error::io(&path))? < limit
                }
                StalePartials::All => true,
            };
            if is_stale {
                found.push(path);
            }
        }
        for path in entries(&private.join(SENDING))? {
            if matches!(PartialFile::claim(&path), Ok(Some(_))) {
                found.push(path);
            }
        }
        let sized = |path: PathBuf| {
            let size = path.metadata().map_or(0, |metadata| metadata.len());
            (path, size)
        };
        Ok(found.into_iter().map(sized).collect())
    }

    fn packed_path(&self, diff_id: &DiffId, form: &str) -> PathBuf {
        self.root.join("imgtool").join(PACKED).join(format!("{}.{form}", diff_id.digest().hex()))
    }

    fn upload_path(&self, repository: &str, blob: &Digest) -> PathBuf {
        let key = Digest::of(format!("{repository}@{blob}").as_bytes());
        self.root.join("imgtool").join(UPLOADS).join(key.hex())
    }

    /// Replaces a small file, or does nothing.
    fn remember(&self, folder: &str, path: PathBuf, text: &str) {
        let Ok(folder) = self.private_folder(folder) else { return };
        // A temporary file is readable by its owner only.
        let Ok(mut file) = tempfile::NamedTempFile::new_in(folder) else { return };
        if file.write_all(text.as_bytes()).is_ok() {
            let _ = file.persist(path);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn transfers_are_remembered() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let store = Store::new(folder.path().join("store"));
        let (blob, diff_id) = (Digest::of(b"blob"), DiffId::new(Digest::of(b"tar")));
        assert_eq!(store.packed_layer(&diff_id, "gzip-6"), None);
        store.remember_packed_layer(&diff_id, "gzip-6", &blob, 4);
        assert_eq!(store.packed_layer(&diff_id, "gzip-6"), Some((blob, 4)));
        assert_eq!(store.packed_layer(&diff_id, "gzip-9"), None);
        assert!(store.was_packed(&diff_id));
        store.forget_packed_layer(&diff_id, "gzip-6");
        assert_eq!(store.packed_layer(&diff_id, "gzip-6"), None);
        assert!(!store.was_packed(&diff_id));
        store.keep_upload_session("a/b", &blob, "https://a/1");
        store.keep_upload_session("a/b", &blob, "https://a/2");
        assert_eq!(store.upload_session("a/b", &blob).as_deref(), Some("https://a/2"));
        assert_eq!(store.upload_session("a/c", &blob), None);
        store.forget_upload_session("a/b", &blob);
        assert_eq!(store.upload_session("a/b", &blob), None);
    }
}
