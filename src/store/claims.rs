//! Claims: blobs that a repository of the server has, though none of its manifests needs them yet.
//!
//! `ROOT/imgtool/claims/<owner>/<hex>` is an empty file whose modification time is when the claim ends; `<owner>` is the
//! digest of the repository's name. A blob with a claim is not garbage: it was uploaded, and the manifest that needs it
//! is on its way. A claim that has ended still counts until [`Store::expire_claims`] removes it.

use std::collections::HashSet;
use std::fs::{self, OpenOptions};
use std::io;
use std::path::PathBuf;
use std::time::SystemTime;

use super::lease::entries;
use super::{Error, Guard, Store};
use crate::oci::Digest;

/// The folder below the store's own.
const CLAIMS: &str = "claims";

impl Store {
    /// Claims a blob for `owner` until that time, or later if it is claimed for longer already. Returns whether the store
    /// has the blob; if it has not, the claim holds all the same.
    pub fn claim(&self, owner: &str, digest: &Digest, until: SystemTime) -> Result<bool, Error> {
        let path = self.claim_path(owner, digest);
        let make = || {
            fs::create_dir_all(path.parent().unwrap_or(&self.root))?;
            let file = OpenOptions::new().write(true).create(true).truncate(false).open(&path)?;
            let new = file.metadata()?.modified()?.max(until);
            file.set_modified(new)
        };
        let _adding = self.lock_shared()?;
        make().map_err(Error::io(&path))?;
        Ok(self.has_blob(digest))
    }

    /// Whether `owner` claims a blob.
    pub fn has_claim(&self, owner: &str, digest: &Digest) -> bool {
        self.claim_path(owner, digest).is_file()
    }

    /// Ends a claim.
    pub fn drop_claim(&self, owner: &str, digest: &Digest) -> Result<bool, Error> {
        let path = self.claim_path(owner, digest);
        match fs::remove_file(&path) {
            Ok(()) => Ok(true),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
            Err(error) => Err(Error::io(&path)(error)),
        }
    }

    /// Removes claims that ended before `now`. The guard must be from [`Store::lock_exclusive`].
    pub fn expire_claims(&self, _alone: &Guard, now: SystemTime) -> Result<(), Error> {
        for folder in entries(&self.root.join("imgtool").join(CLAIMS))? {
            for path in entries(&folder)? {
                let until = path.metadata().and_then(|metadata| metadata.modified()).map_err(Error::io(&path))?;
                if until < now {
                    fs::remove_file(&path).map_err(Error::io(&path))?;
                }
            }
            // Only an empty one goes.
            let _ = fs::remove_dir(&folder);
        }
        Ok(())
    }

    /// All blobs with a claim.
    pub(super) fn claimed(&self) -> Result<HashSet<Digest>, Error> {
        let mut claimed = HashSet::new();
        for folder in entries(&self.root.join("imgtool").join(CLAIMS))? {
            let hex = |path: PathBuf| Digest::from_hex(path.file_name()?.to_str()?);
            claimed.extend(entries(&folder)?.into_iter().filter_map(hex));
        }
        Ok(claimed)
    }

    fn claim_path(&self, owner: &str, digest: &Digest) -> PathBuf {
        let owner = Digest::of(owner.as_bytes()).hex();
        self.root.join("imgtool").join(CLAIMS).join(owner).join(digest.hex())
    }
}
