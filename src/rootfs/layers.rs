//! The contents of files in an image's layers.

use std::fs::File;
use std::io::{self, BufReader, Read};
use std::os::unix::fs::FileExt as _;
use std::sync::Arc;

use super::Source;
use crate::image::Blob;
use crate::layer::compression::sniff;
use crate::layer::{Compression, Limits, Segment};

/// The layers of an image, bottom first: those that are a range of a file are read anywhere, the others from their
/// beginning.
pub struct Layers {
    layers: Vec<Layer>,
    limits: Limits,
}

struct Layer {
    blob: Blob,
    compression: Compression,
}

impl Layers {
    /// The layers with those blobs, compressed or not.
    pub fn new(blobs: Vec<Blob>, limits: Limits) -> io::Result<Self> {
        let open = |blob: Blob| Ok(Layer { compression: blob.compression()?, blob });
        Ok(Self { layers: blobs.into_iter().map(open).collect::<io::Result<_>>()?, limits })
    }

    /// Whether a layer is read anywhere.
    pub(super) fn is_plain(&self, layer: usize) -> bool {
        self.layers.get(layer).is_some_and(|layer| layer.compression == Compression::None && layer.blob.is_range())
    }

    /// The uncompressed tar of a layer, from its beginning.
    pub(super) fn stream(&self, layer: usize) -> io::Result<Box<dyn Read + Send>> {
        let layer = self.layers.get(layer).ok_or_else(no_layer)?;
        let (compression, raw) = sniff(layer.blob.open()?)?;
        compression.decoder(raw, &self.limits)
    }

    /// Where `size` bytes of a plain layer's tar are: in which file, from which offset on.
    pub(super) fn range(&self, layer: usize, offset: u64, size: u64) -> io::Result<(Arc<File>, u64)> {
        let layer = self.layers.get(layer).ok_or_else(no_layer)?;
        // Nothing can be read from anywhere, also of a layer that is compressed and shorter than its tar.
        let end = offset.checked_add(size).filter(|end| size == 0 || *end <= layer.blob.size());
        let (file, start) = layer.blob.as_range()?.ok_or_else(no_layer)?;
        match end {
            Some(_) => Ok((file, start + offset)),
            None => Err(io::Error::new(io::ErrorKind::UnexpectedEof, "a file's content is beyond the layer's end")),
        }
    }

    /// The content of a file of a plain layer, holes included.
    pub(super) fn content(&self, source: &Source, size: u64) -> io::Result<impl Read + use<>> {
        let stored = stored(source, size);
        let (file, at) = self.range(source.layer as usize, source.offset, stored)?;
        let reader = BufReader::with_capacity(CHUNK.min(usize::try_from(stored).unwrap_or(CHUNK)), At { file, at });
        Ok(Expanded::new(reader, source, size))
    }
}

/// How much is read at a time.
pub(super) const CHUNK: usize = 128 << 10;

fn no_layer() -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, "there is no such layer")
}

/// The stretches of a file of `size` bytes that its layer holds.
pub(super) fn segments(source: &Source, size: u64) -> Vec<Segment> {
    match &source.sparse {
        Some(map) => map.segments.clone(),
        None => vec![Segment { offset: 0, length: size }],
    }
}

/// How many bytes of a file its layer holds.
pub(super) fn stored(source: &Source, size: u64) -> u64 {
    match &source.sparse {
        Some(map) => map.segments.iter().map(|segment| segment.length).sum(),
        None => size,
    }
}

/// A file read from some offset on.
struct At {
    file: Arc<File>,
    at: u64,
}

impl Read for At {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let got = self.file.read_at(into, self.at)?;
        self.at += got as u64;
        Ok(got)
    }
}

/// A file's content with its holes, from a reader of what its layer holds.
pub(super) struct Expanded<R> {
    inner: R,
    at: u64,
    size: u64,
    segments: std::vec::IntoIter<Segment>,
    next: Option<Segment>,
}

impl<R: Read> Expanded<R> {
    pub(super) fn new(inner: R, source: &Source, size: u64) -> Self {
        let mut segments = segments(source, size).into_iter();
        Self { inner, at: 0, size, next: segments.next(), segments }
    }
}

impl<R: Read> Read for Expanded<R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        while self.next.is_some_and(|next| self.at >= next.offset + next.length) {
            self.next = self.segments.next();
        }
        let (end, is_hole) = match self.next {
            Some(next) if self.at >= next.offset => (next.offset + next.length, false),
            Some(next) => (next.offset, true),
            None => (self.size, true),
        };
        let want = into.len().min(usize::try_from(end - self.at).unwrap_or(usize::MAX));
        let got = if is_hole {
            into[..want].fill(0);
            want
        } else {
            self.inner.read(&mut into[..want])?
        };
        if got == 0 && want > 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        self.at += got as u64;
        Ok(got)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::layer::SparseMap;

    #[test]
    fn holes_are_zeros() {
        let segments =
            vec![Segment { offset: 2, length: 3 }, Segment { offset: 5, length: 0 }, Segment { offset: 7, length: 1 }];
        let source = Source { layer: 0, offset: 0, sparse: Some(SparseMap { segments }) };
        let mut content = Vec::new();
        Expanded::new(&b"abcd"[..], &source, 10).read_to_end(&mut content).expect("as long as it says");
        assert_eq!(content, b"\0\0abc\0\0d\0\0");
        assert!(Expanded::new(&b"ab"[..], &source, 10).read_to_end(&mut content).is_err(), "the layer is cut");
    }
}
