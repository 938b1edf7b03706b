//! The files in a layout's folder. Blobs are opened lazily, and few at a time.
//!
//! A blob is found by its digest with one `stat`; its file is opened at the first read. The most recently read files
//! stay open, at most [`KEPT_OPEN`] of them, however many layers an image has.

use std::collections::VecDeque;
use std::fs::File;
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use rustix::fs::{AtFlags, FileType, Mode, OFlags, ResolveFlags};
use rustix::io::Errno;

use super::BLOBS;
use crate::image::{Blob, OpenFile};
use crate::oci::Digest;

/// How many files stay open: more than there are reading threads, and far fewer than a process may open.
const KEPT_OPEN: usize = 16;

/// The folder of a layout.
#[derive(Debug)]
pub(super) struct BlobFolder {
    root: PathBuf,
    handle: OwnedFd,
    blobs: OnceLock<OwnedFd>,
    open: Mutex<VecDeque<(Digest, Arc<File>)>>,
}

impl BlobFolder {
    pub(super) fn open(root: &Path) -> io::Result<Self> {
        let flags = OFlags::DIRECTORY | OFlags::RDONLY | OFlags::CLOEXEC;
        let handle = rustix::fs::open(root, flags, Mode::empty())?;
        Ok(Self { root: root.to_owned(), handle, blobs: OnceLock::new(), open: Mutex::default() })
    }

    pub(super) fn root(&self) -> &Path {
        &self.root
    }

    /// Whether the path still leads to this folder.
    pub(super) fn is_current(&self) -> bool {
        let place = |stat: rustix::fs::Stat| (stat.st_dev, stat.st_ino);
        let here = rustix::fs::fstat(&self.handle).map(place);
        here.is_ok() && here == rustix::fs::stat(&self.root).map(place)
    }

    /// Opens a regular file below the folder; `None` if it does not exist.
    pub(super) fn file(&self, name: &str) -> io::Result<Option<(File, u64)>> {
        // NONBLOCK, so that a FIFO in place of a blob is an error and does not block.
        let file = match self.open_beneath(name, OFlags::RDONLY | OFlags::NONBLOCK) {
            Ok(fd) => File::from(fd),
            Err(Errno::NOENT | Errno::NOTDIR) => return Ok(None),
            Err(errno) => return Err(errno.into()),
        };
        let metadata = file.metadata()?;
        if metadata.is_file() { Ok(Some((file, metadata.len()))) } else { Err(not_a_file()) }
    }

    /// Finds a blob without opening it; `None` if it does not exist.
    pub(super) fn blob(self: &Arc<Self>, digest: &Digest) -> io::Result<Option<Blob>> {
        let Some(blobs) = self.blobs()? else { return Ok(None) };
        let stat = match rustix::fs::statat(blobs, digest.hex(), AtFlags::SYMLINK_NOFOLLOW) {
            Err(Errno::NOENT) => return Ok(None),
            found => found?,
        };
        let size = match FileType::from_raw_mode(stat.st_mode) {
            FileType::RegularFile => u64::try_from(stat.st_size).map_err(io::Error::other)?,
            // Opening it tells whether the link leads out of the layout.
            FileType::Symlink => match self.file(&name_of_blob(digest))? {
                Some((_, size)) => size,
                None => return Ok(None),
            },
            _ => return Err(not_a_file()),
        };
        let late = LateFile { folder: Arc::clone(self), digest: *digest };
        Ok(Some(Blob::named(*digest, size, Arc::new(late))))
    }

    /// The folder of blobs; `None` if there is none yet.
    fn blobs(&self) -> io::Result<Option<&OwnedFd>> {
        if self.blobs.get().is_none() {
            match self.open_beneath(BLOBS, OFlags::PATH | OFlags::DIRECTORY) {
                Ok(folder) => {
                    // Another thread may have set it first.
                    let _ = self.blobs.set(folder);
                }
                Err(Errno::NOENT | Errno::NOTDIR) => {}
                Err(errno) => return Err(errno.into()),
            }
        }
        Ok(self.blobs.get())
    }

    fn open_beneath(&self, name: &str, flags: OFlags) -> Result<OwnedFd, Errno> {
        let flags = flags | OFlags::CLOEXEC;
        let inside = ResolveFlags::BENEATH | ResolveFlags::NO_MAGICLINKS;
        match rustix::fs::openat2(&self.handle, name, flags, Mode::empty(), inside) {
            // Kernels before 5.6 and some sandboxes lack openat2: there, a symbolic link as the last component is
            // refused.
            Err(Errno::NOSYS | Errno::PERM) => {
                rustix::fs::openat(&self.handle, name, flags | OFlags::NOFOLLOW, Mode::empty())
            }
            result => result,
        }
    }
}

/// The path of a blob, relative to the layout's folder.
pub(super) fn name_of_blob(digest: &Digest) -> String {
    format!("{BLOBS}/{}", digest.hex())
}

fn not_a_file() -> io::Error {
    io::Error::new(io::ErrorKind::InvalidInput, "not a regular file")
}

/// The file of a blob, opened lazily.
struct LateFile {
    folder: Arc<BlobFolder>,
    digest: Digest,
}

impl OpenFile for LateFile {
    fn open_file(&self) -> io::Result<Arc<File>> {
        let mut open = self.folder.open.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(place) = open.iter().position(|(digest, _)| *digest == self.digest) {
            let (digest, file) = open.remove(place).expect("it was just found");
            // A damaged file may have been deleted and replaced by an intact one.
            if file.metadata()?.nlink() > 0 {
                open.push_back((digest, Arc::clone(&file)));
                return Ok(file);
            }
        }
        let name = name_of_blob(&self.digest);
        let named = |error: io::Error| {
            io::Error::new(error.kind(), format!("{}: {error}", self.folder.root.join(&name).display()))
        };
        let found = self.folder.file(&name).map_err(named)?;
        let (file, _) = found.ok_or_else(|| named(io::ErrorKind::NotFound.into()))?;
        let file = Arc::new(file);
        if open.len() == KEPT_OPEN {
            open.pop_front();
        }
        open.push_back((self.digest, Arc::clone(&file)));
        Ok(file)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A layout with this many blobs, and their digests.
    fn layout(blobs: usize) -> (tempfile::TempDir, Arc<BlobFolder>, Vec<Digest>) {
        let root = tempfile::tempdir().expect("a folder");
        std::fs::create_dir_all(root.path().join(BLOBS)).expect("a folder");
        let put = |at: usize| {
            let bytes = at.to_string();
            let digest = Digest::of(bytes.as_bytes());
            std::fs::write(root.path().join(name_of_blob(&digest)), bytes).expect("a write");
            digest
        };
        let digests = (0..blobs).map(put).collect();
        let folder = Arc::new(BlobFolder::open(root.path()).expect("a folder"));
        (root, folder, digests)
    }

    #[test]
    fn a_blob_that_is_found_is_not_open() {
        let (root, folder, digests) = layout(1);
        let blob = folder.blob(&digests[0]).expect("readable").expect("there");
        assert_eq!(blob.size(), 1);
        std::fs::remove_file(root.path().join(name_of_blob(&digests[0]))).expect("it is there");
        let error = blob.open().map(drop).expect_err("nobody had opened it");
        assert_eq!(error.kind(), io::ErrorKind::NotFound);
        assert!(error.to_string().contains(&digests[0].hex()), "{error}");
    }

    #[test]
    fn few_files_are_open_however_many_are_read() {
        let (_root, folder, digests) = layout(3 * KEPT_OPEN);
        for (at, digest) in digests.iter().enumerate() {
            let blob = folder.blob(digest).expect("readable").expect("there");
            assert_eq!(blob.read_all(100).expect("the bytes"), at.to_string().into_bytes());
        }
        let open = folder.open.lock().expect("no thread has failed");
        assert_eq!(open.len(), KEPT_OPEN);
        assert!(open.iter().all(|(_, file)| Arc::strong_count(file) == 1), "nobody else keeps them open");
    }

    #[test]
    fn a_file_that_was_replaced_is_opened_anew() {
        let (root, folder, digests) = layout(1);
        let blob = folder.blob(&digests[0]).expect("readable").expect("there");
        assert_eq!(blob.read_all(1).expect("the bytes"), b"0");
        let path = root.path().join(name_of_blob(&digests[0]));
        std::fs::remove_file(&path).expect("it is there");
        std::fs::write(&path, "x").expect("a write");
        assert_eq!(blob.read_all(1).expect("the bytes"), b"x");
    }
}
