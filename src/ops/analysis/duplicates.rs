//! Files with the same content, in whatever layers they are.

use super::paths::{Id, Paths};
use crate::layer::{Checksum, Entry, EntryKind};

/// Several files with the same content.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Duplicate {
    /// The size of each.
    pub size: u64,
    /// Where they are: paths, each with its layer from the bottom, from 0. A file that a later layer wrote again without
    /// a change (`chmod`, `chown`, `touch`) is there with both layers.
    pub copies: Vec<(Vec<u8>, usize)>,
}

impl Duplicate {
    /// How many bytes one copy would save.
    pub fn wasted(&self) -> u64 {
        self.size.saturating_mul(self.copies.len().saturating_sub(1) as u64)
    }
}

/// The files of the layers that were given. Contents are compared by size and by the checksums of the layer indexes,
/// which are taken when a layer is read first: nothing is read again.
#[derive(Debug, Default)]
pub(super) struct Copies {
    files: Vec<(u64, [u8; 16], usize, Id)>,
}

impl Copies {
    pub(super) fn add(&mut self, layer: usize, entries: &[Entry], ids: &[Option<Id>]) {
        for (entry, id) in entries.iter().zip(ids) {
            // The checksum of a sparse file does not say where its holes are.
            let is_plain = entry.kind == EntryKind::File && entry.size > 0 && entry.sparse.is_none();
            if let (true, Some(id)) = (is_plain && entry.checksum != Checksum::EMPTY, id) {
                self.files.push((entry.size, entry.checksum.to_bytes(), layer, *id));
            }
        }
    }

    /// The duplicates, those that waste most first.
    pub(super) fn duplicates(mut self, paths: &Paths) -> Vec<Duplicate> {
        self.files.sort_unstable();
        let groups = self.files.chunk_by(|one, other| (one.0, one.1) == (other.0, other.1));
        let mut duplicates: Vec<Duplicate> = Vec::new();
        for group in groups.filter(|group| group.len() > 1) {
            let mut copies: Vec<(Vec<u8>, usize)> =
                group.iter().map(|(_, _, layer, id)| (paths.path(*id), *layer)).collect();
            copies.sort();
            duplicates.push(Duplicate { size: group[0].0, copies });
        }
        duplicates.sort_by(|one, other| other.wasted().cmp(&one.wasted()).then_with(|| one.copies.cmp(&other.copies)));
        duplicates
    }
}
