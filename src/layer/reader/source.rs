//! The input of a tar reader: a stream, or a file in which contents are skipped by seeking.

use std::io::{self, Read, Seek, SeekFrom};

use super::header::Block;
use crate::layer::unpack::retry;

/// The buffer for streams: large enough that calls cost nothing, small enough for the CPU's cache.
const STREAM_BUFFER: usize = 128 << 10;
/// The buffer for files: mostly headers are read, and small contents after them.
const FILE_BUFFER: usize = 16 << 10;

/// Seeks forward within the file.
type Hop<R> = fn(&mut R, u64) -> io::Result<()>;

/// A buffered reader that tracks its position and can skip.
pub(super) struct SkippingReader<R> {
    reader: R,
    buffer: Box<[u8]>,
    start: usize,
    end: usize,
    position: u64,
    file: Option<File<R>>,
}

/// The state of a seekable source.
struct File<R> {
    length: u64,
    hop: Hop<R>,
}

impl<R: Read> SkippingReader<R> {
    /// A stream: skipping reads.
    pub(super) fn stream(reader: R) -> Self {
        Self::new(reader, STREAM_BUFFER, None)
    }

    fn new(reader: R, buffer: usize, file: Option<File<R>>) -> Self {
        Self { reader, buffer: vec![0; buffer].into_boxed_slice(), start: 0, end: 0, position: 0, file }
    }

    /// How many bytes were consumed.
    pub(super) fn position(&self) -> u64 {
        self.position
    }

    /// Reads some bytes; none at the end. Large reads bypass the buffer.
    pub(super) fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
        if self.start == self.end && bytes.len() >= self.buffer.len() {
            let count = retry(|| self.reader.read(bytes))?;
            self.position += count as u64;
            return Ok(count);
        }
        let ready = self.fill()?;
        let count = ready.len().min(bytes.len());
        bytes[..count].copy_from_slice(&ready[..count]);
        self.pass(count);
        Ok(count)
    }

    /// Reads up to a block; less only at the end.
    pub(super) fn read_block(&mut self, block: &mut Block) -> io::Result<usize> {
        let mut count = 0;
        while count < block.len() {
            match self.read(&mut block[count..])? {
                0 => break,
                more => count += more,
            }
        }
        Ok(count)
    }

    /// Skips `distance` bytes; false if the input ends before.
    pub(super) fn skip(&mut self, distance: u64) -> io::Result<bool> {
        let mut left = distance;
        while left > 0 {
            let buffered = usize::try_from(left).map_or(self.end - self.start, |left| left.min(self.end - self.start));
            self.pass(buffered);
            left -= buffered as u64;
            if left == 0 {
                break;
            }
            if let Some(File { length, hop }) = self.file {
                let step = left.min(length.saturating_sub(self.position));
                hop(&mut self.reader, step)?;
                self.position += step;
                return Ok(step == left);
            }
            if self.fill()?.is_empty() {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Skips like [`SkippingReader::skip`], but reads the bytes and passes them to `each`.
    pub(super) fn show(&mut self, distance: u64, mut each: impl FnMut(&[u8])) -> io::Result<bool> {
        let mut left = distance;
        while left > 0 {
            let ready = self.fill()?;
            let count = usize::try_from(left).map_or(ready.len(), |left| left.min(ready.len()));
            if count == 0 {
                return Ok(false);
            }
            each(&ready[..count]);
            self.pass(count);
            left -= count as u64;
        }
        Ok(true)
    }

    fn fill(&mut self) -> io::Result<&[u8]> {
        if self.start == self.end {
            self.start = 0;
            self.end = 0;
            self.end = retry(|| self.reader.read(&mut self.buffer))?;
        }
        Ok(&self.buffer[self.start..self.end])
    }

    fn pass(&mut self, bytes: usize) {
        self.start += bytes;
        self.position += bytes as u64;
    }
}

impl<R: Read + Seek> SkippingReader<R> {
    /// A file, from its start: skipping seeks, but never beyond the end.
    pub(super) fn file(mut reader: R) -> io::Result<Self> {
        let length = reader.seek(SeekFrom::End(0))?;
        reader.rewind()?;
        let hop: Hop<R> = |reader, distance| {
            let distance = i64::try_from(distance).expect("a distance within a file");
            reader.seek_relative(distance)
        };
        Ok(Self::new(reader, FILE_BUFFER, Some(File { length, hop })))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Seven bytes that count up at 7-byte boundaries: long enough to pass either buffer.
    fn bytes() -> Vec<u8> {
        (0..300_000_u32).map(|at| u8::try_from(at / 7 % 251).expect("below 251")).collect()
    }

    fn walk<R: Read>(mut source: SkippingReader<R>) {
        let bytes = bytes();
        let mut block = [0; 512];
        for distance in [0, 1, 511, 20_000, 140_000, 3] {
            assert!(source.skip(distance).expect("in memory"));
            let at = usize::try_from(source.position()).expect("small");
            assert_eq!(source.read_block(&mut block).expect("in memory"), 512);
            assert_eq!(block, bytes[at..at + 512]);
        }
        let mut large = vec![0; 200_000];
        let at = usize::try_from(source.position()).expect("small");
        let count = source.read(&mut large).expect("in memory");
        assert_eq!(large[..count], bytes[at..at + count]);
        assert!(!source.skip(300_000).expect("in memory"));
        assert_eq!(source.position(), 300_000);
        assert_eq!(source.read_block(&mut block).expect("in memory"), 0);
        assert!(source.skip(0).expect("in memory"));
        assert!(!source.skip(1).expect("in memory"));
    }

    #[test]
    fn streams_and_files_skip_alike() {
        walk(SkippingReader::stream(&bytes()[..]));
        walk(SkippingReader::file(io::Cursor::new(bytes())).expect("in memory"));
    }
}
