//! Where packages are recorded.

/// Where a package is recorded.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Record {
    /// The file, without a leading slash; behind a `!`, the file in that archive.
    pub path: Vec<u8>,
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
