//! Folders that are deleted when they are no longer needed.

use std::fs::{self, File};
use std::os::unix::fs::DirBuilderExt as _;
use std::path::PathBuf;

use super::RunError;
use crate::cancel::{Token, Undo};

/// A folder that is deleted when this is dropped; a cancelled job waits for that. Its file `lock` is held.
#[derive(Debug)]
pub(super) struct Scratch {
    pub(super) path: PathBuf,
    _lock: File,
    _undo: Undo,
    is_published: bool,
}

impl Scratch {
    /// A new folder that only its owner can enter.
    pub(super) fn create(path: PathBuf, job: &Token) -> Result<Self, RunError> {
        let failed = || RunError::io(&path);
        let undo = Undo::begin(job).map_err(failed())?;
        fs::DirBuilder::new().mode(0o700).create(&path).map_err(failed())?;
        let lock = File::create(path.join("lock")).and_then(|lock| lock.lock().map(|()| lock));
        let lock = lock.map_err(failed());
        let lock = lock.inspect_err(|_| drop(fs::remove_dir_all(&path)))?;
        Ok(Self { path, _lock: lock, _undo: undo, is_published: false })
    }

    /// It has another name now, and stays.
    pub(super) fn published(mut self) {
        self.is_published = true;
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        if !self.is_published {
            let _ = fs::remove_dir_all(&self.path);
        }
    }
}
