//! The names of a store as a process read them last: a store of thousands of names is parsed once for each change.

use std::fs::{self, File, Metadata};
use std::io;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;
use std::sync::Arc;

use super::Catalog;

/// A catalog, and the `index.json` that it was read from.
#[derive(Debug)]
pub(super) struct KnownCatalog {
    /// Kept open: writers replace the file, and no other gets this one's inode.
    file: File,
    seen: Seen,
    pub(super) catalog: Arc<Catalog>,
}

/// What tells whether a file was changed.
#[derive(Debug, PartialEq, Eq)]
struct Seen {
    inode: (u64, u64),
    size: u64,
    mtime: (i64, i64),
    ctime: (i64, i64),
}

impl Seen {
    fn of(found: &Metadata) -> Self {
        Self {
            inode: (found.dev(), found.ino()),
            size: found.size(),
            mtime: (found.mtime(), found.mtime_nsec()),
            ctime: (found.ctime(), found.ctime_nsec()),
        }
    }
}

impl KnownCatalog {
    /// The catalog of a file that was just read.
    pub(super) fn new(file: File, catalog: Catalog) -> io::Result<Self> {
        let seen = Seen::of(&file.metadata()?);
        Ok(Self { file, seen, catalog: Arc::new(catalog) })
    }

    /// Whether the path leads to that file, unchanged.
    ///
    /// imgtool and skopeo replace the file. A tool that wrote into it could be missed only within one tick of the file
    /// system's clock, and with the same size.
    pub(super) fn is_current(&self, path: &Path) -> bool {
        let now = fs::metadata(path).map(|found| Seen::of(&found));
        let mine = self.file.metadata().map(|found| Seen::of(&found));
        now.is_ok_and(|now| now == self.seen) && mine.is_ok_and(|mine| mine == self.seen)
    }
}
