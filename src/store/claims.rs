//! Claims: blobs that a repository of the server has, though none of its manifests needs them yet.
//!
//! `ROOT/imgtool/claims/<owner>/<hex>` is an empty file whose modification time is when the claim ends; `<owner>` is the
//! digest of the repository's name. A blob with a claim is not garbage: a client uploaded it, mounted it or was told that
//! it is there, and the manifest that needs it is on its way. A claim that has ended still counts until
//! [`Store::expire_pushes`] removes it, under the store's exclusive lock; claims are made under the shared one, so a blob
//! is either gone before its claim is made, and the client is told, or it stays.

use std::collections::HashSet;
use std::fs::{self, OpenOptions};
use std::io;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use super::lease::entries;
use super::pushes::{CLAIM, StalePushes};
use super::{Error, Guard, Store};
use crate::layout::sync_folder;
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

    /// The same for a blob that a client was told of once more: nothing is written while a claim has long to go.
    pub fn claim_again(&self, owner: &str, digest: &Digest, now: SystemTime) -> Result<bool, Error> {
        let until = self.claim_path(owner, digest).metadata().and_then(|metadata| metadata.modified());
        if until.is_ok_and(|until| until > now + CLAIM / 2) {
            return Ok(self.has_blob(digest));
        }
        self.claim(owner, digest, now + CLAIM)
    }

    /// Makes the claims of an owner last a power failure.
    pub(super) fn sync_claims(&self, owner: &str) -> Result<(), Error> {
        let folder = self.claims_of(owner);
        sync_folder(&folder).map_err(Error::io(&folder))
    }

    /// Whether `owner` claims a blob.
    pub fn has_claim(&self, owner: &str, digest: &Digest) -> bool {
        self.claim_path(owner, digest).is_file()
    }

    /// Whether `owner` claims any blob.
    pub fn has_claims(&self, owner: &str) -> Result<bool, Error> {
        let folder = self.root.join("imgtool").join(CLAIMS).join(Digest::of(owner.as_bytes()).hex());
        Ok(!entries(&folder)?.is_empty())
    }

    /// Whether anybody claims a blob.
    pub fn is_claimed(&self, digest: &Digest) -> Result<bool, Error> {
        let owners = entries(&self.root.join("imgtool").join(CLAIMS))?;
        Ok(owners.into_iter().any(|owner| owner.join(digest.hex()).is_file()))
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

    /// Removes claims that end before that time. The guard must be from [`Store::lock_exclusive`].
    pub(super) fn expire_claims(&self, _alone: &Guard, before: SystemTime) -> Result<(), Error> {
        for folder in entries(&self.root.join("imgtool").join(CLAIMS))? {
            for path in entries(&folder)? {
                if ends(&path)?.is_some_and(|until| until < before) {
                    let _ = fs::remove_file(&path);
                }
            }
            // Only an empty one goes.
            let _ = fs::remove_dir(&folder);
        }
        Ok(())
    }

    /// How many claims end before that time.
    pub(super) fn stale_claims(&self, before: SystemTime) -> Result<usize, Error> {
        let mut stale = 0;
        for folder in entries(&self.root.join("imgtool").join(CLAIMS))? {
            for path in entries(&folder)? {
                stale += usize::from(ends(&path)?.is_some_and(|until| until < before));
            }
        }
        Ok(stale)
    }

    /// All blobs with a claim that is not stale.
    pub(super) fn claimed(&self, stale: Option<&StalePushes>) -> Result<HashSet<Digest>, Error> {
        let mut claimed = HashSet::new();
        for folder in entries(&self.root.join("imgtool").join(CLAIMS))? {
            for path in entries(&folder)? {
                let digest = path.file_name().and_then(|name| Digest::from_hex(name.to_str()?));
                let is_stale = match stale {
                    Some(stale) => ends(&path)?.is_none_or(|until| until < stale.claims),
                    None => false,
                };
                claimed.extend(digest.filter(|_| !is_stale));
            }
        }
        Ok(claimed)
    }

    fn claims_of(&self, owner: &str) -> PathBuf {
        self.root.join("imgtool").join(CLAIMS).join(Digest::of(owner.as_bytes()).hex())
    }

    fn claim_path(&self, owner: &str, digest: &Digest) -> PathBuf {
        self.claims_of(owner).join(digest.hex())
    }
}

/// When a claim ends; none if it is gone.
fn ends(path: &Path) -> Result<Option<SystemTime>, Error> {
    match path.metadata().and_then(|metadata| metadata.modified()) {
        Ok(until) => Ok(Some(until)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(Error::io(path)(error)),
    }
}
