//! The contents of a layer's files, read in the order in which they stand there, and verified as they are read.
//!
//! A compressed layer can only be read forwards, and reading it twice costs as much again. So callers ask for contents
//! layer by layer, in the order of offsets: then each layer is decompressed once, as a stream.
//!
//! Every content is compared with its checksum in the layer's index, however it is moved: what the kernel copies
//! between files is read here as well, from the page cache. [`Contents::read`] fails if they differ, so that a caller
//! that handles errors never passes on damaged bytes.

mod layers;

use std::fs::File;
use std::io::{self, BufReader, Read};

pub use layers::{Checksums, LayerStack};

use super::Blob;
use super::blob::BlobReader;
use crate::layer::compression::sniff;
use crate::layer::overlay::ContentRange;
use crate::layer::{ChecksumMismatch, Checksummer, Compression, Limits};

/// How much is read at a time.
const BUFFER: usize = 256 << 10;

/// A layer whose contents are read.
pub struct Contents<'a> {
    from: ContentOrigin<'a>,
    /// How many bytes the layer's blob has.
    size: u64,
    /// The position in the uncompressed tar.
    at: u64,
    /// What is to be read next of the current piece.
    offset: u64,
    left: u64,
    /// Sees all bytes of the current content.
    seen: Checksummer,
    /// The buffer for bytes that the caller does not read; allocated at first use.
    scratch: Vec<u8>,
}

enum ContentOrigin<'a> {
    /// An uncompressed tar.
    Plain(BufReader<BlobReader>),
    /// One that comes out of a decoder.
    Packed(Box<dyn Read + Send + 'a>),
}

/// A part of a file.
pub enum Piece<'p, 'a> {
    /// This many zeros, which are not stored.
    Hole(u64),
    /// Bytes that are stored.
    Data(Data<'p, 'a>),
}

/// Bytes that are stored in a layer, to be read or to be moved as a range.
pub struct Data<'p, 'a> {
    contents: &'p mut Contents<'a>,
}

impl<'a> Contents<'a> {
    /// The contents of a layer, compressed or not, of which many are asked for in the order of their offsets.
    pub fn open(layer: &'a Blob, limits: &Limits) -> io::Result<Self> {
        Self::buffered(layer, limits, BUFFER)
    }

    /// The same for contents that are asked for in any order, as an uncompressed layer allows: only those are read.
    pub fn scattered(layer: &'a Blob, limits: &Limits) -> io::Result<Self> {
        Self::buffered(layer, limits, 0)
    }

    /// The same for a compressed layer whose `reader` begins at the offset `at` of its tar.
    pub fn resumed(layer: &Blob, reader: Box<dyn Read + Send + 'a>, at: u64) -> Self {
        Self::of(ContentOrigin::Packed(reader), layer.size(), at)
    }

    fn of(from: ContentOrigin<'a>, size: u64, at: u64) -> Self {
        Self { from, size, at, offset: 0, left: 0, seen: Checksummer::default(), scratch: Vec::new() }
    }

    fn buffered(layer: &'a Blob, limits: &Limits, buffer: usize) -> io::Result<Self> {
        let from = if layer.compression()? == Compression::None {
            ContentOrigin::Plain(BufReader::with_capacity(buffer, layer.open()?))
        } else {
            let (compression, packed) = sniff(layer.open()?)?;
            ContentOrigin::Packed(compression.decoder(packed, limits)?)
        };
        Ok(Self::of(from, layer.size(), 0))
    }

    /// Gives the pieces of a file to `take`, in order, and compares them with their checksum: until this has returned
    /// successfully, the pieces are not verified. Files of a compressed layer must be asked for in the order of their
    /// offsets.
    pub fn read(
        &mut self,
        source: ContentRange<'_>,
        mut take: impl FnMut(Piece<'_, 'a>) -> io::Result<()>,
    ) -> io::Result<()> {
        self.seen = Checksummer::default();
        let mut offset = source.content_offset;
        match source.sparse {
            None => self.give(&mut take, offset, source.size)?,
            Some(map) => {
                let mut end = 0;
                for segment in &map.segments {
                    hole(&mut take, segment.offset - end)?;
                    self.give(&mut take, offset, segment.length)?;
                    offset += segment.length;
                    end = segment.offset + segment.length;
                }
                hole(&mut take, source.size - end)?;
            }
        }
        let is_same = std::mem::take(&mut self.seen).finish() == source.checksum;
        if is_same { Ok(()) } else { Err(io::Error::new(io::ErrorKind::InvalidData, ChecksumMismatch)) }
    }

    fn give(
        &mut self,
        take: &mut impl FnMut(Piece<'_, 'a>) -> io::Result<()>,
        offset: u64,
        length: u64,
    ) -> io::Result<()> {
        if length == 0 {
            return Ok(());
        }
        (self.offset, self.left) = (offset, length);
        take(Piece::Data(Data { contents: self }))?;
        self.read_rest()
    }

    /// Reads the bytes that were moved without being read.
    fn read_rest(&mut self) -> io::Result<()> {
        if self.left == 0 {
            return Ok(());
        }
        let mut scratch = std::mem::take(&mut self.scratch);
        scratch.resize(BUFFER, 0);
        while self.left > 0 {
            self.read_some(&mut scratch)?;
        }
        self.scratch = scratch;
        Ok(())
    }

    /// Reads some of the current piece; nothing at its end. The end of the layer before that is an error.
    fn read_some(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let want = into.len().min(usize::try_from(self.left).unwrap_or(usize::MAX));
        if want == 0 {
            return Ok(0);
        }
        self.skip_to(self.offset)?;
        let got = match &mut self.from {
            ContentOrigin::Plain(reader) => reader.read(&mut into[..want])?,
            ContentOrigin::Packed(reader) => reader.read(&mut into[..want])?,
        };
        if got == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        self.seen.update(&into[..got]);
        self.at += got as u64;
        self.offset += got as u64;
        self.left -= got as u64;
        Ok(got)
    }

    /// Goes to an offset of the tar.
    fn skip_to(&mut self, offset: u64) -> io::Result<()> {
        match &mut self.from {
            _ if offset == self.at => {}
            ContentOrigin::Plain(reader) => {
                let ahead = i128::from(offset) - i128::from(self.at);
                reader.seek_relative(i64::try_from(ahead).map_err(io::Error::other)?)?;
            }
            ContentOrigin::Packed(reader) => {
                let backwards = || io::Error::other("the compressed layer is past this content already");
                let ahead = offset.checked_sub(self.at).ok_or_else(backwards)?;
                if io::copy(&mut reader.take(ahead), &mut io::sink())? < ahead {
                    return Err(io::ErrorKind::UnexpectedEof.into());
                }
            }
        }
        self.at = offset;
        Ok(())
    }
}

/// Whether an error that [`Contents`] gave means that the layer is truncated or changed.
pub fn is_damage(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::InvalidData | io::ErrorKind::UnexpectedEof)
}

fn hole<'a>(take: &mut impl FnMut(Piece<'_, 'a>) -> io::Result<()>, size: u64) -> io::Result<()> {
    if size == 0 { Ok(()) } else { take(Piece::Hole(size)) }
}

impl Data<'_, '_> {
    /// How many bytes are left to be read.
    pub fn left(&self) -> u64 {
        self.contents.left
    }

    /// The file that has these bytes, and where they start in it, if the layer is an uncompressed range of a file: then
    /// they can be moved without being read.
    pub fn as_range(&self) -> Option<(&File, u64)> {
        let ContentOrigin::Plain(reader) = &self.contents.from else { return None };
        let end = self.contents.offset.checked_add(self.contents.left)?;
        let (file, start) = reader.get_ref().as_range().filter(|_| end <= self.contents.size)?;
        Some((file, start + self.contents.offset))
    }
}

impl Read for Data<'_, '_> {
    /// The end of the layer before the end of the bytes is an error.
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        self.contents.read_some(into)
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;
    use std::sync::Arc;

    use super::*;
    use crate::layer::{Checksum, Segment, SparseMap};

    /// A file of `size` bytes whose stored content is that.
    fn source(content_offset: u64, size: u64, content: &[u8]) -> ContentRange<'static> {
        ContentRange { layer: 0, content_offset, size, sparse: None, checksum: Checksum::of(content) }
    }

    fn gzip(bytes: &[u8]) -> Vec<u8> {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
        encoder.write_all(bytes).expect("memory");
        encoder.finish().expect("memory")
    }

    /// A layer as a range of a file, in memory, and compressed.
    fn layers(tar: &[u8]) -> [Blob; 3] {
        let mut file = tempfile::tempfile().expect("a temporary file");
        file.write_all(&[b"before", tar].concat()).expect("a write");
        let range = Blob::range(Arc::new(file), 6, tar.len() as u64);
        [range, Blob::bytes(tar), Blob::bytes(gzip(tar))]
    }

    fn read(contents: &mut Contents<'_>, source: ContentRange<'_>) -> io::Result<Vec<u8>> {
        let mut all = Vec::new();
        contents.read(source, |piece| match piece {
            Piece::Hole(size) => io::repeat(b'.').take(size).read_to_end(&mut all).map(drop),
            Piece::Data(mut data) => data.read_to_end(&mut all).map(drop),
        })?;
        Ok(all)
    }

    #[test]
    fn files_are_read_one_after_the_other_whatever_is_between() {
        let tar: Vec<u8> = (0..2_000_000_u32).map(|at| u8::try_from(at % 251).expect("small")).collect();
        let part = |start: usize, size: usize| &tar[start..start + size];
        for layer in layers(&tar) {
            let mut contents = Contents::open(&layer, &Limits::default()).expect("a layer");
            for (start, size) in [(3, 0), (5, 10), (15, 1000), (700_000, 300_000), (1_999_999, 1)] {
                let found = read(&mut contents, source(start as u64, size as u64, part(start, size))).expect("bytes");
                assert_eq!(found, part(start, size), "{layer:?} at {start}");
            }
            let back = read(&mut contents, source(5, 1, part(5, 1))).ok();
            let is_plain = layer.compression().expect("bytes") == Compression::None;
            assert_eq!(back.is_some(), is_plain, "{layer:?}: only where nothing is compressed there is a way back");
        }
    }

    #[test]
    fn what_is_moved_as_a_range_need_not_be_read() {
        let [layer, in_memory, packed] = layers(b"0123456789");
        let mut contents = Contents::open(&layer, &Limits::default()).expect("a layer");
        let mut seen = None;
        let look = |piece: Piece<'_, '_>| {
            let Piece::Data(data) = piece else { return Err(io::ErrorKind::InvalidData.into()) };
            seen = data.as_range().map(|(_, offset)| (offset, data.left()));
            Ok(())
        };
        contents.read(source(2, 3, b"234"), look).expect("a range");
        assert_eq!(seen, Some((8, 3)));
        assert_eq!(read(&mut contents, source(7, 2, b"78")).expect("bytes"), b"78");
        for layer in [in_memory, packed] {
            let mut contents = Contents::open(&layer, &Limits::default()).expect("a layer");
            let mut ranges = 0;
            let count = |piece: Piece<'_, '_>| {
                ranges += usize::from(matches!(piece, Piece::Data(data) if data.as_range().is_some()));
                Ok(())
            };
            contents.read(source(2, 3, b"234"), count).expect("bytes");
            assert_eq!(ranges, 0);
        }
    }

    #[test]
    fn holes_are_where_the_map_says() {
        let map = |segments: &[(u64, u64)]| SparseMap {
            segments: segments.iter().map(|&(offset, length)| Segment { offset, length }).collect(),
        };
        for layer in layers(b"xabcdef") {
            type Segments = &'static [(u64, u64)];
            let cases: [(Segments, u64, &str, &str); 4] = [
                (&[(2, 3), (7, 1), (9, 0)], 9, "abcd", "..abc..d."),
                (&[(0, 3)], 3, "abc", "abc"),
                (&[(3, 0)], 3, "", "..."),
                (&[], 0, "", ""),
            ];
            for (segments, size, stored, expected) in cases {
                let map = map(segments);
                let mut contents = Contents::open(&layer, &Limits::default()).expect("a layer");
                let found =
                    read(&mut contents, ContentRange { sparse: Some(&map), ..source(1, size, stored.as_bytes()) });
                let found = found.expect("bytes");
                assert_eq!(String::from_utf8_lossy(&found), expected);
            }
        }
    }

    #[test]
    fn a_cut_layer_is_an_error() {
        for layer in layers(b"0123456789") {
            let mut contents = Contents::open(&layer, &Limits::default()).expect("a layer");
            assert!(read(&mut contents, source(8, 3, b"89")).is_err(), "{layer:?}");
        }
        let tar: Vec<u8> = (0..100_000_u32).map(|at| u8::try_from(at % 251).expect("small")).collect();
        let packed = gzip(&tar);
        let layer = Blob::bytes(&packed[..packed.len() / 2]);
        let mut contents = Contents::open(&layer, &Limits::default()).expect("its beginning is there");
        assert!(read(&mut contents, source(0, tar.len() as u64, &tar)).is_err());
    }

    /// What changed is an error however it is moved: read, taken as a range, or not looked at at all.
    #[test]
    fn what_is_not_what_was_indexed_is_an_error() {
        let tar = vec![7; 3 * BUFFER];
        let size = tar.len() as u64;
        for at in [0, 1, BUFFER, tar.len() - 1] {
            let mut changed = tar.clone();
            changed[at] ^= 1;
            for layer in layers(&changed) {
                let mut contents = Contents::open(&layer, &Limits::default()).expect("a layer");
                let read_all = read(&mut contents, source(0, size, &tar));
                let mut contents = Contents::scattered(&layer, &Limits::default()).expect("a layer");
                let ignored = contents.read(source(0, size, &tar), |_| Ok(()));
                for error in [read_all.map(drop), ignored].map(|result| result.expect_err("it changed")) {
                    let source = error.get_ref().expect("an error of ours");
                    assert!(source.downcast_ref::<ChecksumMismatch>().is_some(), "{layer:?} at {at}: {error}");
                }
            }
        }
    }
}
