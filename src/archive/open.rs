//! Opening an archive: from a file or a stream to the table of its members.

use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::{Error, TarIndex};
use crate::image::Blob;
use crate::layer::compression::sniff;
use crate::layer::{Compression, Limits, TarReader};

/// How an archive's bytes can be reached.
pub enum Archive {
    /// A regular file with an uncompressed tar: its members are ranges of it.
    Plain(Arc<File>),
    /// A regular file with a compressed tar.
    Packed(PathBuf, Compression),
    /// Anything else: it can be read once.
    Stream(File),
}

/// Opens `path` and looks at its first bytes.
pub fn open_file(path: &Path) -> io::Result<Archive> {
    let file = File::open(path)?;
    if !file.metadata()?.is_file() {
        return Ok(Archive::Stream(file));
    }
    let blob = Blob::range(Arc::new(file.try_clone()?), 0, file.metadata()?.len());
    Ok(match blob.compression()? {
        Compression::None => Archive::Plain(Arc::new(file)),
        packed => Archive::Packed(path.to_owned(), packed),
    })
}

/// Reads the headers of an uncompressed tar in a file, skipping the contents.
pub fn index_plain(file: &Arc<File>, limits: &Limits) -> Result<TarIndex, Error> {
    let size = file.metadata().map_err(Error::Read)?.len();
    let reader = Blob::range(Arc::clone(file), 0, size).open().map_err(Error::Read)?;
    let mut tar = TarReader::seekable(reader, limits).map_err(Error::Read)?;
    TarIndex::read(&mut tar, |entry, _| Ok(Blob::range(Arc::clone(file), entry.content_offset, entry.size)))
}

/// Reads a stream once, compressed or not; `take` is given the bytes of each regular file and its size.
pub fn open_stream(
    stream: impl Read + Send,
    limits: &Limits,
    take: &mut dyn FnMut(&mut (dyn Read + Send), u64) -> Result<Blob, Error>,
) -> Result<TarIndex, Error> {
    let (compression, raw) = sniff(stream).map_err(Error::Read)?;
    let tar = compression.decoder(raw, limits).map_err(Error::Read)?;
    let mut tar = TarReader::new(tar, limits);
    TarIndex::read(&mut tar, |entry, tar| take(&mut tar.content(), entry.size))
}

/// The tar of a compressed archive.
pub(super) fn unpacked(path: &Path, limits: &Limits) -> io::Result<Box<dyn Read + Send>> {
    let (compression, raw) = sniff(File::open(path)?)?;
    compression.decoder(raw, limits)
}
