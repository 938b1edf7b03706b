//! The layer index: the metadata of a layer's entries, collected in one pass for all later work.
//!
//! ```text
//! imgtool-layer-index 2\n                 magic number and version
//! u32 length, entry                       an entry (postcard), in the order of the layer; lengths are little-endian
//! …
//! u32 0                                   no more entries
//! diff id, digest of the blob, tar size, content size, entries,
//! checksum of all before it, checksum of these six, end mark
//! ```
//!
//! An index is a cache: a truncated or damaged one is an [`IndexError`], never a panic or half a layer, and is rebuilt.
//! Each entry has the checksum of its content, so that later reads detect content that has changed since the digests of
//! the layer were verified. Meaningless entries (`.wh..wh.*` of AUFS) are omitted.

mod edges;
mod file;
mod scan;
mod tree;

pub use file::{IndexError, LayerIndex, read_summary};
pub use scan::{Outline, Scan, ScanError, outline, scan};
pub use tree::TreeError;

use crate::oci::{DiffId, Digest};

/// The digests and sizes of a layer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LayerSummary {
    /// The digest of the uncompressed tar.
    pub diff_id: DiffId,
    /// The digest of the bytes as they were read, compressed or not.
    pub blob: Digest,
    /// The size of the uncompressed tar in bytes.
    pub tar_size: u64,
    /// Docker's size of the layer: the bytes of its files and symbolic links after applying it to an empty directory,
    /// hard links counted once.
    pub content_size: u64,
    /// How many entries its index has.
    pub entries: u64,
}
