//! Adds images to a layout that other tools read, and perhaps write, too.
//!
//! Blobs come first, each whole and durable before it gets its name; `index.json` is replaced last. Who writes with
//! this holds a lock on the folder, so that two writers do not lose each other's entries; readers need none.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use super::write::{Durable, create_skeleton, sync_folder};
use super::{BLOBS, Error, INDEX_FILE, LAYOUT_FILE, Layout, PRIVATE};
use crate::cancel::Token;
use crate::image::copy::{Moved, land, send};
use crate::image::outgoing::OutgoingPart;
use crate::oci::{ANNOTATION_IMAGE_NAME, ANNOTATION_REF_NAME, Descriptor, Index, MediaType, go_json};

/// A layout that images are added to.
#[derive(Debug)]
pub struct LayoutWriter {
    root: PathBuf,
    job: Token,
    /// The folder itself, locked.
    _lock: File,
    next: AtomicU64,
    /// Whether the folder was made for this.
    is_new: bool,
}

impl LayoutWriter {
    /// Opens the layout in the folder `root`, or makes one where nothing is yet. Waits for other writers.
    pub fn open(root: &Path, job: &Token) -> Result<Self, Error> {
        let failed = |source| Error::Io { path: root.to_owned(), source };
        let is_new = match fs::create_dir(root) {
            Ok(()) => true,
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => false,
            Err(error) => return Err(failed(error)),
        };
        let lock = File::open(root).map_err(failed)?;
        lock.lock().map_err(failed)?;
        let writer = Self { root: root.to_owned(), job: job.clone(), _lock: lock, next: AtomicU64::new(0), is_new };
        writer.check()?;
        create_skeleton(root, writer.draft_path(), job).map_err(failed)?;
        Ok(writer)
    }

    /// Whether images may be added here: to a layout, or to a folder in which nothing is.
    fn check(&self) -> Result<(), Error> {
        let path = &self.root;
        if path.join(PRIVATE).is_dir() {
            return Err(Error::IsStore { path: path.clone() });
        }
        if path.join(INDEX_FILE).exists() {
            return Layout::open(path)?.index().map(drop);
        }
        let mut inside = fs::read_dir(path).map_err(|source| Error::Io { path: path.clone(), source })?;
        if path.join(LAYOUT_FILE).exists() || inside.next().is_none() {
            return Ok(());
        }
        Err(Error::NoLayout { path: path.clone() })
    }

    /// Puts a blob or document into the layout, unless it is there. It has to be what its descriptor says.
    pub fn put(&self, part: &OutgoingPart, moved: Moved<'_>) -> Result<(), Error> {
        let Descriptor { digest: expected, size, .. } = part.descriptor;
        let target = self.root.join(BLOBS).join(expected.hex());
        if fs::symlink_metadata(&target).is_ok_and(|found| found.is_file() && found.len() == size) {
            moved(size);
            return Ok(());
        }
        let failed = |source| Error::Io { path: target.clone(), source };
        let draft = Durable::create(self.draft_path(), &self.job).map_err(failed)?;
        let actual = match part.as_stored().filter(|blob| blob.is_range()) {
            Some(blob) => land(blob, draft.file(), moved),
            None => part.open().and_then(|mut stream| send(&mut stream, &mut draft.file(), moved)).map(|sent| sent.0),
        };
        let actual = actual.map_err(|source| Error::Part { what: part.shown(), source })?;
        let length = draft.file().metadata().map_err(failed)?.len();
        if actual != expected || length != size {
            return Err(Error::Digest { what: part.shown(), expected, actual });
        }
        draft.settled().and_then(|draft| draft.publish(&target)).map_err(failed)
    }

    /// Lists images. One takes the place of another that has its name; entries of other names stay as they are.
    pub fn finish(mut self, images: Vec<Descriptor>) -> Result<(), Error> {
        let path = self.root.join(INDEX_FILE);
        let failed = |source| Error::Io { path: path.clone(), source };
        sync_folder(&self.root.join(BLOBS)).map_err(failed)?;
        let mut index = if path.exists() {
            Layout::open(&self.root)?.index()?
        } else {
            Index::new(MediaType::OCI_INDEX, Vec::new())
        };
        for image in images {
            let takes_place = |other: &Descriptor| is_same_name(other, &image) || is_same_image(other, &image);
            index.manifests.retain(|other| !takes_place(other));
            index.manifests.push(image);
        }
        self.job.finish().map_err(failed)?;
        Durable::replace(&path, self.draft_path(), &go_json::to_vec(&index), &self.job).map_err(failed)?;
        self.is_new = false;
        Ok(())
    }

    /// A path for a file that is not complete yet.
    fn draft_path(&self) -> PathBuf {
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        self.root.join(format!(".imgtool-{}-{number}", std::process::id()))
    }
}

impl Drop for LayoutWriter {
    /// A folder that was made in vain goes again; what has come into it stays, for the next attempt.
    fn drop(&mut self) {
        if self.is_new && fs::remove_dir(self.root.join(BLOBS)).is_ok() {
            let _ = fs::remove_dir(self.root.join("blobs"));
            let _ = fs::remove_file(self.root.join(LAYOUT_FILE));
            let _ = fs::remove_dir(&self.root);
        }
    }
}

/// Whether two entries have the same name: that of docker if both have it, else the text by which skopeo knows them.
fn is_same_name(one: &Descriptor, other: &Descriptor) -> bool {
    let both = |key| Some((one.annotation(key)?, other.annotation(key)?));
    match both(ANNOTATION_IMAGE_NAME).or_else(|| both(ANNOTATION_REF_NAME)) {
        Some((one, other)) => one == other,
        None => false,
    }
}

/// Whether two entries without names lead to the same.
fn is_same_image(one: &Descriptor, other: &Descriptor) -> bool {
    let name = |entry: &Descriptor| {
        entry.annotation(ANNOTATION_IMAGE_NAME).or(entry.annotation(ANNOTATION_REF_NAME)).is_some()
    };
    !name(one) && !name(other) && one.digest == other.digest
}
