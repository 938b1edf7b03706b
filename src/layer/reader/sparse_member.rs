//! Starts the content of a sparse member.

use std::io::Read;

use super::TarReader;
use super::error::{HeaderProblem, TarError};
use super::extension::Extensions;
use super::header::{BLOCK, Block, TarFormat};
use super::raw::{RawEntry, RawKind};
use super::sparse::{self, Cursor, Form, MapError};

/// A file's size and the numbers of its map: alternating offsets and lengths.
type SizeAndMap = (i64, Vec<i64>);

impl<R: Read> TarReader<R> {
    /// If the member is a sparse file, reads its map and sets its size.
    pub(super) fn start_sparse(
        &mut self,
        entry: &mut RawEntry,
        extensions: &Extensions,
        header: (TarFormat, &Block),
    ) -> Result<(), TarError> {
        let offset = entry.header_offset;
        let at = |problem| TarError::Header { offset, problem };
        let read = self.sparse_map(entry, extensions, header).map_err(|error| match error {
            MapError::Problem(problem) => at(problem),
            MapError::Tar(error) => error,
        })?;
        let Some((size, numbers)) = read else {
            return Ok(());
        };
        let size = u64::try_from(size).map_err(|_| at(HeaderProblem::NegativeSize))?;
        let map = sparse::checked_map(&numbers, size, self.remaining).map_err(at)?;
        self.holes = self.holes.saturating_add(size - self.remaining);
        // The stored content follows; if it is truncated, that is detected later.
        let stored = self.source.position().saturating_add(self.remaining);
        self.limits.check(stored, stored.saturating_add(self.holes))?;
        entry.size = size;
        entry.stored_size = self.remaining;
        entry.sparse = Some(map.clone());
        self.sparse = Some(Cursor::new(map, size));
        Ok(())
    }

    fn sparse_map(
        &mut self,
        entry: &mut RawEntry,
        extensions: &Extensions,
        (format, block): (TarFormat, &Block),
    ) -> Result<Option<SizeAndMap>, MapError> {
        let mut blocks = self.limits.pax_block / BLOCK as u64;
        if entry.kind == RawKind::OldSparse {
            if format != TarFormat::Gnu {
                return Err(HeaderProblem::SparseMap.into()); // star lays its own out otherwise
            }
            return sparse::old_map(block, || self.map_block(&mut blocks)).map(Some);
        }
        let Some((form, pax)) = extensions.sparse() else {
            return Ok(None);
        };
        if !entry.kind.has_content() {
            return Err(HeaderProblem::SparseMap.into());
        }
        if let Some(name) = pax.get("GNU.sparse.name") {
            entry.name = name.to_vec();
        }
        let stored = i64::try_from(entry.stored_size).map_err(|_| HeaderProblem::NegativeSize)?;
        let size = sparse::real_size(pax, stored)?;
        let numbers = match form {
            Form::InHeader => sparse::map_in_header(pax)?,
            Form::InContent => sparse::map_in_content(|| {
                let rest = self.remaining.checked_sub(BLOCK as u64);
                self.remaining = rest.ok_or(HeaderProblem::SparseMap)?;
                self.map_block(&mut blocks)
            })?,
        };
        Ok(Some((size, numbers)))
    }

    fn map_block(&mut self, blocks: &mut u64) -> Result<Block, MapError> {
        let limit = self.limits.pax_block;
        let left = blocks.checked_sub(1).ok_or(HeaderProblem::TooLong { what: "sparse map", limit })?;
        *blocks = left;
        Ok(self.block()?)
    }
}
