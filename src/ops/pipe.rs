//! A layer that one thread writes while another one hashes and keeps it.

use std::io::{self, Read, Write};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread;

use crate::image::copy::CHUNK;
use crate::image::progress::Moved;
use crate::store::{Error, Quarantine, VerifiedLayer};

/// How many chunks may wait for the thread that keeps them.
const WAITING: usize = 8;

/// Keeps the layer that `write` writes. It ends with [`PipeWriter::end`]; without that it is cut, and not kept. The
/// second is what became of writing, also if nobody read on.
pub fn keep_written<E: Send>(
    quarantine: &Quarantine,
    what: &str,
    moved: Moved<'_>,
    write: impl FnOnce(PipeWriter) -> Result<(), E> + Send,
) -> (Result<VerifiedLayer, Error>, Result<(), E>) {
    let (sender, receiver) = sync_channel(WAITING);
    let pipe = PipeWriter { sender, chunk: Vec::new() };
    let mut layer = PipeReader { receiver, chunk: Vec::new(), at: 0, is_whole: false };
    thread::scope(|scope| {
        let writer = scope.spawn(move || write(pipe));
        let kept = quarantine.keep_layer_once(&mut layer, what, moved);
        // A writer that nobody reads from any more ends.
        drop(layer);
        match writer.join() {
            Ok(written) => (kept, written),
            Err(panic) => std::panic::resume_unwind(panic),
        }
    })
}

/// Passes bytes to another thread.
pub struct PipeWriter {
    sender: SyncSender<Vec<u8>>,
    chunk: Vec<u8>,
}

impl PipeWriter {
    fn pass(&mut self) -> io::Result<()> {
        let chunk = std::mem::take(&mut self.chunk);
        self.sender.send(chunk).map_err(|_| io::ErrorKind::BrokenPipe.into())
    }

    /// Passes the rest, and then an empty chunk: without it, the other end knows that the layer is cut.
    pub fn end(&mut self) -> io::Result<()> {
        if !self.chunk.is_empty() {
            self.pass()?;
        }
        self.pass()
    }
}

impl Write for PipeWriter {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.chunk.capacity() == 0 {
            self.chunk.reserve_exact(CHUNK);
        }
        let taken = bytes.len().min(CHUNK - self.chunk.len());
        self.chunk.extend_from_slice(&bytes[..taken]);
        if self.chunk.len() == CHUNK {
            self.pass()?;
        }
        Ok(taken)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// The other end.
struct PipeReader {
    receiver: Receiver<Vec<u8>>,
    chunk: Vec<u8>,
    at: usize,
    is_whole: bool,
}

impl Read for PipeReader {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        if self.at == self.chunk.len() && !self.is_whole {
            let cut = |_| io::Error::new(io::ErrorKind::UnexpectedEof, "the layer could not be written to its end");
            (self.chunk, self.at) = (self.receiver.recv().map_err(cut)?, 0);
            self.is_whole = self.chunk.is_empty();
        }
        let taken = into.len().min(self.chunk.len() - self.at);
        into[..taken].copy_from_slice(&self.chunk[self.at..self.at + taken]);
        self.at += taken;
        Ok(taken)
    }
}
