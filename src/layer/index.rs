//! The layer index.

use std::io::{self, Read, Seek, Write};

use super::compression::Compression;
use super::entry::{Entry, EntryError};
use super::limits::{LimitError, Limits};
use super::path::EntryPath;
use super::reader::TarError;
use crate::oci::{DiffId, Digest};

/// What a layer is, in four figures.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LayerSummary {
    /// The digest of the uncompressed tar.
    pub diff_id: DiffId,
    /// The size of the uncompressed tar in bytes.
    pub tar_size: u64,
    /// What docker calls the layer's size: the bytes of its files and symbolic links as they stand after applying it
    /// to an empty directory, hard links once.
    pub content_size: u64,
    /// How many entries it has.
    pub entries: u64,
}

/// What one pass over a layer told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Scan {
    /// The layer's figures.
    pub summary: LayerSummary,
    /// How it is packed.
    pub compression: Compression,
    /// The digest of the bytes as they were read, that is, packed.
    pub blob: Digest,
    /// How many bytes were read.
    pub blob_size: u64,
    /// Targets of hard links that are not in the layer before the link, each once: files of lower layers, or nothing.
    pub missing_link_targets: Vec<EntryPath>,
}

/// Why a layer was refused.
#[derive(Debug, thiserror::Error)]
pub enum ScanError {
    /// It is not a tar.
    #[error(transparent)]
    Tar(#[from] TarError),
    /// A member cannot be in a layer.
    #[error(transparent)]
    Entry(#[from] EntryError),
    /// It is larger than is allowed.
    #[error(transparent)]
    Limit(#[from] LimitError),
    /// It could not be read, or the index not written.
    #[error(transparent)]
    Io(#[from] io::Error),
}

/// Reads a layer to its very end in one pass.
pub fn scan<R: Read + Send>(raw: R, limits: &Limits, index: &mut dyn Write) -> Result<Scan, ScanError> {
    let _ = (raw, limits, index);
    Err(io::Error::from(io::ErrorKind::Unsupported).into())
}

/// The figures of an uncompressed tar that need no look at its contents.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Outline {
    /// As [`LayerSummary::content_size`].
    pub content_size: u64,
    /// As [`LayerSummary::tar_size`].
    pub tar_size: u64,
    /// As [`LayerSummary::entries`].
    pub entries: u64,
}

/// The sizes of an uncompressed tar, by its headers alone.
pub fn outline<R: Read + Seek>(tar: R, limits: &Limits) -> Result<Outline, ScanError> {
    let _ = (tar, limits);
    Err(io::Error::from(io::ErrorKind::Unsupported).into())
}

/// Why an index cannot be used. It is a cache: make it anew.
#[derive(Debug, thiserror::Error)]
pub enum IndexError {
    /// It is not an index, or not whole.
    #[error("damaged layer index: {problem}")]
    Damaged {
        /// What is wrong with it.
        problem: &'static str,
    },
    /// It could not be read.
    #[error(transparent)]
    Io(#[from] io::Error),
}

/// The figures at the end of an index.
pub fn read_summary<R: Read + Seek>(index: R) -> Result<LayerSummary, IndexError> {
    let _ = index;
    Err(IndexError::Damaged { problem: "not an index" })
}

/// The entries of an index, in the order of the layer.
pub struct LayerIndex<R> {
    #[expect(dead_code, reason = "a skeleton")]
    reader: R,
}

impl<R: Read> LayerIndex<R> {
    /// Starts to read an index.
    pub fn read(reader: R) -> Result<Self, IndexError> {
        Ok(Self { reader })
    }
}

impl<R: Read> Iterator for LayerIndex<R> {
    type Item = Result<Entry, IndexError>;

    fn next(&mut self) -> Option<Self::Item> {
        None
    }
}
