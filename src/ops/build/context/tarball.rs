//! A tar as a build context: spooled once to a file without a name, and indexed.

use std::fs::File;
use std::io::{self, BufReader, BufWriter, Cursor, Read, Seek as _, Write as _};
use std::sync::Arc;

use super::error::ContextError;
use crate::image::Blob;
use crate::image::contents::{LayerStack, Piece};
use crate::layer::compression::sniff;
use crate::layer::overlay::ContentRange;
use crate::layer::{LayerIndex, Limits, Overlay, ScanError, scan};
use crate::oci::DiffId;

/// The files of a tar.
pub struct Tarball {
    /// What is in it.
    pub view: Overlay,
    /// The contents.
    pub contents: LayerStack,
    /// Its digest, uncompressed: one, or none if it is empty.
    pub diff_ids: Vec<DiffId>,
}

impl Tarball {
    /// A tar with nothing in it.
    pub fn empty() -> Self {
        let view = Overlay::build(std::iter::empty::<std::iter::Empty<_>>()).expect("nothing cannot be wrong");
        Self { view, contents: LayerStack::none(), diff_ids: Vec::new() }
    }

    /// Reads a tar, compressed or not, to its end; `place` is what it is called in errors.
    pub fn read(stream: &mut (dyn Read + Send), place: &str, limits: &Limits) -> Result<Self, ContextError> {
        let damaged = |source| ContextError::Tar { place: place.to_owned(), source };
        let file = tempfile::tempfile().map_err(ContextError::Temporary)?;
        let (compression, packed) = sniff(stream).map_err(|error| damaged(error.into()))?;
        let tar = compression.decoder(packed, limits).map_err(|error| damaged(error.into()))?;
        let mut index = BufWriter::new(tempfile::tempfile().map_err(ContextError::Temporary)?);
        let spooling = Spooling { from: tar, to: &file };
        let seen = scan(spooling, limits, &mut index).map_err(|error| match error {
            ScanError::Index { source } => ContextError::Temporary(source),
            error => damaged(error),
        })?;
        let index = index.into_inner().map_err(|error| ContextError::Temporary(error.into_error()))?;
        (&index).rewind().map_err(ContextError::Temporary)?;
        let broken = |error: crate::layer::IndexError| ContextError::Temporary(io::Error::other(error));
        let entries = LayerIndex::read(index).map_err(broken)?;
        let view =
            Overlay::build([entries]).map_err(|source| ContextError::Overlay { place: place.to_owned(), source })?;
        let blob = Blob::range(Arc::new(file), 0, seen.summary.tar_size);
        let unknown = |_| Err(io::Error::other("a context has no index"));
        let contents = LayerStack::new(vec![blob], limits.clone(), unknown).map_err(ContextError::Temporary)?;
        Ok(Self { view, contents, diff_ids: vec![seen.summary.diff_id] })
    }

    /// The first `limit` bytes of a file in it.
    pub fn read_file(&self, range: ContentRange<'_>, limit: u64) -> io::Result<Vec<u8>> {
        let mut bytes = Vec::new();
        if range.size > limit {
            return Err(io::ErrorKind::FileTooLarge.into());
        }
        self.contents.open(range.layer)?.read(range, |piece| match piece {
            Piece::Hole(size) => io::repeat(0).take(size).read_to_end(&mut bytes).map(drop),
            Piece::Data(mut data) => data.read_to_end(&mut bytes).map(drop),
        })?;
        Ok(bytes)
    }
}

/// Writes what is read to a file.
struct Spooling<'a, R> {
    from: R,
    to: &'a File,
}

impl<R: Read> Read for Spooling<'_, R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let got = self.from.read(into)?;
        self.to.write_all(&into[..got])?;
        Ok(got)
    }
}

/// Whether bytes begin an archive that can be a context: something compressed, or a tar.
pub(super) fn is_archive(start: &[u8], limits: &Limits) -> bool {
    let compression = crate::layer::Compression::detect(start);
    if compression != crate::layer::Compression::None {
        return true;
    }
    // The first header is enough, whatever follows.
    let header = start.get(..512).unwrap_or_default();
    matches!(crate::layer::TarReader::new(BufReader::new(Cursor::new(header)), limits).next(), Ok(Some(_)))
        || (start.len() >= 1024 && start[..1024].iter().all(|byte| *byte == 0))
}
