//! The layer index: what one pass over a layer leaves for everything that comes later.
//!
//! ```text
//! imgtool-layer-index 1\n                 which format this is
//! u32 length, entry                       an entry (postcard), in the order of the layer; lengths are little-endian
//! …
//! u32 0                                   no more entries
//! diff id, tar size, content size, entries, checksum of all before it, checksum of these five, end mark
//! ```
//!
//! An index is a cache: one that is cut or changed is an [`IndexError`], never a panic and never half a layer, and is
//! made anew. Entries that mean nothing (`.wh..wh.*` of AUFS) are left out.

mod edges;
mod file;
mod scan;
mod tree;

pub use file::{IndexError, LayerIndex, read_summary};
pub use scan::{Outline, Scan, ScanError, outline, scan};
pub use tree::TreeError;

use crate::oci::DiffId;

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
    /// How many entries its index has.
    pub entries: u64,
}
