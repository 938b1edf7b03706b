//! gzip with several threads, as pigz does it: blocks are compressed separately, each with the end of the previous one
//! as its dictionary, and joined to one stream. The output does not depend on the number of threads.

use std::collections::VecDeque;
use std::io::{self, Read};
use std::sync::mpsc::{self, Receiver, SyncSender};
use std::thread::JoinHandle;

use flate2::{Compress, Compression, Crc, FlushCompress, Status};

/// The size of a block: large enough that the overhead per block does not matter.
const BLOCK: usize = 512 << 10;
/// The window of deflate.
const WINDOW: usize = 32 << 10;
/// Blocks per thread that are on their way: threads go on while the bytes of others are taken.
const BLOCKS_A_THREAD: usize = 2;

/// A reader of the compressed bytes of a tar.
///
/// ```text
/// tar ─▶ blocks, to one thread after the other ─▶ packed, in the same order ─▶ whoever reads
/// ```
pub(super) struct ParallelGzip<R> {
    tar: R,
    /// The end of the block before.
    window: Vec<u8>,
    crc: Crc,
    workers: Vec<Worker>,
    /// The workers that have blocks, the oldest block first.
    order: VecDeque<usize>,
    /// Which worker gets the next block.
    next: usize,
    /// Used again: what many threads allocate and free in turn stays with the process.
    free: Vec<Block>,
    out: Vec<u8>,
    at: usize,
    /// All of the tar was read.
    is_read: bool,
    /// The end of the stream was made.
    is_done: bool,
}

impl<R: Read> ParallelGzip<R> {
    pub(super) fn new(tar: R, level: u32, threads: usize) -> Self {
        let workers = (0..threads.max(1)).map(|_| Worker::start(level)).collect();
        Self {
            tar,
            window: Vec::new(),
            crc: Crc::new(),
            workers,
            order: VecDeque::new(),
            next: 0,
            free: Vec::new(),
            out: header(level).to_vec(),
            at: 0,
            is_read: false,
            is_done: false,
        }
    }

    /// Hands out blocks until each worker has enough to do.
    fn hand_out(&mut self) -> io::Result<()> {
        while !self.is_read && self.order.len() < self.workers.len() * BLOCKS_A_THREAD {
            let mut block = self.free.pop().unwrap_or_default();
            block.bytes.clear();
            block.bytes.reserve(BLOCK);
            self.tar.by_ref().take(BLOCK as u64).read_to_end(&mut block.bytes)?;
            self.crc.update(&block.bytes);
            self.is_read = block.bytes.len() < BLOCK;
            std::mem::swap(&mut block.before, &mut self.window);
            self.window.clear();
            self.window.extend_from_slice(&block.bytes[block.bytes.len().saturating_sub(WINDOW)..]);
            block.is_last = self.is_read;
            self.workers[self.next].give(block)?;
            self.order.push_back(self.next);
            self.next = (self.next + 1) % self.workers.len();
        }
        Ok(())
    }

    /// The next compressed bytes.
    fn advance(&mut self) -> io::Result<()> {
        self.hand_out()?;
        self.out.clear();
        self.at = 0;
        let Some(oldest) = self.order.pop_front() else {
            self.out.extend(self.crc.sum().to_le_bytes());
            self.out.extend(self.crc.amount().to_le_bytes());
            self.is_done = true;
            return Ok(());
        };
        let mut block = self.workers[oldest].take()?;
        std::mem::swap(&mut self.out, &mut block.packed);
        self.free.push(block);
        // So that nobody waits while these bytes are taken.
        self.hand_out()
    }
}

impl<R: Read> Read for ParallelGzip<R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        while self.at == self.out.len() && !self.is_done {
            self.advance()?;
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
    is_last: bool,
    packed: Vec<u8>,
}

impl Block {
    fn deflate(&mut self, compress: &mut Compress) -> io::Result<()> {
        /// What a flush takes at most, and more.
        const ROOM: usize = 1 << 10;
        let Self { bytes, before, is_last, packed } = self;
        if !before.is_empty() {
            compress.set_dictionary(before)?;
        }
        let flush = if *is_last { FlushCompress::Finish } else { FlushCompress::Sync };
        packed.clear();
        packed.reserve(bytes.len() + bytes.len() / 8 + ROOM);
        loop {
            let taken = usize::try_from(compress.total_in()).map_err(io::Error::other)?;
            let status = compress.compress_vec(&bytes[taken..], packed, flush)?;
            let all = compress.total_in() == bytes.len() as u64 && packed.len() < packed.capacity();
            if status == Status::StreamEnd || (all && !*is_last) {
                return Ok(());
            }
            packed.reserve(ROOM);
        }
    }
}

/// A thread that compresses the blocks that it is given, one behind the other.
struct Worker {
    /// None, once it is to end.
    blocks: Option<SyncSender<Block>>,
    packed: Receiver<io::Result<Block>>,
    thread: Option<JoinHandle<()>>,
}

impl Worker {
    fn start(level: u32) -> Self {
        let (blocks, given) = mpsc::sync_channel::<Block>(BLOCKS_A_THREAD);
        let (done, packed) = mpsc::sync_channel(BLOCKS_A_THREAD);
        let thread = std::thread::spawn(move || {
            for mut block in given {
                // Not used again: after a reset it may find other matches than a new one, and what comes out would depend
                // on how many threads there are.
                let mut compress = Compress::new(Compression::new(level), false);
                let result = block.deflate(&mut compress).map(|()| block);
                if done.send(result).is_err() {
                    return;
                }
            }
        });
        Self { blocks: Some(blocks), packed, thread: Some(thread) }
    }

    fn give(&self, block: Block) -> io::Result<()> {
        self.blocks.as_ref().and_then(|blocks| blocks.send(block).ok()).ok_or_else(ended)
    }

    fn take(&self) -> io::Result<Block> {
        self.packed.recv().map_err(|_| ended())?
    }
}

/// The thread has panicked.
fn ended() -> io::Error {
    io::Error::other("a thread that compresses has ended")
}

impl Drop for Worker {
    fn drop(&mut self) {
        self.blocks = None;
        // It may wait for somebody to take what it has done.
        while self.packed.recv().is_ok() {}
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
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
