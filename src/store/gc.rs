//! Garbage collection: deletes what no name leads to.

use std::collections::HashSet;
use std::fs::{self, File};
use std::io;
use std::path::Path;
use std::sync::Arc;

use super::{Catalog, CatalogEntry, Error, Guard, Links, StalePushes, Store};
use crate::image::{Blob, BlobSource as _, Error as ImageError, collect_from_unknown};
use crate::layout::{BLOBS, sync_folder};
use crate::oci::{Descriptor, Digest, MediaType};

/// The blobs that the names of a catalog lead to.
#[derive(Debug)]
pub struct Reachable {
    digests: HashSet<Digest>,
}

impl Reachable {
    /// Whether a blob is among them.
    pub(super) fn contains(&self, digest: &Digest) -> bool {
        self.digests.contains(digest)
    }
}

/// What was deleted.
#[derive(Debug, Default)]
pub struct Garbage {
    /// The blobs.
    pub blobs: Vec<Digest>,
    /// The number of bytes freed, including leftovers of killed processes.
    pub bytes: u64,
}

impl Store {
    /// The blobs that a catalog's names lead to. Of what is there, but is no image as it should be, all digests count
    /// that are mentioned in it. A manifest that is missing or damaged is an error, since the blobs that it needs are
    /// unknown.
    pub fn reachable(&self, catalog: &Catalog) -> Result<Reachable, Error> {
        let (links, mut digests) = (Links::default(), HashSet::new());
        for entry in catalog.entries() {
            if digests.insert(entry.descriptor.digest) {
                match self.documents(entry) {
                    Ok(tree) => tree.collect_digests(&mut digests),
                    Err(error) => self.add_mentioned(&links, entry, &mut digests)?.then_some(()).ok_or(error)?,
                }
            }
        }
        self.add_needs_of_unsupported(catalog, &mut digests)?;
        self.add_aliased(&mut digests)?;
        self.add_remembered(&mut digests)?;
        Ok(Reachable { digests })
    }

    /// The same from what is remembered of manifests: a server collects while others push.
    pub fn reachable_by(&self, links: &Links, catalog: &Catalog) -> Result<Reachable, Error> {
        let mut digests = HashSet::new();
        for entry in catalog.entries() {
            if !self.add_mentioned(links, entry, &mut digests)? {
                let missing = ImageError::Missing { what: "manifest", digest: entry.descriptor.digest };
                return Err(Error::Image { name: entry.to_string(), source: missing });
            }
        }
        self.add_needs_of_unsupported(catalog, &mut digests)?;
        self.add_aliased(&mut digests)?;
        self.add_remembered(&mut digests)?;
        Ok(Reachable { digests })
    }

    /// Adds an entry's manifest, and all digests that are mentioned in it and in the manifests below it. Returns whether
    /// it is there.
    fn add_mentioned(&self, links: &Links, entry: &CatalogEntry, digests: &mut HashSet<Digest>) -> Result<bool, Error> {
        let mut seen = HashSet::new();
        let mut rest = vec![entry.descriptor.digest];
        while let Some(digest) = rest.pop() {
            if !seen.insert(digest) {
                continue;
            }
            match links.of(self, &digest)? {
                Some(link) => {
                    digests.insert(digest);
                    digests.extend(&link.mentioned);
                    rest.extend(link.manifests.iter().map(|child| child.digest));
                }
                None if digest == entry.descriptor.digest => return Ok(false),
                None => {}
            }
        }
        Ok(true)
    }

    /// Adds what documents mention that are listed by a digest of another algorithm, as far as they can be read: their
    /// own blobs lie elsewhere, but what they need may lie among ours.
    fn add_needs_of_unsupported(&self, catalog: &Catalog, digests: &mut HashSet<Digest>) -> Result<(), Error> {
        let mut rest: Vec<Blob> =
            catalog.unsupported_digests().filter_map(|digest| self.unsupported_blob(digest)).collect();
        while let Some(blob) = rest.pop() {
            let mut mentioned = HashSet::new();
            collect_from_unknown(&blob, &mut mentioned);
            for digest in mentioned.into_iter().filter(|digest| digests.insert(*digest)) {
                let descriptor = Descriptor::new(MediaType::default(), digest, 0);
                let image_error = |source| Error::Image { name: digest.to_string(), source };
                rest.extend(self.open_blob(&descriptor).map_err(image_error)?);
            }
        }
        Ok(())
    }

    /// The blob `blobs/<algorithm>/<encoded>`, if it is there.
    fn unsupported_blob(&self, digest: &str) -> Option<Blob> {
        let (algorithm, encoded) = digest.split_once(':')?;
        let is_word =
            |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"+_=-".contains(&b));
        if !is_word(algorithm) || !is_word(encoded) {
            return None;
        }
        let path = self.root.join("blobs").join(algorithm).join(encoded);
        let metadata = path.symlink_metadata().ok().filter(std::fs::Metadata::is_file)?;
        let file = File::open(&path).ok()?;
        Some(Blob::range(Arc::new(file), 0, metadata.len()))
    }

    /// How many bytes [`Store::sweep`] would free after [`Store::expire_pushes`].
    pub fn garbage(&self, reachable: &Reachable, pushes: &StalePushes) -> Result<u64, Error> {
        let blobs: u64 = self.unneeded(reachable, Some(pushes))?.into_iter().map(|(_, size)| size).sum();
        Ok(blobs + self.abandoned()?.iter().map(|path| size_of(path)).sum::<u64>())
    }

    /// The blobs that nothing needs now, for [`Store::sweep_among`]; not those with a claim, but for claims that are
    /// stale.
    pub fn unneeded(&self, reachable: &Reachable, pushes: Option<&StalePushes>) -> Result<Vec<(Digest, u64)>, Error> {
        let leased = self.leased(pushes)?;
        let mut blobs = listed(&self.root.join(BLOBS))?;
        blobs.retain(|(digest, _)| !reachable.digests.contains(digest) && !leased.contains(digest));
        Ok(blobs)
    }

    /// Deletes those of some blobs that are unreachable, with their indexes. Blobs with a lease or a claim stay. The
    /// guard must be from [`Store::lock_exclusive`].
    pub fn sweep_among(&self, alone: &Guard, reachable: &Reachable, among: &[(Digest, u64)]) -> Result<Garbage, Error> {
        let leased = self.leased(None)?;
        let (blobs, layers) = (self.root.join(BLOBS), self.root.join("imgtool/layers"));
        let mut garbage = Garbage::default();
        for (digest, size) in among {
            if reachable.digests.contains(digest) || leased.contains(digest) {
                continue;
            }
            for path in [blobs.join(digest.hex()), layers.join(digest.hex())] {
                gone(fs::remove_file(&path)).map_err(Error::io(&path))?;
            }
            garbage.blobs.push(*digest);
            garbage.bytes += size;
        }
        if !garbage.blobs.is_empty() {
            sync_folder(&blobs).map_err(Error::io(&blobs))?;
            self.sweep_aliases(alone)?;
        }
        Ok(garbage)
    }

    /// Deletes all unreachable blobs, their indexes, and leftovers of killed processes. Blobs with a lease stay until a
    /// later run. The guard must be from [`Store::lock_exclusive`].
    pub fn sweep(&self, alone: &Guard, reachable: &Reachable) -> Result<Garbage, Error> {
        let mut garbage = self.sweep_among(alone, reachable, &listed(&self.root.join(BLOBS))?)?;
        let leased = self.leased(None)?;
        let is_garbage = |digest: &Digest| !reachable.digests.contains(digest) && !leased.contains(digest);
        let layers = self.root.join("imgtool/layers");
        for (digest, _) in listed(&layers)? {
            if is_garbage(&digest) {
                let path = layers.join(digest.hex());
                gone(fs::remove_file(&path)).map_err(Error::io(&path))?;
            }
        }
        self.sweep_aliases(alone)?;
        for path in self.abandoned()? {
            garbage.bytes += delete(&path)?;
        }
        Ok(garbage)
    }
}

/// The files of a folder whose names are digests, with their sizes; none if the folder is not there.
fn listed(folder: &Path) -> Result<Vec<(Digest, u64)>, Error> {
    let entries = match fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(Error::io(folder)(error)),
    };
    let mut found = Vec::new();
    for entry in entries {
        let entry = entry.map_err(Error::io(folder))?;
        if let Some(digest) = entry.file_name().to_str().and_then(Digest::from_hex) {
            found.push((digest, entry.metadata().map_err(Error::io(folder))?.len()));
        }
    }
    found.sort();
    Ok(found)
}

/// How many bytes a file has, or all files of a folder.
fn size_of(path: &Path) -> u64 {
    let entries = walkdir::WalkDir::new(path).into_iter().filter_map(Result::ok);
    let files = entries.filter(|entry| !entry.file_type().is_dir());
    files.map(|entry| entry.metadata().map_or(0, |metadata| metadata.len())).sum()
}

/// Deletes a file, or a folder with its content, and returns the number of bytes freed.
fn delete(path: &Path) -> Result<u64, Error> {
    let mut bytes = 0;
    for entry in walkdir::WalkDir::new(path).contents_first(true) {
        let Ok(entry) = entry else { continue };
        let path = entry.path();
        if entry.file_type().is_dir() {
            gone(fs::remove_dir(path)).map_err(Error::io(path))?;
        } else {
            bytes += entry.metadata().map_or(0, |metadata| metadata.len());
            gone(fs::remove_file(path)).map_err(Error::io(path))?;
        }
    }
    Ok(bytes)
}

/// A file that is already gone is fine; readers remove their own files.
fn gone(result: io::Result<()>) -> io::Result<()> {
    match result {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        other => other,
    }
}
