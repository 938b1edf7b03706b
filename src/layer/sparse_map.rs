//! Where the stored bytes of a sparse file belong.

use serde::{Deserialize, Serialize};

/// The stored segments of a sparse file, in order and without overlap; everything else is zeros. They are stored
/// contiguously from the entry's content offset on.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct SparseMap {
    /// The segments.
    pub segments: Vec<Segment>,
}

/// A stored segment of a sparse file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Segment {
    /// Its offset in the file.
    pub offset: u64,
    /// Its length in bytes.
    pub length: u64,
}

impl SparseMap {
    /// Whether the segments are in order, without overlap, and inside a file of `size` bytes.
    pub(super) fn is_within(&self, size: u64) -> bool {
        let end = self.segments.iter().try_fold(0, |end, segment| {
            if segment.offset < end { None } else { segment.offset.checked_add(segment.length) }
        });
        end.is_some_and(|end| end <= size)
    }
}
