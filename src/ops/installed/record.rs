//! Packages, and where they are recorded.

use std::sync::Arc;

use crate::packages::Package;
use crate::packages::os_release::OsRelease;

/// The packages of an image.
#[derive(Debug, Default)]
pub struct Installed {
    /// The packages, sorted by type, name, version and architecture.
    pub packages: Vec<InstalledPackage>,
    /// What the image says of its distribution.
    pub os: Option<OsRelease>,
    /// The records that could not be read, whose packages are missing.
    pub unread: Vec<Unread>,
}

/// A package, and all records of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InstalledPackage {
    /// The package.
    pub package: Package,
    /// Its package URL, where it can have one.
    pub purl: Option<String>,
    /// Where it is recorded, sorted by path.
    pub records: Vec<Record>,
}

impl InstalledPackage {
    /// The lowest layer that it came with, from 0.
    pub fn layer(&self) -> usize {
        self.records.iter().map(|record| record.layer).min().unwrap_or_default()
    }
}

/// Where a package is recorded.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Record {
    /// The file, without a leading slash; behind a `!`, the file in that archive. All packages of a file share it.
    pub path: Arc<[u8]>,
    /// The layer that the package came with, counted from the bottom, from 0: of dpkg, that of the package's list of
    /// files, and else that of the record.
    pub layer: usize,
}

/// A record that could not be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unread {
    /// The file, without a leading slash.
    pub path: Vec<u8>,
    /// Why, as the end of a sentence.
    pub why: String,
    /// Whether it is the list of a whole system: without it the result says little.
    pub is_database: bool,
}
