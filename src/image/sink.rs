//! A sequential output: a new file, where the kernel moves ranges and holes stay holes, or any stream. The bytes are
//! the same either way.

use std::fs::File;
use std::io::{self, Read, Write};
use std::os::unix::fs::FileExt as _;

use super::contents::Data;
use super::copy::CHUNK;
use super::kernel;

/// The least size of a range that is moved by the kernel: below it, system calls cost more than copying.
const WORTH_MOVING: u64 = 128 << 10;
const ZEROS: [u8; 4096] = [0; 4096];

/// A sequential output that buffers small writes.
pub struct Sink<'a> {
    to: To<'a>,
    buffer: Vec<u8>,
}

enum To<'a> {
    /// A file that was empty, and its size now.
    File(&'a File, u64),
    Stream(&'a mut dyn Write),
}

impl<'a> Sink<'a> {
    /// Writes to a file that is empty.
    pub fn file(file: &'a File) -> Self {
        Self { to: To::File(file, 0), buffer: Vec::with_capacity(CHUNK) }
    }

    /// Writes to a stream that cannot seek.
    pub fn stream(stream: &'a mut dyn Write) -> Self {
        Self { to: To::Stream(stream), buffer: Vec::with_capacity(CHUNK) }
    }

    /// Writes `count` zeros.
    pub fn zeros(&mut self, count: u64) -> io::Result<()> {
        if let To::File(..) = self.to
            && count > CHUNK as u64
        {
            self.send()?;
            let To::File(file, at) = &mut self.to else { return Ok(()) };
            *at += count;
            return file.set_len(*at);
        }
        let mut left = count;
        while left > 0 {
            let some = usize::try_from(left.min(ZEROS.len() as u64)).expect("not more than there are");
            self.write_all(&ZEROS[..some])?;
            left -= some as u64;
        }
        Ok(())
    }

    /// Writes what is left of `data`, in one go where that is possible.
    pub fn data(&mut self, data: &mut Data<'_, '_>) -> io::Result<()> {
        if let To::File(..) = self.to
            && let Some((from, offset)) = data.as_range()
            && data.left() >= WORTH_MOVING
        {
            return self.range(from, offset, data.left());
        }
        self.copy(data)
    }

    /// Writes `length` bytes of a file; an early end of the file is an error.
    pub fn range(&mut self, from: &File, offset: u64, length: u64) -> io::Result<()> {
        let mut moved = 0;
        if let To::File(..) = self.to
            && length >= WORTH_MOVING
        {
            self.send()?;
            if let To::File(file, at) = &mut self.to {
                moved = kernel::move_range(from, offset, file, *at, length, &|_| {})?;
                *at += moved;
            }
        }
        self.copy(&mut SinkPart { file: from, at: offset + moved, left: length - moved })
    }

    /// Writes all that a reader gives.
    fn copy(&mut self, from: &mut dyn Read) -> io::Result<()> {
        loop {
            if self.buffer.len() >= CHUNK {
                self.send()?;
            }
            let room = (CHUNK - self.buffer.len()) as u64;
            if from.take(room).read_to_end(&mut self.buffer)? == 0 {
                return Ok(());
            }
        }
    }

    /// Writes what is still buffered.
    pub fn finish(mut self) -> io::Result<()> {
        self.send()?;
        match self.to {
            To::File(..) => Ok(()),
            To::Stream(stream) => stream.flush(),
        }
    }

    fn send(&mut self) -> io::Result<()> {
        match &mut self.to {
            To::File(file, at) => {
                file.write_all_at(&self.buffer, *at)?;
                *at += self.buffer.len() as u64;
            }
            To::Stream(stream) => stream.write_all(&self.buffer)?,
        }
        self.buffer.clear();
        Ok(())
    }
}

impl Write for Sink<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.buffer.len() >= CHUNK {
            self.send()?;
        }
        let count = bytes.len().min(CHUNK - self.buffer.len());
        self.buffer.extend_from_slice(&bytes[..count]);
        Ok(count)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.send()
    }
}

/// What is still to be read of a part of a file.
struct SinkPart<'a> {
    file: &'a File,
    at: u64,
    left: u64,
}

impl Read for SinkPart<'_> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let want = into.len().min(usize::try_from(self.left).unwrap_or(usize::MAX));
        let got = self.file.read_at(&mut into[..want], self.at)?;
        if got == 0 && want > 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        self.at += got as u64;
        self.left -= got as u64;
        Ok(got)
    }
}

#[cfg(test)]
mod tests {
    use std::io::{Seek as _, SeekFrom};
    use std::sync::Arc;

    use super::*;
    use crate::image::Blob;
    use crate::image::contents::{Contents, Piece};
    use crate::layer::overlay::ContentRange;
    use crate::layer::{Checksum, Limits};

    /// Writes the same to a sink: small and large parts of a layer, small and large holes.
    fn fill(layer: &Blob, mut sink: Sink<'_>) {
        let mut contents = Contents::open(layer, &Limits::default()).expect("a layer");
        for (content_offset, size) in [(0, 10), (100, WORTH_MOVING), (300_000, 3 * CHUNK as u64), (2_000_000, 7)] {
            sink.write_all(b"header").expect("a write");
            let mut bytes = layer.open().expect("a layer");
            bytes.seek(SeekFrom::Start(content_offset)).expect("inside");
            let mut content = Vec::new();
            bytes.take(size).read_to_end(&mut content).expect("bytes");
            let checksum = Checksum::of(&content);
            let source = ContentRange { layer: 0, content_offset, size, sparse: None, checksum };
            let copy = |piece: Piece<'_, '_>| match piece {
                Piece::Hole(size) => sink.zeros(size),
                Piece::Data(mut data) => sink.data(&mut data),
            };
            contents.read(source, copy).expect("bytes");
            sink.zeros(size % 512).expect("a write");
        }
        sink.zeros(3 * CHUNK as u64 + 5).expect("a write");
        sink.finish().expect("a write");
    }

    #[test]
    fn files_and_streams_get_the_same_bytes() {
        let bytes: Vec<u8> = (0..3_000_000_u32).map(|at| u8::try_from(at % 241).expect("small")).collect();
        let mut file = tempfile::tempfile().expect("a temporary file");
        file.write_all(&bytes).expect("a write");
        let mut expected = Vec::new();
        for (offset, size) in [(0, 10), (100, 128 << 10), (300_000, 3 * CHUNK), (2_000_000, 7)] {
            expected.extend_from_slice(b"header");
            expected.extend_from_slice(&bytes[offset..offset + size]);
            expected.resize(expected.len() + size % 512, 0);
        }
        expected.resize(expected.len() + 3 * CHUNK + 5, 0);
        for layer in [Blob::range(Arc::new(file), 0, bytes.len() as u64), Blob::bytes(bytes)] {
            let mut stream = Vec::new();
            fill(&layer, Sink::stream(&mut stream));
            assert!(stream == expected, "{layer:?} to a stream");
            let file = Arc::new(tempfile::tempfile().expect("a temporary file"));
            fill(&layer, Sink::file(&file));
            let size = file.metadata().expect("a file").len();
            let written = Blob::range(file, 0, size).read_all(size).expect("what was written");
            assert!(written == expected, "{layer:?} to a file");
        }
    }
}
