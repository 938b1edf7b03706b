//! Blobs that are also named by SHA-512.
//!
//! ```text
//! ROOT/imgtool/aliases/sha512/<hex>   has the SHA-256 of a blob, in hex
//! ROOT/imgtool/aliases/needs/<hex>    what a manifest needs, if it names anything by SHA-512: one SHA-256 a line
//! ```
//!
//! The store names all blobs by SHA-256, and whoever reads a manifest here finds only those names in it. So a manifest
//! that names something by SHA-512 has a list of all that it leads to, written before its own name is: what is in the list
//! is not garbage while the manifest is none. An alias goes with its blob, a list with its manifest.

use std::collections::{BTreeSet, HashSet};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use super::lease::entries;
use super::{Error, Guard, Store};
use crate::layout::Durable;
use crate::oci::Digest;

/// The folder below the store's own.
const ALIASES: &str = "aliases";
/// The longest list that is read, in bytes: a manifest has 4 MiB, and a digest there takes more than 65.
const MAX_LIST: u64 = 64 << 20;

impl Store {
    /// The blob with that SHA-512, in hex; none if it is not known.
    pub fn alias(&self, sha512: &str) -> Result<Option<Digest>, Error> {
        let is_hex = sha512.len() == 128 && sha512.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
        if !is_hex {
            return Ok(None);
        }
        let text = read(&self.alias_path("sha512", sha512))?;
        Ok(text.and_then(|text| Digest::from_hex(text.trim())))
    }

    /// Remembers the SHA-512 of a blob, in hex. It is on the disk when this returns.
    pub fn add_alias(&self, sha512: &str, digest: &Digest) -> Result<(), Error> {
        if self.alias(sha512)? == Some(*digest) {
            return Ok(());
        }
        let _adding = self.lock_shared()?;
        self.write_alias(&self.alias_path("sha512", sha512), digest.hex().as_bytes())
    }

    /// Remembers what a manifest needs that names something by SHA-512. It is on the disk when this returns. To be called
    /// while the manifest is published, which holds the lock under which nothing is deleted.
    pub fn add_needs(&self, manifest: &Digest, needs: &BTreeSet<Digest>) -> Result<(), Error> {
        let lines: String = needs.iter().map(|digest| digest.hex() + "\n").collect();
        self.write_alias(&self.alias_path("needs", &manifest.hex()), lines.as_bytes())
    }

    /// What a manifest needs, if it names something by SHA-512.
    pub fn needs(&self, manifest: &Digest) -> Result<Option<Vec<Digest>>, Error> {
        let text = read(&self.alias_path("needs", &manifest.hex()))?;
        Ok(text.map(|text| text.lines().filter_map(Digest::from_hex).collect()))
    }

    /// Adds what the manifests among `digests` need by SHA-512.
    pub(super) fn add_aliased(&self, digests: &mut HashSet<Digest>) -> Result<(), Error> {
        for path in entries(&self.alias_path("needs", ""))? {
            // A list is of all that its manifest leads to, so that no second look is needed.
            let manifest = path.file_name().and_then(|name| Digest::from_hex(name.to_str()?));
            if let Some(manifest) = manifest.filter(|manifest| digests.contains(manifest)) {
                digests.extend(self.needs(&manifest)?.unwrap_or_default());
            }
        }
        Ok(())
    }

    /// Removes the aliases and lists of blobs that are gone. The guard must be from [`Store::lock_exclusive`].
    pub(super) fn sweep_aliases(&self, _alone: &Guard) -> Result<(), Error> {
        for path in entries(&self.alias_path("sha512", ""))? {
            let blob = read(&path)?.and_then(|text| Digest::from_hex(text.trim()));
            self.forget_unless(&path, blob)?;
        }
        for path in entries(&self.alias_path("needs", ""))? {
            let manifest = path.file_name().and_then(|name| Digest::from_hex(name.to_str()?));
            self.forget_unless(&path, manifest)?;
        }
        Ok(())
    }

    fn forget_unless(&self, path: &Path, blob: Option<Digest>) -> Result<(), Error> {
        if blob.is_some_and(|blob| self.has_blob(&blob)) {
            return Ok(());
        }
        match fs::remove_file(path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(Error::io(path)(error)),
            _ => Ok(()),
        }
    }

    fn write_alias(&self, path: &Path, bytes: &[u8]) -> Result<(), Error> {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        let draft = format!("alias-{}-{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
        let draft = self.private_folder("tmp")?.join(draft);
        // Left over from a process of the same number.
        let _ = fs::remove_file(&draft);
        let write = || {
            path.parent().map_or(Ok(()), fs::create_dir_all)?;
            Durable::replace(path, draft, bytes, &self.job)
        };
        write().map_err(Error::io(path))
    }

    fn alias_path(&self, kind: &str, name: &str) -> PathBuf {
        self.root.join("imgtool").join(ALIASES).join(kind).join(name)
    }
}

/// The text of a file; none if it is not there, or too long to be one of ours.
fn read(path: &Path) -> Result<Option<String>, Error> {
    match path.metadata() {
        Ok(metadata) if metadata.len() > MAX_LIST => return Ok(None),
        Ok(_) => {}
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(Error::io(path)(error)),
    }
    match fs::read_to_string(path) {
        Ok(text) => Ok(Some(text)),
        Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::InvalidData) => Ok(None),
        Err(error) => Err(Error::io(path)(error)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_alias_and_a_list_go_with_what_they_are_of() {
        let folder = tempfile::tempdir().expect("a folder");
        let store = Store::new(folder.path().to_owned());
        let (blob, manifest, gone) = (Digest::of(b"blob"), Digest::of(b"manifest"), Digest::of(b"gone"));
        let blobs = folder.path().join(crate::layout::BLOBS);
        fs::create_dir_all(&blobs).expect("a folder");
        for digest in [&blob, &manifest] {
            fs::write(blobs.join(digest.hex()), "x").expect("a blob");
        }
        let (one, two) = ("a".repeat(128), "b".repeat(128));
        store.add_alias(&one, &blob).expect("kept");
        store.add_alias(&two, &gone).expect("kept");
        store.add_needs(&manifest, &BTreeSet::from([blob])).expect("kept");
        store.add_needs(&gone, &BTreeSet::from([blob])).expect("kept");
        let mut digests = HashSet::from([manifest]);
        store.add_aliased(&mut digests).expect("read");
        assert_eq!(digests, HashSet::from([manifest, blob]));
        fs::write(folder.path().join("index.json"), r#"{"schemaVersion":2,"manifests":[]}"#).expect("a file");
        fs::write(folder.path().join("oci-layout"), r#"{"imageLayoutVersion":"1.0.0"}"#).expect("a file");
        let alone = store.lock_exclusive().expect("a lock");
        store.sweep_aliases(&alone).expect("swept");
        assert_eq!(store.alias(&one).expect("read"), Some(blob));
        assert_eq!(store.alias(&two).expect("read"), None);
        assert_eq!(store.alias("../../index.json").expect("no digest"), None);
        assert_eq!(store.needs(&manifest).expect("read"), Some(vec![blob]));
        assert_eq!(store.needs(&gone).expect("read"), None);
    }
}
