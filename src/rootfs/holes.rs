//! Reads files without reading their holes.

use std::fs::File;
use std::io;
use std::ops::Range;
use std::os::unix::fs::FileExt as _;

use rustix::fs::{SeekFrom, seek};
use rustix::io::Errno;

/// Smaller files are read whole: asking for their holes would take longer.
const SMALL: u64 = 1 << 20;

/// The next data segment of a file from `at` on; empty and at `end` if there is none. If the file system does not
/// report holes, everything is data.
pub(super) fn next_data(file: &File, at: u64, end: u64) -> Range<u64> {
    if end - at < SMALL {
        return at..end;
    }
    let start = match seek(file, SeekFrom::Data(at)) {
        Ok(start) => start.clamp(at, end),
        Err(Errno::NXIO) => return end..end,
        Err(_) => return at..end,
    };
    let stop = seek(file, SeekFrom::Hole(start)).map_or(end, |stop| stop.clamp(start, end));
    start..stop
}

/// Reads a file from its start. Holes become zeros without being read.
#[derive(Debug)]
pub struct SparseContent {
    file: File,
    at: u64,
    size: u64,
    data: Range<u64>,
}

impl SparseContent {
    /// The first `size` bytes of a file.
    pub fn new(file: File, size: u64) -> Self {
        let data = next_data(&file, 0, size);
        Self { file, at: 0, size, data }
    }

    /// The number of remaining bytes.
    pub fn left(&self) -> u64 {
        self.size - self.at
    }

    /// The file.
    pub fn file(&self) -> &File {
        &self.file
    }

    /// Reads some of the remaining bytes; none if the file ends early.
    pub fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        if self.at == self.data.end && self.left() > 0 {
            self.data = next_data(&self.file, self.at, self.size);
        }
        let is_hole = self.at < self.data.start;
        let end = if is_hole { self.data.start } else { self.data.end };
        let want = into.len().min(usize::try_from(end - self.at).unwrap_or(usize::MAX));
        let got = if is_hole {
            into[..want].fill(0);
            want
        } else {
            self.file.read_at(&mut into[..want], self.at)?
        };
        self.at += got as u64;
        Ok(got)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_with_holes_is_read_whole() {
        let file = tempfile::tempfile().expect("a file");
        let size = 5 * SMALL + 3;
        file.set_len(size).expect("a length");
        for at in [SMALL + 5, 3 * SMALL, size - 1] {
            file.write_all_at(b"x", at).expect("a write");
        }
        let (mut content, mut read, mut buffer) = (SparseContent::new(file, size), Vec::new(), vec![1; 100_000]);
        while content.left() > 0 {
            let got = content.read(&mut buffer).expect("a file");
            assert!(got > 0, "it ends too soon");
            read.extend_from_slice(&buffer[..got]);
        }
        let places: Vec<u64> = (0..).zip(&read).filter(|(_, byte)| **byte != 0).map(|(at, _)| at).collect();
        assert_eq!((places, read.len() as u64), (vec![SMALL + 5, 3 * SMALL, size - 1], size));
    }

    #[test]
    fn a_file_that_was_cut_ends() {
        let file = tempfile::tempfile().expect("a file");
        file.set_len(7).expect("a length");
        let (mut content, mut buffer) = (SparseContent::new(file, 10), [1; 10]);
        assert_eq!(content.read(&mut buffer).expect("a file"), 7);
        assert_eq!((content.read(&mut buffer).expect("a file"), content.left()), (0, 3));
    }
}
