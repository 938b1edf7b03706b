//! Places in a gzip stream from which decompression can go on, so that a file deep in a layer is reached without reading
//! all that is before it: the idea of zlib's `zran`.
//!
//! ```text
//! gzip   │ header │ block │ block │ block │ block │ … │
//!                         ▲               ▲           a point, every few megabytes of output: where the block begins, to
//!                         │               │           the bit, and the 32 KiB before it, which the block refers to
//! ```
//!
//! What comes out is not verified here: the checksum at the end of the stream is not reached, and callers compare contents
//! with those in the layer's index.

use std::io::{self, BufRead, Read};
use std::sync::{Arc, Mutex, PoisonError};

use miniz_oxide::inflate::TINFLStatus;
use miniz_oxide::inflate::core::inflate_flags::{TINFL_FLAG_HAS_MORE_INPUT, TINFL_FLAG_STOP_ON_BLOCK_BOUNDARY};
use miniz_oxide::inflate::core::{BlockBoundaryState, DecompressorOxide, decompress};

/// How far back deflate refers.
pub const WINDOW: usize = 32 << 10;
/// Output between two points: what has to be decompressed again at most, at about 300 MB a second.
const SPAN: u64 = 4 << 20;
/// The output buffer; a power of two.
const RING: usize = 4 * WINDOW;

/// A place from which decompression can go on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RestartPoint {
    /// How many bytes come out before it.
    pub unpacked: u64,
    /// How many bytes of the stream are used up before it.
    pub packed: u64,
    /// How many bits of the last byte belong to what follows, and these bits.
    pub bits: (u8, u8),
    /// The output before it, 32 KiB if there is so much.
    pub window: Vec<u8>,
}

/// The points that were come by, which may be asked for while the reader is in use elsewhere.
pub type FoundPoints = Arc<Mutex<Vec<RestartPoint>>>;

/// Decompresses a gzip stream from its beginning or from a point, and notes points on its way.
pub struct RestartReader<R> {
    packed: R,
    inflate: Box<DecompressorOxide>,
    ring: Box<[u8]>,
    /// Where in the ring the next output goes.
    at: usize,
    /// What of the ring was not given yet.
    ready: (usize, usize),
    used: u64,
    unpacked: u64,
    place: Place,
    /// The output from which on the next point is noted.
    next: u64,
    points: FoundPoints,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    /// Before the header of a member.
    Header,
    Inside,
    /// Behind the last block of a member.
    Trailer,
    End,
}

impl<R: BufRead> RestartReader<R> {
    /// Reads from the beginning, or if there is a point, from there: then `packed` must be where that is.
    pub fn new(packed: R, point: Option<&RestartPoint>) -> Self {
        let mut reader = Self {
            packed,
            inflate: Box::default(),
            ring: vec![0; RING].into(),
            at: 0,
            ready: (0, 0),
            used: 0,
            unpacked: 0,
            place: Place::Header,
            next: SPAN,
            points: FoundPoints::default(),
        };
        if let Some(point) = point {
            let window = &point.window[point.window.len().saturating_sub(WINDOW)..];
            reader.ring[..window.len()].copy_from_slice(window);
            reader.at = window.len();
            let (num_bits, bit_buf) = point.bits;
            let state = BlockBoundaryState { num_bits, bit_buf, ..BlockBoundaryState::default() };
            *reader.inflate = DecompressorOxide::from_block_boundary_state(&state);
            (reader.used, reader.unpacked) = (point.packed, point.unpacked);
            (reader.place, reader.next) = (Place::Inside, point.unpacked + SPAN);
        }
        reader
    }

    /// The points that are come by.
    pub fn points(&self) -> FoundPoints {
        Arc::clone(&self.points)
    }

    fn byte(&mut self) -> io::Result<u8> {
        let mut byte = [0];
        self.packed.read_exact(&mut byte)?;
        self.used += 1;
        Ok(byte[0])
    }

    /// Reads a member's header; `false` at the end, or where only padding is left.
    fn header(&mut self) -> io::Result<bool> {
        match self.packed.fill_buf()?.first() {
            Some(0x1f) => {}
            None | Some(0) => return Ok(false),
            Some(_) => return Err(invalid("other data follows it")),
        }
        let mut fixed = [0; 10];
        for byte in &mut fixed {
            *byte = self.byte()?;
        }
        if fixed[..3] != [0x1f, 0x8b, 8] {
            return Err(invalid("not a gzip header"));
        }
        let flags = fixed[3];
        if flags & 4 != 0 {
            let length = u16::from_le_bytes([self.byte()?, self.byte()?]);
            for _ in 0..length {
                self.byte()?;
            }
        }
        for flag in [8, 16] {
            if flags & flag != 0 {
                while self.byte()? != 0 {}
            }
        }
        if flags & 2 != 0 {
            self.byte()?;
            self.byte()?;
        }
        *self.inflate = DecompressorOxide::new();
        Ok(true)
    }

    /// Decompresses some more.
    fn advance(&mut self) -> io::Result<()> {
        let input = self.packed.fill_buf()?;
        if input.is_empty() {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        let flags = TINFL_FLAG_HAS_MORE_INPUT | TINFL_FLAG_STOP_ON_BLOCK_BOUNDARY;
        let (status, used, written) = decompress(&mut self.inflate, input, &mut self.ring, self.at, flags);
        self.packed.consume(used);
        self.used += used as u64;
        self.unpacked += written as u64;
        self.ready = (self.at, self.at + written);
        self.at = (self.at + written) % RING;
        match status {
            TINFLStatus::Done => self.place = Place::Trailer,
            TINFLStatus::BlockBoundary => self.note(),
            TINFLStatus::NeedsMoreInput | TINFLStatus::HasMoreOutput => {}
            _ => return Err(invalid("corrupt deflate stream")),
        }
        Ok(())
    }

    fn note(&mut self) {
        let Some(state) = self.inflate.block_boundary_state().filter(|_| self.unpacked >= self.next) else { return };
        self.next = self.unpacked + SPAN;
        let length = usize::try_from(self.unpacked).unwrap_or(WINDOW).min(WINDOW);
        let window = (0..length).map(|place| self.ring[(self.at + RING - length + place) % RING]).collect();
        let bits = (state.num_bits, state.bit_buf);
        let point = RestartPoint { unpacked: self.unpacked, packed: self.used, bits, window };
        self.points.lock().unwrap_or_else(PoisonError::into_inner).push(point);
    }
}

fn invalid(problem: &'static str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, problem)
}

impl<R: BufRead> Read for RestartReader<R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        if into.is_empty() {
            return Ok(0);
        }
        while self.ready.0 == self.ready.1 {
            match self.place {
                Place::Header => self.place = if self.header()? { Place::Inside } else { Place::End },
                Place::Inside => self.advance()?,
                Place::Trailer => {
                    for _ in 0..8 {
                        self.byte()?;
                    }
                    self.place = Place::Header;
                }
                Place::End => return Ok(0),
            }
        }
        let (start, end) = self.ready;
        let count = into.len().min(end - start);
        into[..count].copy_from_slice(&self.ring[start..start + count]);
        self.ready.0 += count;
        Ok(count)
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use super::*;

    fn gzip(bytes: &[u8]) -> Vec<u8> {
        let mut encoder = flate2::GzBuilder::new()
            .filename("a name")
            .extra(vec![1, 2, 3])
            .write(Vec::new(), flate2::Compression::default());
        encoder.write_all(bytes).expect("memory");
        encoder.finish().expect("memory")
    }

    fn noise(length: usize) -> Vec<u8> {
        let mut state = 1_u64;
        let mut next = || {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            u8::try_from(state >> 58).expect("six bits")
        };
        (0..length).map(|_| next()).collect()
    }

    #[test]
    fn each_point_goes_on_as_the_whole_does() {
        let (one, two) = (noise(6 << 20), noise(11 << 20));
        let packed = [gzip(&one), gzip(&two), vec![0; 100]].concat();
        let whole = [one, two].concat();
        let mut reader = RestartReader::new(packed.as_slice(), None);
        let mut all = Vec::new();
        reader.read_to_end(&mut all).expect("a stream");
        assert!(all == whole);
        let points = reader.points().lock().expect("no thread panicked").clone();
        assert!((3..=4).contains(&points.len()), "every four megabytes, or a block later");
        assert!(points.iter().any(|point| point.unpacked > 6 << 20), "in the second member as well");
        for point in points {
            let (from, at) = (usize::try_from(point.packed), usize::try_from(point.unpacked));
            let (from, at) = (from.expect("small"), at.expect("small"));
            let mut rest = Vec::new();
            let mut reader = RestartReader::new(&packed[from..], Some(&point));
            reader.read_to_end(&mut rest).expect("a stream");
            assert!(rest == whole[at..], "from {at}");
        }
    }

    #[test]
    fn what_is_damaged_is_an_error() {
        let packed = gzip(&noise(100_000));
        let read = |bytes: &[u8]| RestartReader::new(bytes, None).read_to_end(&mut Vec::new());
        assert!(read(&packed).is_ok());
        assert!(read(&packed[..packed.len() / 2]).is_err());
        assert!(read(&[&packed[..], b"junk"].concat()).is_err());
        assert!(read(b"no gzip at all").is_err());
    }
}
