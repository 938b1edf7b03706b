//! gzip with several threads, as pigz does it: blocks are compressed separately, each with the end of the previous one
//! as its dictionary, and joined to one stream. The output does not depend on the number of threads.

use std::io::{self, Read};

use flate2::{Compress, Compression, Crc, FlushCompress, Status};

use crate::image::work;

/// The size of a block: large enough that the overhead per block does not matter.
const BLOCK: usize = 512 << 10;
/// The window of deflate.
const WINDOW: usize = 32 << 10;
/// Blocks per thread in one round, so that no thread waits long for a slower one.
const BLOCKS_A_THREAD: usize = 2;

/// A reader of the compressed bytes of a tar.
pub(super) struct ParallelGzip<R> {
    tar: R,
    level: u32,
    threads: usize,
    /// The end of the block before.
    window: Vec<u8>,
    crc: Crc,
    out: Vec<u8>,
    at: usize,
    done: bool,
}

impl<R: Read> ParallelGzip<R> {
    pub(super) fn new(tar: R, level: u32, threads: usize) -> Self {
        let (crc, window) = (Crc::new(), Vec::new());
        Self { tar, level, threads, window, crc, out: header(level).to_vec(), at: 0, done: false }
    }

    /// Compresses as many blocks as there is work for all threads.
    fn next_blocks(&mut self) -> io::Result<()> {
        let mut blocks = Vec::new();
        while blocks.len() < self.threads * BLOCKS_A_THREAD && !self.done {
            let mut bytes = Vec::with_capacity(BLOCK);
            self.tar.by_ref().take(BLOCK as u64).read_to_end(&mut bytes)?;
            self.crc.update(&bytes);
            self.done = bytes.len() < BLOCK;
            let window = bytes[bytes.len().saturating_sub(WINDOW)..].to_vec();
            let before = std::mem::replace(&mut self.window, window);
            blocks.push(Block { bytes, before, last: self.done });
        }
        (self.out, self.at) = (Vec::new(), 0);
        for packed in work::for_each(&blocks, self.threads, |_, block| block.deflate(self.level))? {
            self.out.extend(packed);
        }
        if self.done {
            self.out.extend(self.crc.sum().to_le_bytes());
            self.out.extend(self.crc.amount().to_le_bytes());
        }
        Ok(())
    }
}

impl<R: Read> Read for ParallelGzip<R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        while self.at == self.out.len() && !self.done {
            self.next_blocks()?;
        }
        let got = (&self.out[self.at..]).read(into)?;
        self.at += got;
        Ok(got)
    }
}

/// Without name and time ([RFC 1952](https://www.rfc-editor.org/rfc/rfc1952#section-2.3)).
fn header(level: u32) -> [u8; 10] {
    const UNKNOWN_SYSTEM: u8 = 255;
    let how = match level {
        9 => 2,
        1 => 4,
        _ => 0,
    };
    [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, how, UNKNOWN_SYSTEM]
}

struct Block {
    bytes: Vec<u8>,
    before: Vec<u8>,
    last: bool,
}

impl Block {
    fn deflate(&self, level: u32) -> io::Result<Vec<u8>> {
        /// What a flush takes at most, and more.
        const ROOM: usize = 1 << 10;
        let mut compress = Compress::new(Compression::new(level), false);
        if !self.before.is_empty() {
            compress.set_dictionary(&self.before)?;
        }
        let flush = if self.last { FlushCompress::Finish } else { FlushCompress::Sync };
        let mut packed = Vec::with_capacity(self.bytes.len() + self.bytes.len() / 8 + ROOM);
        let start = compress.total_in();
        loop {
            let taken = usize::try_from(compress.total_in() - start).map_err(io::Error::other)?;
            let status = compress.compress_vec(&self.bytes[taken..], &mut packed, flush)?;
            let all = compress.total_in() - start == self.bytes.len() as u64 && packed.len() < packed.capacity();
            if status == Status::StreamEnd || (all && !self.last) {
                return Ok(packed);
            }
            packed.reserve(ROOM);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocks_are_one_gzip_member() {
        for size in [0, 1, BLOCK - 1, BLOCK, BLOCK + 1, 3 * BLOCK] {
            // As hard to compress as it gets in one half, and with matches across blocks in the other.
            let mut word = 1_u32;
            let tar: Vec<u8> = std::iter::repeat_with(|| {
                word = word.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                if word >> 31 == 0 { 7 } else { word.to_be_bytes()[1] }
            })
            .take(size)
            .collect();
            for level in [1, 6, 9] {
                let mut packed = Vec::new();
                ParallelGzip::new(&tar[..], level, 2).read_to_end(&mut packed).expect("memory");
                let mut unpacked = Vec::new();
                let mut member = flate2::bufread::GzDecoder::new(&packed[..]);
                member.read_to_end(&mut unpacked).expect("one member");
                assert!(unpacked == tar, "{size} bytes at level {level}");
                assert_eq!(member.into_inner(), b"", "and nothing behind it");
            }
        }
    }
}
