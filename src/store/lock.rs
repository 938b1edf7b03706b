//! Who may change the store at the same time.

use std::fs::{File, OpenOptions};

use super::{Error, Store};

/// A lock that is held until it is dropped, or its process ends however it ends.
#[must_use = "the lock is released when this is dropped"]
#[derive(Debug)]
pub struct Guard {
    _file: File,
}

impl Store {
    /// For those who only add: keeps deleters out.
    pub fn lock_shared(&self) -> Result<Guard, Error> {
        self.lock("lock", File::lock_shared)
    }

    /// For those who delete: waits until nobody adds, and keeps everybody out.
    pub fn lock_exclusive(&self) -> Result<Guard, Error> {
        self.lock("lock", File::lock)
    }

    /// For the moment in which `index.json` is read, changed and replaced.
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
