//! How full a store is, and whether it can be written to: what a server tells of itself.

use std::fs;
use std::io::{self, Write as _};
use std::path::Path;

use super::partial::PARTIAL;
use super::{Error, Store};
use crate::layout::BLOBS;

/// How much is written to find out whether anything can be.
const PROBE: [u8; 4096] = [0; 4096];

/// How full a store is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Usage {
    /// How many blobs there are.
    pub blobs: u64,
    /// How many bytes they have.
    pub bytes: u64,
    /// How many uploads are not finished.
    pub uploads: u64,
}

impl Store {
    /// Fails if nothing can be written to the store: a disk that is full or read-only, or rights that are missing.
    pub fn probe(&self) -> Result<(), Error> {
        let folder = self.private_folder(PARTIAL)?;
        // Without a name, so that nothing is left behind whatever happens.
        let mut file = tempfile::tempfile_in(&folder).map_err(Error::io(&folder))?;
        file.write_all(&PROBE).map_err(Error::io(&folder))
    }

    /// How full it is. Looks at each blob's size: for a large store that takes a while.
    pub fn usage(&self) -> Result<Usage, Error> {
        let mut usage = Usage::default();
        for_each_file(&self.root.join(BLOBS).join("sha256"), |entry| {
            usage.blobs += 1;
            usage.bytes += entry.metadata().map_or(0, |metadata| metadata.len());
        })?;
        for_each_file(&self.root.join("imgtool").join(PARTIAL), |entry| {
            let name = entry.file_name();
            let name = name.to_string_lossy();
            usage.uploads += u64::from(name.starts_with("upload-") && !name.contains('.'));
        })?;
        Ok(usage)
    }
}

fn for_each_file(folder: &Path, mut see: impl FnMut(&fs::DirEntry)) -> Result<(), Error> {
    let entries = match fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(Error::io(folder)(error)),
    };
    for entry in entries {
        see(&entry.map_err(Error::io(folder))?);
    }
    Ok(())
}
