//! Layers in another compression.
//!
//! The output depends only on the tar and the level: blocks are the same however many threads compress them.

use std::fs::File;
use std::io::{self, Read, Write};
use std::sync::{Arc, Mutex, PoisonError};

use super::gzip::ParallelGzip;
use crate::image::Blob;
use crate::image::copy::{self, CountedReader, Moved};
use crate::image::work;
use crate::layer::compression::sniff;
use crate::layer::{Compression, Limits};
use crate::oci::{DiffId, Digest, Hasher};

/// How a layer's bytes change on their way out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Recode {
    /// Any compression is undone.
    Unpack,
    /// gzip, with zlib's levels 1 to 9.
    Gzip(u32),
    /// zstd, with levels 1 to 22.
    Zstd(i32),
}

/// The result of compressing a layer.
pub(super) struct Packed {
    pub(super) digest: Digest,
    pub(super) size: u64,
    /// The diff ID of the input.
    pub(super) diff_id: DiffId,
}

impl Recode {
    /// The compression that comes out.
    pub fn compression(self) -> Compression {
        match self {
            Self::Unpack => Compression::None,
            Self::Gzip(_) => Compression::Gzip,
            Self::Zstd(_) => Compression::Zstd,
        }
    }

    /// A reader of the bytes as they are to be written.
    pub fn open(self, blob: &Blob) -> io::Result<Box<dyn Read + Send>> {
        let (compression, raw) = sniff(blob.open()?)?;
        self.encode(compression.decoder(raw, &Limits::default())?, work::cores())
    }

    /// A reader of what becomes of the bytes of a layer, of whatever compression they are.
    pub fn stream<'a>(self, layer: Box<dyn Read + Send + 'a>) -> io::Result<Box<dyn Read + Send + 'a>> {
        let (compression, raw) = sniff(layer)?;
        self.encode(compression.decoder(raw, &Limits::default())?, work::cores())
    }

    /// Writes the recoded layer to `to` with this many threads, and reports to `moved` how many bytes of `blob` were
    /// read.
    pub(super) fn pack(self, blob: &Blob, to: &mut dyn Write, threads: usize, moved: Moved<'_>) -> io::Result<Packed> {
        let (compression, raw) = sniff(CountedReader { inner: blob.open()?, moved })?;
        let seen = Arc::new(Mutex::new(Hasher::new()));
        let tar = ObservedReader { tar: compression.decoder(raw, &Limits::default())?, hasher: Arc::clone(&seen) };
        let (digest, size) = copy::send(&mut self.encode(Box::new(tar), threads)?, to, &|_| {})?;
        let hasher = std::mem::take(&mut *seen.lock().unwrap_or_else(PoisonError::into_inner));
        Ok(Packed { digest, size, diff_id: DiffId::new(hasher.finish()) })
    }

    fn encode<'a>(self, tar: Box<dyn Read + Send + 'a>, threads: usize) -> io::Result<Box<dyn Read + Send + 'a>> {
        Ok(match self {
            Self::Unpack => tar,
            Self::Gzip(level) => Box::new(ParallelGzip::new(tar, level, threads)),
            Self::Zstd(level) => Box::new(zstd_encoder(tar, level, threads)?),
        })
    }
}

/// Compresses with zstd's threads, at least one: without any, the output differs.
fn zstd_encoder<'a>(tar: impl Read + Send + 'a, level: i32, threads: usize) -> io::Result<impl Read + Send + 'a> {
    /// At high levels each thread takes hundreds of megabytes.
    const LEVEL_OF_MUCH_MEMORY: i32 = 20;
    let most = if level >= LEVEL_OF_MUCH_MEMORY { 1 } else { 32 };
    let mut encoder = zstd::stream::read::Encoder::with_buffer(io::BufReader::with_capacity(copy::CHUNK, tar), level)?;
    encoder.multithread(u32::try_from(threads.clamp(1, most)).unwrap_or(1))?;
    Ok(encoder)
}

/// A layer's tar that is hashed as it is read.
struct ObservedReader<R> {
    tar: R,
    hasher: Arc<Mutex<Hasher>>,
}

impl<R: Read> Read for ObservedReader<R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let got = self.tar.read(into)?;
        self.hasher.lock().unwrap_or_else(PoisonError::into_inner).update(&into[..got]);
        Ok(got)
    }
}

/// A file without a name, for data whose digest is needed before it is written to its destination. `None` where it
/// cannot be created.
pub(super) fn scratch(folder: Option<&std::path::Path>) -> Option<File> {
    tempfile::tempfile_in(folder?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Gives a few bytes at a time.
    struct Slow<R>(R);

    impl<R: Read> Read for Slow<R> {
        fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
            let few = into.len().min(7_001);
            self.0.read(&mut into[..few])
        }
    }

    #[test]
    fn the_same_bytes_with_any_number_of_threads() {
        // More than two of zstd's jobs of 8 MiB, and less than one.
        for size in [20_000_003_u32, 1000, 0] {
            let tar: Vec<u8> = (0..size).map(|at| (at.wrapping_mul(2_654_435_761) >> 21).to_le_bytes()[0]).collect();
            for recode in [Recode::Zstd(3), Recode::Gzip(1), Recode::Gzip(6)] {
                let mut outputs = Vec::new();
                for threads in [1, 2, 3, 8] {
                    let mut packed = Vec::new();
                    let input: Box<dyn Read + Send> =
                        if threads == 2 { Box::new(Slow(&tar[..])) } else { Box::new(&tar[..]) };
                    recode.encode(input, threads).expect("an encoder").read_to_end(&mut packed).expect("memory");
                    outputs.push(packed);
                }
                outputs.dedup();
                assert_eq!(outputs.len(), 1, "{recode:?} of {size} bytes");
                let back = Recode::Unpack.open(&Blob::bytes(outputs.remove(0))).expect("a layer");
                assert!(io::BufReader::new(back).bytes().map(|byte| byte.expect("it unpacks")).eq(tar.iter().copied()));
            }
        }
    }
}
