//! Files of a layout are whole and durable before their name appears.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use crate::cancel::{Draft, Token};

use super::{BLOBS, LAYOUT_FILE, LAYOUT_VERSION};

/// A file that is being written beside where it will be seen. Dropped without [`Durable::publish`], it is gone.
#[must_use = "a file that is not published vanishes"]
#[derive(Debug)]
pub struct Durable {
    file: Option<File>,
    path: PathBuf,
    published: bool,
    draft: Draft,
}

impl Durable {
    /// A new empty file of a job at `path`, which must be on the file system where it is to be published. Everyone may
    /// read it, as far as the umask lets them.
    pub fn create(path: PathBuf, job: &Token) -> io::Result<Self> {
        let (file, draft) = Draft::create(job, || {
            let file = OpenOptions::new().read(true).write(true).create_new(true).mode(0o644).open(&path)?;
            Ok((file, path.clone()))
        })?;
        Ok(Self { file: Some(file), path, published: false, draft })
    }

    /// The file, to be written until it is settled.
    pub fn file(&self) -> &File {
        self.file.as_ref().expect("a draft is not written after it was settled")
    }

    /// Where it is until it is published.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Waits until the bytes are on the disk, and closes the file.
    pub fn settled(mut self) -> io::Result<Self> {
        if let Some(file) = self.file.take() {
            file.sync_all()?;
        }
        Ok(self)
    }

    /// Gives the file its name, in place of what had it. It must be settled before, and the folder synced after.
    pub fn publish(mut self, target: &Path) -> io::Result<()> {
        self.draft.publish(|| fs::rename(&self.path, target))?;
        self.published = true;
        Ok(())
    }

    /// Writes `bytes` to `target` by way of `beside`: synced, renamed, the folder synced.
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

/// Waits until the names in a folder are on the disk.
pub fn sync_folder(folder: &Path) -> io::Result<()> {
    File::open(folder)?.sync_all()
}

/// Makes the folders of a layout and its version file, where they are not there yet.
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
