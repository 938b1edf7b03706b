//! GNU's sparse files, in the four formats that Go's archive/tar reads: the old GNU header, and PAX 0.0, 0.1 and 1.0
//! ([GNU tar, sparse formats](https://www.gnu.org/software/tar/manual/html_section/Sparse-Formats.html)).

use super::error::{HeaderProblem, TarError};
use super::header::Block;
use super::number::{decimal, numeric};
use super::pax::{Pax, SPARSE_MAP};
use crate::layer::sparse_map::{Segment, SparseMap};

/// Offsets in the old GNU header: the first four segments, whether more blocks follow, and the file's size.
const MAP_IN_HEADER: usize = 386;
const IS_EXTENDED: usize = 482;
const REAL_SIZE: usize = 483;
/// Whether more blocks follow a block of 21 segments.
const IS_EXTENDED_AGAIN: usize = 504;
/// An offset and a length of 12 bytes each.
const SEGMENT: usize = 24;

/// The place of the map, by a member's PAX header.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    /// The map is in the PAX header.
    InHeader,
    /// The map is at the start of the content.
    InContent,
}

/// Why a map could not be read.
#[derive(Debug)]
pub(super) enum MapError {
    /// It is malformed.
    Problem(HeaderProblem),
    /// The archive could not be read.
    Tar(TarError),
}

impl From<HeaderProblem> for MapError {
    fn from(problem: HeaderProblem) -> Self {
        Self::Problem(problem)
    }
}

impl From<TarError> for MapError {
    fn from(error: TarError) -> Self {
        Self::Tar(error)
    }
}

/// The form of a PAX header; `None` if the member is not sparse, or of an unknown sparse format.
pub(super) fn form(pax: &Pax) -> Option<Form> {
    match (pax.get("GNU.sparse.major"), pax.get("GNU.sparse.minor")) {
        (Some(b"0"), Some(b"0" | b"1")) => Some(Form::InHeader),
        (Some(b"1"), Some(b"0")) => Some(Form::InContent),
        (None, None) => pax.get(SPARSE_MAP).map(|_| Form::InHeader),
        _ => None,
    }
}

/// The file's size from the PAX header, else that of its content.
pub(super) fn real_size(pax: &Pax, stored: i64) -> Result<i64, HeaderProblem> {
    match pax.number("GNU.sparse.size")? {
        Some(size) => Ok(size),
        None => Ok(pax.number("GNU.sparse.realsize")?.unwrap_or(stored)),
    }
}

/// The map in a PAX header.
pub(super) fn map_in_header(pax: &Pax) -> Result<Vec<i64>, HeaderProblem> {
    let count = pax.get("GNU.sparse.numblocks").and_then(decimal).ok_or(HeaderProblem::SparseMap)?;
    let numbers = pax.get(SPARSE_MAP).map(|map| map.split(|&byte| byte == b',').map(decimal).collect());
    let numbers: Vec<i64> = numbers.unwrap_or(Some(Vec::new())).ok_or(HeaderProblem::SparseMap)?;
    if i64::try_from(numbers.len() / 2) != Ok(count) || !numbers.len().is_multiple_of(2) {
        return Err(HeaderProblem::SparseMap);
    }
    Ok(numbers)
}

/// The map at the start of the content: lines of decimal numbers, the first being the number of pairs, padded to whole
/// blocks. `next` returns the next block, and fails when there are too many.
pub(super) fn map_in_content(mut next: impl FnMut() -> Result<Block, MapError>) -> Result<Vec<i64>, MapError> {
    let mut line = Vec::new();
    let mut count: Option<usize> = None;
    let mut numbers = Vec::new();
    while count.is_none_or(|count| numbers.len() < count) {
        for byte in next()? {
            if count.is_some_and(|count| numbers.len() == count) {
                break;
            }
            if byte != b'\n' {
                line.push(byte);
                continue;
            }
            let number = decimal(&line).ok_or(HeaderProblem::SparseMap)?;
            line.clear();
            match count {
                Some(_) => numbers.push(number),
                None => count = Some(pairs(number).ok_or(HeaderProblem::SparseMap)?),
            }
        }
    }
    Ok(numbers)
}

fn pairs(count: i64) -> Option<usize> {
    usize::try_from(count).ok()?.checked_mul(2)
}

/// The file's size and its map in an old GNU header and the blocks that follow it, which `next` returns.
pub(super) fn old_map(
    header: &Block,
    mut next: impl FnMut() -> Result<Block, MapError>,
) -> Result<(i64, Vec<i64>), MapError> {
    let mut numbers = Vec::new();
    let size = numeric(&header[REAL_SIZE..REAL_SIZE + 12]).ok_or(HeaderProblem::SparseMap)?;
    segments(&header[MAP_IN_HEADER..IS_EXTENDED], &mut numbers)?;
    let mut extended = header[IS_EXTENDED] > 0;
    while extended {
        let block = next()?;
        segments(&block[..IS_EXTENDED_AGAIN], &mut numbers)?;
        extended = block[IS_EXTENDED_AGAIN] > 0;
    }
    Ok((size, numbers))
}

/// Reads segments up to the first with an empty offset.
fn segments(block: &[u8], numbers: &mut Vec<i64>) -> Result<(), HeaderProblem> {
    for segment in block.chunks_exact(SEGMENT).take_while(|segment| segment[0] != 0) {
        let (offset, length) = segment.split_at(SEGMENT / 2);
        for field in [offset, length] {
            numbers.push(numeric(field).ok_or(HeaderProblem::SparseMap)?);
        }
    }
    Ok(())
}

/// Validates a map: segments must be in order, without overlap, inside `size`, and add up to the stored size.
pub(super) fn checked_map(numbers: &[i64], size: u64, stored: u64) -> Result<SparseMap, HeaderProblem> {
    let mut map = SparseMap::default();
    let mut end = 0_u64;
    let mut sum = 0_u64;
    for pair in numbers.chunks_exact(2) {
        let unsigned = |number| u64::try_from(number).map_err(|_| HeaderProblem::SparseMap);
        let segment = Segment { offset: unsigned(pair[0])?, length: unsigned(pair[1])? };
        if segment.offset < end || segment.offset + segment.length > size {
            return Err(HeaderProblem::SparseMap);
        }
        end = segment.offset + segment.length; // both below 2^63
        sum += segment.length; // below `end`
        if segment.length > 0 {
            map.segments.push(segment);
        }
    }
    if sum == stored { Ok(map) } else { Err(HeaderProblem::SparseMap) }
}

/// A position in the content of a sparse file.
pub(super) struct Cursor {
    map: SparseMap,
    size: u64,
    next: usize,
    position: u64,
}

/// The next part of a sparse file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Stretch {
    /// This many zeros.
    Hole(u64),
    /// This many stored bytes.
    Data(u64),
}

impl Cursor {
    /// The start of a file.
    pub(super) fn new(map: SparseMap, size: u64) -> Self {
        Self { map, size, next: 0, position: 0 }
    }

    /// The next part; an empty hole at the end.
    pub(super) fn stretch(&self) -> Stretch {
        match self.map.segments.get(self.next) {
            Some(segment) if self.position < segment.offset => Stretch::Hole(segment.offset - self.position),
            Some(segment) => Stretch::Data(segment.offset + segment.length - self.position),
            None => Stretch::Hole(self.size - self.position),
        }
    }

    /// Advances by `bytes`, at most to the end of the part.
    pub(super) fn advance(&mut self, bytes: u64) {
        self.position += bytes;
        let segment = self.map.segments.get(self.next);
        if segment.is_some_and(|segment| self.position == segment.offset + segment.length) {
            self.next += 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::header::BLOCK;
    use super::*;

    #[test]
    fn maps_are_in_order_and_inside() {
        type Case<'a> = (&'a [i64], u64, u64, Result<SparseMap, HeaderProblem>);
        let segment = |offset, length| Segment { offset, length };
        let good = |segments: &[Segment]| Ok(SparseMap { segments: segments.to_vec() });
        let bad = || Err(HeaderProblem::SparseMap);
        let table: &[Case] = &[
            (&[], 0, 0, good(&[])),
            (&[], 10, 0, good(&[])),
            (&[], 10, 1, bad()),
            (&[0, 5, 7, 3], 10, 8, good(&[segment(0, 5), segment(7, 3)])),
            (&[0, 5, 10, 0], 10, 5, good(&[segment(0, 5)])),
            (&[0, 5, 5, 5], 10, 10, good(&[segment(0, 5), segment(5, 5)])),
            (&[0, 5, 4, 1], 10, 6, bad()),
            (&[7, 3, 0, 5], 10, 8, bad()),
            (&[0, 11], 10, 11, bad()),
            (&[11, 0], 10, 0, bad()),
            (&[-1, 1], 10, 1, bad()),
            (&[1, -1], 10, 0, bad()),
            (&[i64::MAX, i64::MAX], u64::MAX >> 1, 0, bad()),
            (&[0, 5], 10, 4, bad()),
            (&[0, 5], 10, 6, bad()),
        ];
        for (numbers, size, stored, expected) in table {
            assert_eq!(checked_map(numbers, *size, *stored), *expected, "{numbers:?}");
        }
    }

    fn block(text: &[u8]) -> Block {
        let mut block = [b'\n'; BLOCK];
        block[..text.len()].copy_from_slice(text);
        block
    }

    #[test]
    fn a_map_in_the_content_takes_whole_blocks() {
        let mut given = 0;
        let numbers = map_in_content(|| {
            given += 1;
            Ok(block(b"2\n0\n5\n70\n6\n"))
        });
        assert_eq!((numbers.expect("a valid map"), given), (vec![0, 5, 70, 6], 1));
        for text in [&b"x\n"[..], b"-1\n", b"1\n\n", b"9223372036854775807\n0\n"] {
            assert!(matches!(map_in_content(|| Ok(block(text))), Err(MapError::Problem(HeaderProblem::SparseMap))));
        }
    }

    #[test]
    fn a_cursor_goes_from_hole_to_data_to_the_end() {
        let map = checked_map(&[2, 3, 5, 1, 8, 2], 12, 6).expect("a valid map");
        let mut cursor = Cursor::new(map, 12);
        let mut stretches = Vec::new();
        loop {
            let stretch = cursor.stretch();
            stretches.push(stretch);
            match stretch {
                Stretch::Hole(0) => break,
                Stretch::Hole(bytes) | Stretch::Data(bytes) => cursor.advance(bytes),
            }
        }
        let expected = [Stretch::Hole(2), Stretch::Data(3), Stretch::Data(1), Stretch::Hole(2), Stretch::Data(2)];
        assert_eq!(stretches[..5], expected);
        assert_eq!(stretches[5..], [Stretch::Hole(2), Stretch::Hole(0)]);
    }
}
