//! Tars from outside that become layers, byte for byte.

use std::collections::BTreeSet;
use std::fs::File;
use std::io::Read;
use std::path::Path;
use std::sync::Arc;

use super::Error;
use crate::image::{Blob, Progress};
use crate::layer::writer::padding;
use crate::layer::{Entry, EntryPath, SparseMap, TarError};
use crate::oci::{DiffId, Digest};
use crate::store::{self, Quarantine, VerifiedLayer};

/// Whether a tar may hide files of layers below.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Whiteouts {
    /// It is a layer.
    Allowed,
    /// It is a whole root file system.
    Refused,
}

/// Keeps the tar in a file, compressed or not.
pub fn keep_file(
    quarantine: &Quarantine,
    path: &Path,
    label: &str,
    progress: &dyn Progress,
) -> Result<VerifiedLayer, Error> {
    let (mut file, what) = (open(path)?, path.display().to_string());
    let metadata = file.metadata().map_err(|source| Error::Open { path: path.to_owned(), source })?;
    if !metadata.is_file() {
        return keep_stream(quarantine, &mut file, &what, label, None, progress);
    }
    start(label, Some(metadata.len()), progress);
    let blob = Blob::range(Arc::new(file), 0, metadata.len());
    let kept = quarantine.keep_layer(&blob, true, &what, &|bytes| progress.advance(0, bytes))?;
    progress.finish(0, "");
    Ok(kept)
}

/// Keeps a tar that is read once, compressed or not.
pub fn keep_stream(
    quarantine: &Quarantine,
    stream: &mut (dyn Read + Send),
    what: &str,
    label: &str,
    size: Option<u64>,
    progress: &dyn Progress,
) -> Result<VerifiedLayer, Error> {
    start(label, size, progress);
    let kept = quarantine.keep_layer_once(stream, what, &|bytes| progress.advance(0, bytes))?;
    progress.finish(0, "");
    Ok(kept)
}

fn start(label: &str, size: Option<u64>, progress: &dyn Progress) {
    progress.total(size);
    progress.start(0, label, size);
}

fn open(path: &Path) -> Result<File, Error> {
    if path.is_dir() {
        return Err(Error::Folder { path: path.to_owned() });
    }
    File::open(path).map_err(|source| Error::Open { path: path.to_owned(), source })
}

/// Checks that this is the tar of files, and all of it. Where its hard links lead is not checked.
pub fn check(quarantine: &Quarantine, layer: &VerifiedLayer, what: &str, whiteouts: Whiteouts) -> Result<(), Error> {
    let diff_id = layer.diff_id;
    // Docker makes an image of empty input; but it is what a pipe gives whose writer failed.
    if diff_id == DiffId::new(Digest::of(b"")) {
        return Err(Error::Nothing { what: what.to_owned() });
    }
    let size = quarantine.summary(&layer.digest).map_err(|source| Error::LayerIndex { diff_id, source })?.tar_size;
    let mut end = 0;
    let mut marks = Marks::default();
    for entry in quarantine.entries(&layer.digest).map_err(|source| Error::LayerIndex { diff_id, source })? {
        let entry = entry.map_err(|source| Error::LayerIndex { diff_id, source })?;
        if whiteouts == Whiteouts::Refused && entry.whiteout().is_some() {
            return Err(Error::WhiteoutInRootfs { what: what.to_owned(), path: entry.path.to_string() });
        }
        marks.look(&entry.path);
        end = end.max(end_of(&entry));
    }
    // Padding that is left out does no harm where a digest shows that nothing else is. Nothing does here. What follows
    // the end marks may have any length.
    if padding(size) > 0 && size < end.saturating_add(END_MARKS) {
        let source = TarError::Truncated { offset: size, least: size + padding(size) as u64 }.into();
        return Err(store::Error::Layer { what: what.to_owned(), source }.into());
    }
    if let Some(member) = marks.archive() {
        return Err(Error::NotARootfs { what: what.to_owned(), member });
    }
    Ok(())
}

/// The two blocks of zeros at the end of a tar, in bytes.
const END_MARKS: u64 = 1024;

/// Where the content of an entry ends in its tar, with its padding.
fn end_of(entry: &Entry) -> u64 {
    let of_segments = |map: &SparseMap| map.segments.iter().fold(0, |sum: u64, part| sum.saturating_add(part.length));
    let stored = entry.sparse.as_ref().map_or(entry.size, of_segments);
    let end = entry.content_offset.saturating_add(stored);
    end.saturating_add(padding(end) as u64)
}

/// Tells an image archive from a root file system: by two members that no root has.
#[derive(Default)]
struct Marks(BTreeSet<&'static str>);

/// Stands for all members that are layers, or other blobs.
const BLOB: &str = "blobs";

impl Marks {
    fn look(&mut self, path: &EntryPath) {
        let path = path.as_bytes();
        let names = ["manifest.json", "repositories", "oci-layout", "index.json"];
        let name = names.into_iter().find(|name| name.as_bytes() == path);
        self.0.extend(name.or_else(|| has_digest(path).then_some(BLOB)));
    }

    /// The member that shows that this is an image archive.
    fn archive(&self) -> Option<&'static str> {
        let pairs = [("oci-layout", "index.json"), ("manifest.json", BLOB), ("repositories", BLOB)];
        pairs.into_iter().find(|(one, other)| self.0.contains(one) && self.0.contains(other)).map(|(one, _)| one)
    }
}

/// Whether a path begins like a member of an image archive: a digest's 64 hexadecimal digits, or `blobs/sha256`.
fn has_digest(path: &[u8]) -> bool {
    let is_hex = |digits: &[u8]| digits.iter().all(u8::is_ascii_hexdigit);
    let name = path.strip_prefix(b"sha256:").unwrap_or(path);
    name.get(..64).is_some_and(is_hex) || path.starts_with(b"blobs/sha256/") || path.ends_with(b"/layer.tar")
}
