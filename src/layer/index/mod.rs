//! The layer index: what one pass over a layer leaves for everything that comes later.
//!
//! ```text
//! imgtool-layer-index 2\n                 which format this is
//! u32 length, entry                       an entry (postcard), in the order of the layer; lengths are little-endian
//! …
//! u32 0                                   no more entries
//! diff id, digest of the blob, tar size, content size, entries,
//! checksum of all before it, checksum of these six, end mark
//! ```
//!
//! An index is a cache: one that is cut or changed is an [`IndexError`], never a panic and never half a layer, and is
//! made anew. Each entry has the checksum of its content, so that whatever reads a content later knows whether it is
//! still what it was when the digests of the layer were verified. Entries that mean nothing (`.wh..wh.*` of AUFS) are left out.

mod edges;
mod file;
mod scan;
mod tree;

pub use file::{IndexError, LayerIndex, read_summary};
pub use scan::{Outline, Scan, ScanError, outline, scan};
pub use tree::TreeError;

use crate::oci::{DiffId, Digest};

/// What a layer is, in five figures.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LayerSummary {
    /// The digest of the uncompressed tar.
    pub diff_id: DiffId,
    /// The digest of the bytes that were read, that is, compressed or not.
    pub blob: Digest,
    /// The size of the uncompressed tar in bytes.
    pub tar_size: u64,
    /// What docker calls the layer's size: the bytes of its files and symbolic links as they stand after applying it
    /// to an empty directory, hard links once.
    pub content_size: u64,
    /// How many entries its index has.
    pub entries: u64,
}
