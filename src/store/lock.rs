//! Locks between processes that change the store.

use std::fs::{File, OpenOptions};

use super::{Error, Store};

/// A lock that is held until it is dropped or its process ends.
#[must_use = "the lock is released when this is dropped"]
#[derive(Debug)]
pub struct Guard {
    _file: File,
}

impl Store {
    /// A shared lock, for adding: excludes deletion. Who holds one must not ask for another.
    pub fn lock_shared(&self) -> Result<Guard, Error> {
        let _turn = self.lock("turn.lock", File::lock)?;
        self.lock("lock", File::lock_shared)
    }

    /// The exclusive lock, for deletion: waits for and excludes all other locks. Who comes later waits behind it, so that
    /// a store to which many push all the time can still be tidied.
    pub fn lock_exclusive(&self) -> Result<Guard, Error> {
        let _turn = self.lock("turn.lock", File::lock)?;
        self.lock("lock", File::lock)
    }

    /// The lock under which `index.json` is read, changed and replaced.
    pub(super) fn lock_index(&self) -> Result<Guard, Error> {
        self.lock("index.lock", File::lock)
    }

    fn lock(&self, name: &str, lock: impl FnOnce(&File) -> std::io::Result<()>) -> Result<Guard, Error> {
        let path = self.private_folder("")?.join(name);
        let file = OpenOptions::new().create(true).truncate(false).write(true).open(&path).map_err(Error::io(&path))?;
        lock(&file).map_err(Error::io(&path))?;
        Ok(Guard { _file: file })
    }
}
