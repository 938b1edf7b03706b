//! The contents of a layer's files, read in the order in which they stand there.
//!
//! A compressed layer can only be read forwards, and reading it twice costs as much again. So whoever needs contents asks
//! for them layer by layer, by offset; then each layer is unpacked once, into nobody's memory.

use std::fs::File;
use std::io::{self, BufReader, Read};

use super::Blob;
use super::blob::BlobReader;
use crate::layer::compression::sniff;
use crate::layer::overlay::Source;
use crate::layer::{Compression, Limits};

/// How much is read at a time.
const BUFFER: usize = 256 << 10;

/// A layer whose contents are read forwards.
pub struct Contents<'a> {
    from: From<'a>,
    /// How many bytes of the uncompressed tar are behind us.
    at: u64,
}

enum From<'a> {
    /// An uncompressed tar.
    Plain(BufReader<BlobReader>),
    /// One that comes out of a decoder.
    Packed(Box<dyn Read + Send + 'a>),
}

/// A part of a file.
pub enum Piece<'p, 'a> {
    /// So many zeros, which are nowhere stored.
    Hole(u64),
    /// Bytes that are stored.
    Data(Data<'p, 'a>),
}

/// Bytes that are stored in a layer, to be read or to be moved as a range.
pub struct Data<'p, 'a> {
    contents: &'p mut Contents<'a>,
    offset: u64,
    left: u64,
}

impl<'a> Contents<'a> {
    /// The contents of a layer, compressed or not.
    pub fn open(layer: &'a Blob, limits: &Limits) -> io::Result<Self> {
        let from = if layer.compression()? == Compression::None {
            From::Plain(BufReader::with_capacity(BUFFER, layer.open()?))
        } else {
            let (compression, packed) = sniff(layer.open()?)?;
            From::Packed(compression.decoder(packed, limits)?)
        };
        Ok(Self { from, at: 0 })
    }

    /// Gives the pieces of a file to `take`, in order. Files must be asked for in the order of their offsets.
    pub fn read(
        &mut self,
        source: Source<'_>,
        mut take: impl FnMut(Piece<'_, 'a>) -> io::Result<()>,
    ) -> io::Result<()> {
        let mut offset = source.content_offset;
        let Some(map) = source.sparse else {
            return self.give(&mut take, offset, source.size);
        };
        let mut end = 0;
        for segment in &map.segments {
            hole(&mut take, segment.offset - end)?;
            self.give(&mut take, offset, segment.length)?;
            offset += segment.length;
            end = segment.offset + segment.length;
        }
        hole(&mut take, source.size - end)
    }

    fn give(
        &mut self,
        take: &mut impl FnMut(Piece<'_, 'a>) -> io::Result<()>,
        offset: u64,
        left: u64,
    ) -> io::Result<()> {
        if left == 0 { Ok(()) } else { take(Piece::Data(Data { contents: self, offset, left })) }
    }

    /// Reads the rest of a compressed layer, at whose end it says whether all of it was whole. Without that, nothing that
    /// was read is to be believed.
    pub fn finish(self) -> io::Result<()> {
        match self.from {
            From::Plain(_) => Ok(()),
            From::Packed(mut reader) => io::copy(&mut reader, &mut io::sink()).map(drop),
        }
    }

    /// Goes forward to an offset of the tar.
    fn skip_to(&mut self, offset: u64) -> io::Result<()> {
        let backwards = || io::Error::new(io::ErrorKind::InvalidInput, "the layer is past this content already");
        let ahead = offset.checked_sub(self.at).ok_or_else(backwards)?;
        match &mut self.from {
            _ if ahead == 0 => {}
            From::Plain(reader) => {
                reader.seek_relative(i64::try_from(ahead).map_err(io::Error::other)?)?;
            }
            From::Packed(reader) => {
                if io::copy(&mut reader.take(ahead), &mut io::sink())? < ahead {
                    return Err(io::ErrorKind::UnexpectedEof.into());
                }
            }
        }
        self.at = offset;
        Ok(())
    }
}

fn hole<'a>(take: &mut impl FnMut(Piece<'_, 'a>) -> io::Result<()>, size: u64) -> io::Result<()> {
    if size == 0 { Ok(()) } else { take(Piece::Hole(size)) }
}

impl Data<'_, '_> {
    /// How many bytes are left to be read.
    pub fn left(&self) -> u64 {
        self.left
    }

    /// The file that has these bytes, and where they start in it, if the layer is an uncompressed range of a file.
    pub fn as_range(&self) -> Option<(&File, u64)> {
        let From::Plain(reader) = &self.contents.from else { return None };
        reader.get_ref().as_range().map(|(file, start)| (file, start + self.offset))
    }
}

impl Read for Data<'_, '_> {
    /// The end of the layer before the end of the bytes is an error.
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let want = into.len().min(usize::try_from(self.left).unwrap_or(usize::MAX));
        if want == 0 {
            return Ok(0);
        }
        self.contents.skip_to(self.offset)?;
        let got = match &mut self.contents.from {
            From::Plain(reader) => reader.read(&mut into[..want])?,
            From::Packed(reader) => reader.read(&mut into[..want])?,
        };
        if got == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        self.contents.at += got as u64;
        self.offset += got as u64;
        self.left -= got as u64;
        Ok(got)
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;
    use std::sync::Arc;

    use super::*;
    use crate::layer::{Segment, SparseMap};

    fn source(content_offset: u64, size: u64) -> Source<'static> {
        Source { layer: 0, content_offset, size, sparse: None }
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

    fn read(contents: &mut Contents<'_>, source: Source<'_>) -> io::Result<Vec<u8>> {
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
                let found = read(&mut contents, source(start as u64, size as u64)).expect("bytes");
                assert_eq!(found, part(start, size), "{layer:?} at {start}");
            }
            assert!(read(&mut contents, source(5, 1)).is_err(), "{layer:?}: there is no way back");
            contents.finish().expect("a whole layer");
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
        contents.read(source(2, 3), look).expect("a range");
        assert_eq!(seen, Some((8, 3)));
        assert_eq!(read(&mut contents, source(7, 2)).expect("bytes"), b"78");
        for layer in [in_memory, packed] {
            let mut contents = Contents::open(&layer, &Limits::default()).expect("a layer");
            let mut ranges = 0;
            let count = |piece: Piece<'_, '_>| {
                ranges += usize::from(matches!(piece, Piece::Data(data) if data.as_range().is_some()));
                Ok(())
            };
            contents.read(source(2, 3), count).expect("bytes");
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
            let cases: [(Segments, u64, &str); 4] = [
                (&[(2, 3), (7, 1), (9, 0)], 9, "..abc..d."),
                (&[(0, 3)], 3, "abc"),
                (&[(3, 0)], 3, "..."),
                (&[], 0, ""),
            ];
            for (segments, size, expected) in cases {
                let map = map(segments);
                let mut contents = Contents::open(&layer, &Limits::default()).expect("a layer");
                let found = read(&mut contents, Source { sparse: Some(&map), ..source(1, size) }).expect("bytes");
                assert_eq!(String::from_utf8_lossy(&found), expected);
            }
        }
    }

    #[test]
    fn a_cut_layer_is_an_error() {
        for layer in layers(b"0123456789") {
            let mut contents = Contents::open(&layer, &Limits::default()).expect("a layer");
            assert!(read(&mut contents, source(8, 3)).is_err(), "{layer:?}");
        }
        let packed = gzip(b"0123456789");
        let layer = Blob::bytes(&packed[..packed.len() - 1]);
        let mut contents = Contents::open(&layer, &Limits::default()).expect("its beginning is there");
        let first = read(&mut contents, source(0, 1));
        assert!(first.is_err() || contents.finish().is_err());
    }
}
