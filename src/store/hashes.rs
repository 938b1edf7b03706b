//! What is remembered of contents that builds copied, so that a file that did not change is not read again. All of it
//! may be lost: then files are read.
//!
//! ```text
//! ROOT/imgtool/build/contents    magic, then for each content 16 bytes that identify it and 32 of its digest,
//!                                sorted; a checksum of all of it
//! ```
//!
//! A file is identified by its device, inode, size, mtime and ctime, all of which the caller hashes. A file that was
//! changed as recently as it was read is not remembered: a change after that might not show, as in git's index.

use std::collections::HashMap;
use std::fs;
use std::io::{self, Write as _};
use std::os::fd::AsFd as _;
use std::path::PathBuf;

use super::{Error, Store};
use crate::layer::{Checksum, Mtime};
use crate::oci::Digest;
use crate::rootfs::FreshStat;

const MAGIC: &[u8; 20] = b"imgtool-contents 1\n\0";
const RECORD: usize = 48;
const CHECKSUM: usize = 16;
/// The most contents that are remembered; what was not asked for is forgotten first.
const MOST: usize = 500_000;
/// How much older than the reading a change must be: more than the grain of any file system's clock.
const GRAIN: u32 = 20_000_000;

/// Identifies a content without reading it.
pub type ContentKey = [u8; 16];

/// The digests of contents that were read before.
pub struct ContentHashes {
    folder: PathBuf,
    known: HashMap<ContentKey, Known>,
    is_changed: bool,
}

struct Known {
    digest: [u8; 32],
    is_used: bool,
}

impl Store {
    /// What is remembered of contents; nothing, if it cannot be read.
    pub fn content_hashes(&self) -> Result<ContentHashes, Error> {
        let folder = self.private_folder("build")?;
        let known = fs::read(folder.join("contents")).ok().and_then(|bytes| parse(&bytes)).unwrap_or_default();
        Ok(ContentHashes { folder, known, is_changed: false })
    }
}

impl ContentHashes {
    /// The digest of a content, if it is remembered.
    pub fn get(&mut self, key: &ContentKey) -> Option<Digest> {
        let known = self.known.get_mut(key)?;
        known.is_used = true;
        Some(Digest::from_bytes(known.digest))
    }

    /// Remembers the digest of a content.
    pub fn put(&mut self, key: ContentKey, digest: &Digest) {
        self.known.insert(key, Known { digest: *digest.as_bytes(), is_used: true });
        self.is_changed = true;
    }

    /// The time by the clock of the store's file system: a file that changed before it can be read and remembered.
    pub fn settled(&self) -> io::Result<Mtime> {
        let file = tempfile::tempfile_in(&self.folder)?;
        let now = FreshStat::of(file.as_fd())?.stat.ctime;
        let (seconds, nanos) = match now.nanos.checked_sub(GRAIN) {
            Some(nanos) => (now.seconds, nanos),
            None => (now.seconds - 1, now.nanos + 1_000_000_000 - GRAIN),
        };
        Ok(Mtime { seconds, nanos })
    }

    /// Writes what is remembered, if that changed. If it cannot be written, files are read again the next time.
    pub fn save(&mut self) {
        if !std::mem::take(&mut self.is_changed) {
            return;
        }
        let is_full = self.known.len() > MOST;
        let mut records: Vec<(&ContentKey, &Known)> =
            self.known.iter().filter(|(_, known)| known.is_used || !is_full).collect();
        records.truncate(MOST);
        records.sort_unstable_by_key(|(key, _)| **key);
        let mut bytes = Vec::with_capacity(MAGIC.len() + records.len() * RECORD + CHECKSUM);
        bytes.extend_from_slice(MAGIC);
        for (key, known) in records {
            bytes.extend_from_slice(key);
            bytes.extend_from_slice(&known.digest);
        }
        let checksum = Checksum::of(&bytes);
        bytes.extend_from_slice(&checksum.to_bytes());
        let Ok(mut file) = tempfile::NamedTempFile::new_in(&self.folder) else { return };
        if file.write_all(&bytes).is_ok() {
            let _ = file.persist(self.folder.join("contents"));
        }
    }
}

fn parse(bytes: &[u8]) -> Option<HashMap<ContentKey, Known>> {
    let (body, checksum) = bytes.split_at_checked(bytes.len().checked_sub(CHECKSUM)?)?;
    let records = body.strip_prefix(MAGIC)?;
    let is_whole = Checksum::of(body).to_bytes() == checksum && records.len() % RECORD == 0;
    let record = |record: &[u8]| {
        let key = record[..16].try_into().ok()?;
        Some((key, Known { digest: record[16..].try_into().ok()?, is_used: false }))
    };
    is_whole.then(|| records.chunks_exact(RECORD).filter_map(record).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digests_are_remembered_and_damage_forgets_them() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let store = Store::new(folder.path().join("store"));
        let mut hashes = store.content_hashes().expect("a store");
        let digest = Digest::of(b"content");
        assert_eq!(hashes.get(&[1; 16]), None);
        hashes.put([1; 16], &digest);
        hashes.put([0; 16], &Digest::of(b"other"));
        hashes.save();
        let mut again = store.content_hashes().expect("a store");
        assert_eq!(again.get(&[1; 16]), Some(digest));
        assert_eq!(again.get(&[2; 16]), None);
        let path = folder.path().join("store/imgtool/build/contents");
        let mut bytes = fs::read(&path).expect("a file");
        bytes[40] ^= 1;
        fs::write(&path, bytes).expect("a file");
        assert_eq!(store.content_hashes().expect("a store").get(&[1; 16]), None);
    }
}
