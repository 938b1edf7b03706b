//! The one place that moves blobs: into a store's files, and out into archives.
//!
//! Bytes that are a range of a file are moved by the kernel where it can ([`kernel`]), and hashed from where they
//! landed, so that exactly the bytes that are kept are verified.

use std::fs::File;
use std::io::{self, Read, Seek as _, SeekFrom, Write};
use std::os::unix::fs::FileExt as _;
use std::sync::Arc;

pub use crate::image::progress::Moved;
use crate::image::{Blob, kernel};
use crate::layer::compression::sniff;
use crate::layer::{Compression, Limits, Scan, ScanError, scan};
use crate::oci::{Digest, Hasher};

/// Writes all bytes of `blob` to the beginning of `to` and gives their digest.
pub fn land(blob: &Blob, to: &File, moved: Moved<'_>) -> io::Result<Digest> {
    let mut landing = Landing::new(CopySource::blob(blob)?, to, 0, moved);
    Ok(send(&mut landing, &mut io::sink(), &|_| {})?.0)
}

/// Writes all bytes of a layer to `to`, and its index to `index`, in one pass over the bytes.
pub fn land_layer(
    blob: &Blob,
    to: &File,
    index: &mut dyn Write,
    limits: &Limits,
    moved: Moved<'_>,
) -> Result<Scan, ScanError> {
    scan(Landing::new(CopySource::blob(blob)?, to, 0, moved), limits, index)
}

/// As [`land_layer`], but what is written is the uncompressed tar.
pub fn land_layer_unpacked(
    blob: &Blob,
    to: &File,
    index: &mut dyn Write,
    limits: &Limits,
    moved: Moved<'_>,
) -> Result<Scan, ScanError> {
    let (compression, raw) = sniff(CountedReader { inner: blob.open()?, moved })?;
    let tar = compression.decoder(raw, limits)?;
    scan(Landing::new(CopySource::Reader(tar), to, 0, &|_| {}), limits, index)
}

/// As [`land_layer`], for a layer that is read once. Compressions that `undo` selects are decompressed.
pub fn land_layer_once(
    stream: &mut (dyn Read + Send),
    to: &File,
    index: &mut dyn Write,
    limits: &Limits,
    undo: fn(Compression) -> bool,
    moved: Moved<'_>,
) -> Result<Scan, ScanError> {
    let (compression, raw) = sniff(CountedReader { inner: stream, moved })?;
    let bytes: Box<dyn Read + Send + '_> =
        if undo(compression) { compression.decoder(raw, limits)? } else { Box::new(raw) };
    scan(Landing::new(CopySource::Reader(bytes), to, 0, &|_| {}), limits, index)
}

/// Writes all bytes of a stream that is read once to the beginning of `to`; if they are a layer, its index is written
/// to `index`, else the error says why they are not a layer, and the digest is computed from the written file.
pub fn land_stream(
    stream: &mut (dyn Read + Send),
    to: &File,
    index: &mut dyn Write,
    limits: &Limits,
    moved: Moved<'_>,
) -> io::Result<(Result<Scan, ScanError>, Digest, u64)> {
    let mut landing = Landing::new(CopySource::Reader(Box::new(stream)), to, 0, moved);
    let seen = scan(&mut landing, limits, index);
    io::copy(&mut landing, &mut io::sink())?;
    let size = landing.size;
    let digest = match &seen {
        Ok(found) => found.blob,
        Err(_) => send(&mut io::BufReader::new(Written { file: to, at: 0 }), &mut io::sink(), &|_| {})?.0,
    };
    Ok((seen, digest, size))
}

/// Writes all bytes of `blob` into `to` from offset `at` on. Their digest is not computed.
pub fn place(blob: &Blob, to: &File, at: u64, moved: Moved<'_>) -> io::Result<()> {
    let done = match blob.as_range()? {
        Some((file, offset)) => kernel::move_range(&file, offset, to, at, blob.size(), moved)?,
        None => 0,
    };
    let mut rest = blob.open()?;
    if done > 0 {
        rest.seek(SeekFrom::Start(done))?;
    }
    let mut landing = Landing::new(CopySource::Reader(Box::new(rest)), to, at + done, moved);
    io::copy(&mut landing, &mut io::sink()).map(|_| ())
}

/// Writes all bytes of `reader` to `to`, and gives their digest and number.
pub fn send(reader: &mut dyn Read, to: &mut dyn Write, moved: Moved<'_>) -> io::Result<(Digest, u64)> {
    let (mut hasher, mut size, mut buffer) = (Hasher::new(), 0, vec![0; CHUNK]);
    loop {
        let got = match reader.read(&mut buffer) {
            Ok(0) => return Ok((hasher.finish(), size)),
            Ok(got) => got,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(error),
        };
        hasher.update(&buffer[..got]);
        to.write_all(&buffer[..got])?;
        size += got as u64;
        moved(got as u64);
    }
}

/// How much is moved at a time: large enough that system calls do not count, small enough for the processor's cache.
pub const CHUNK: usize = 256 << 10;

enum CopySource<'a> {
    Range { file: Arc<File>, offset: u64, left: u64, by_kernel: bool },
    Reader(Box<dyn Read + Send + 'a>),
}

impl CopySource<'_> {
    fn blob(blob: &Blob) -> io::Result<Self> {
        Ok(match blob.as_range()? {
            Some((file, offset)) => Self::Range { file, offset, left: blob.size(), by_kernel: true },
            None => Self::Reader(Box::new(blob.open()?)),
        })
    }
}

/// A reader that writes its bytes to a file before it returns them.
struct Landing<'a> {
    from: CopySource<'a>,
    to: &'a File,
    at: u64,
    size: u64,
    moved: Moved<'a>,
}

impl<'a> Landing<'a> {
    fn new(from: CopySource<'a>, to: &'a File, at: u64, moved: Moved<'a>) -> Self {
        Self { from, to, at, size: 0, moved }
    }

    /// Moves the next bytes to the file and fills `into` with them.
    fn land(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let at = self.at + self.size;
        match &mut self.from {
            CopySource::Reader(reader) => {
                let got = reader.read(into)?;
                write_at(self.to, &into[..got], at)?;
                Ok(got)
            }
            CopySource::Range { left: 0, .. } => Ok(0),
            CopySource::Range { file, offset, left, by_kernel } => {
                let want = into.len().min(usize::try_from(*left).unwrap_or(usize::MAX));
                let into = &mut into[..want];
                let moved = if *by_kernel { kernel::move_some(file, *offset, self.to, at, want)? } else { 0 };
                let got = if moved > 0 {
                    self.to.read_exact_at(&mut into[..moved], at)?;
                    moved
                } else {
                    *by_kernel = false;
                    let got = file.read_at(into, *offset)?;
                    self.to.write_all_at(&into[..got], at)?;
                    got
                };
                if got == 0 {
                    let text = format!("unexpected end of file, {left} bytes before its time");
                    return Err(io::Error::new(io::ErrorKind::UnexpectedEof, text));
                }
                *offset += got as u64;
                *left -= got as u64;
                Ok(got)
            }
        }
    }
}

/// Writes at the end of a file. Many zeros become a hole.
fn write_at(to: &File, bytes: &[u8], at: u64) -> io::Result<()> {
    /// Fewer zeros would only make many small holes.
    const HOLE: usize = 32 << 10;
    if bytes.len() >= HOLE && bytes.iter().all(|byte| *byte == 0) {
        return to.set_len(at + bytes.len() as u64);
    }
    to.write_all_at(bytes, at)
}

impl Read for Landing<'_> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        if into.is_empty() {
            return Ok(0);
        }
        let got = self.land(into)?;
        self.size += got as u64;
        (self.moved)(got as u64);
        Ok(got)
    }
}

/// Reads a file from its beginning, whatever its position.
struct Written<'a> {
    file: &'a File,
    at: u64,
}

impl Read for Written<'_> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let got = self.file.read_at(into, self.at)?;
        self.at += got as u64;
        Ok(got)
    }
}

/// A reader that reports how many bytes were read.
pub(super) struct CountedReader<'a, R> {
    pub(super) inner: R,
    pub(super) moved: Moved<'a>,
}

impl<R: Read> Read for CountedReader<'_, R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let got = self.inner.read(into)?;
        (self.moved)(got as u64);
        Ok(got)
    }
}
