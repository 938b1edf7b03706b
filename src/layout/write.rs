//! Files of a layout are complete and durable before they get their name.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use crate::cancel::{Draft, Token};

use super::{BLOBS, LAYOUT_FILE, LAYOUT_VERSION};

/// A temporary file next to its final place. Dropped without [`Durable::publish`], it is deleted.
#[must_use = "a file that is not published is deleted"]
#[derive(Debug)]
pub struct Durable {
    file: Option<File>,
    path: PathBuf,
    published: bool,
    draft: Draft,
}

impl Durable {
    /// Creates an empty file of a job at `path`, which must be on the file system of its final place. Readable by
    /// everyone, subject to the umask.
    pub fn create(path: PathBuf, job: &Token) -> io::Result<Self> {
        let (file, draft) = Draft::create(job, || {
            let file = OpenOptions::new().read(true).write(true).create_new(true).mode(0o644).open(&path)?;
            Ok((file, path.clone()))
        })?;
        Ok(Self { file: Some(file), path, published: false, draft })
    }

    /// Gives a file that is complete and synced a second name, at `path`; it cannot be written.
    pub fn linked(from: &Path, path: PathBuf, job: &Token) -> io::Result<Self> {
        let ((), draft) = Draft::create(job, || {
            fs::hard_link(from, &path)?;
            Ok(((), path.clone()))
        })?;
        Ok(Self { file: None, path, published: false, draft })
    }

    /// The file, writable until it is settled.
    pub fn file(&self) -> &File {
        self.file.as_ref().expect("a draft is not written after it was settled")
    }

    /// The temporary path.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Syncs the file to disk and closes it.
    pub fn settled(mut self) -> io::Result<Self> {
        if let Some(file) = self.file.take() {
            file.sync_all()?;
        }
        Ok(self)
    }

    /// Renames the file to `target`, replacing any existing file. It must be settled before, and the folder synced
    /// after.
    pub fn publish(mut self, target: &Path) -> io::Result<()> {
        self.draft.publish(|| fs::rename(&self.path, target))?;
        self.published = true;
        Ok(())
    }

    /// Writes `bytes` to `target` through the temporary file `beside`: synced, renamed, the folder synced.
    pub fn replace(target: &Path, beside: PathBuf, bytes: &[u8], job: &Token) -> io::Result<()> {
        let draft = Self::create(beside, job)?;
        draft.file().write_all(bytes)?;
        draft.settled()?.publish(target)?;
        target.parent().map_or(Ok(()), sync_folder)
    }
}

impl Drop for Durable {
    fn drop(&mut self) {
        if !self.published {
            let _ = fs::remove_file(&self.path);
        }
    }
}

/// Syncs the names in a folder to disk.
pub fn sync_folder(folder: &Path) -> io::Result<()> {
    File::open(folder)?.sync_all()
}

/// Creates the folders and the version file of a layout, where they are missing.
pub fn create_skeleton(root: &Path, beside: PathBuf, job: &Token) -> io::Result<()> {
    let blobs = root.join(BLOBS);
    if !blobs.is_dir() {
        fs::create_dir_all(&blobs)?;
        blobs.parent().map_or(Ok(()), sync_folder)?;
        sync_folder(root)?;
        root.parent().filter(|folder| !folder.as_os_str().is_empty()).map_or(Ok(()), sync_folder)?;
    }
    let version = root.join(LAYOUT_FILE);
    if !version.exists() {
        Durable::replace(&version, beside, LAYOUT_VERSION, job)?;
    }
    Ok(())
}
