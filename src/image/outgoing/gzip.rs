//! gzip with several threads, as pigz does it: blocks are compressed separately, each with the end of the previous one
//! as its dictionary, and joined to one stream. The output does not depend on the number of threads.

use std::io::{self, Read};
use std::sync::{Mutex, PoisonError};

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
    /// Used again for each round: what many threads allocate and free in turn stays with the process.
    blocks: Vec<Block>,
    out: Vec<u8>,
    at: usize,
    done: bool,
}

impl<R: Read> ParallelGzip<R> {
    pub(super) fn new(tar: R, level: u32, threads: usize) -> Self {
        let (crc, window) = (Crc::new(), Vec::new());
        let (blocks, out) = (Vec::new(), header(level).to_vec());
        Self { tar, level, threads, window, crc, blocks, out, at: 0, done: false }
    }

    /// Compresses as many blocks as there is work for all threads.
    fn next_blocks(&mut self) -> io::Result<()> {
        let mut count = 0;
        while count < self.threads * BLOCKS_A_THREAD && !self.done {
            if self.blocks.len() == count {
                self.blocks.push(Block::default());
            }
            let block = &mut self.blocks[count];
            block.bytes.clear();
            block.bytes.reserve(BLOCK);
            self.tar.by_ref().take(BLOCK as u64).read_to_end(&mut block.bytes)?;
            self.crc.update(&block.bytes);
            self.done = block.bytes.len() < BLOCK;
            std::mem::swap(&mut block.before, &mut self.window);
            self.window.clear();
            self.window.extend_from_slice(&block.bytes[block.bytes.len().saturating_sub(WINDOW)..]);
            block.last = self.done;
            count += 1;
        }
        let blocks = &self.blocks[..count];
        work::for_each(blocks, self.threads, |_, block| block.deflate(self.level))?;
        self.out.clear();
        self.at = 0;
        for block in blocks {
            self.out.extend_from_slice(&block.packer().packed);
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

#[derive(Default)]
struct Block {
    bytes: Vec<u8>,
    before: Vec<u8>,
    last: bool,
    packer: Mutex<Packer>,
}

/// Compresses one block after the other.
#[derive(Default)]
struct Packer {
    compress: Option<Compress>,
    packed: Vec<u8>,
}

impl Block {
    fn packer(&self) -> std::sync::MutexGuard<'_, Packer> {
        self.packer.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn deflate(&self, level: u32) -> io::Result<()> {
        /// What a flush takes at most, and more.
        const ROOM: usize = 1 << 10;
        let mut packer = self.packer();
        let Packer { compress, packed } = &mut *packer;
        let compress = compress.get_or_insert_with(|| Compress::new(Compression::new(level), false));
        compress.reset();
        if !self.before.is_empty() {
            compress.set_dictionary(&self.before)?;
        }
        let flush = if self.last { FlushCompress::Finish } else { FlushCompress::Sync };
        packed.clear();
        packed.reserve(self.bytes.len() + self.bytes.len() / 8 + ROOM);
        let start = compress.total_in();
        loop {
            let taken = usize::try_from(compress.total_in() - start).map_err(io::Error::other)?;
            let status = compress.compress_vec(&self.bytes[taken..], packed, flush)?;
            let all = compress.total_in() - start == self.bytes.len() as u64 && packed.len() < packed.capacity();
            if status == Status::StreamEnd || (all && !self.last) {
                return Ok(());
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
