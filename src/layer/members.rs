//! Concatenated gzip and bzip2 members followed by zero padding, as the tools `gzip` and `bzip2` read them.
//!
//! Tapes, `dd` and block storage pad the last block with zero bytes. `gzip` and `bzip2` ignore them; `xz` has its own
//! padding, and `zstd` allows none.

use std::io::{self, BufRead, Read};

/// A decoder of one member.
pub(crate) trait MemberDecoder<R>: Read {
    /// The first byte of every member.
    const MAGIC: u8;

    /// Starts decoding at the member's first byte.
    fn start(packed: R) -> Self;
    /// The input, positioned after the member's last byte.
    fn into_inner(self) -> R;
}

/// The decompressed bytes of all members.
pub(crate) struct Members<R, M> {
    state: State<R, M>,
}

enum State<R, M> {
    Inside(M),
    Between(R),
    Ended,
}

impl<R: BufRead, M: MemberDecoder<R>> Members<R, M> {
    /// A decoder of at least one member.
    pub(crate) fn new(packed: R) -> Self {
        Self { state: State::Inside(M::start(packed)) }
    }
}

impl<R: BufRead, M: MemberDecoder<R>> Read for Members<R, M> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if buffer.is_empty() {
            return Ok(0);
        }
        loop {
            if let State::Inside(member) = &mut self.state {
                let count = member.read(buffer)?;
                if count > 0 {
                    return Ok(count);
                }
            }
            self.state = match std::mem::replace(&mut self.state, State::Ended) {
                State::Inside(member) => State::Between(member.into_inner()),
                State::Between(mut packed) => match packed.fill_buf()?.first() {
                    Some(0) => return skip_zeros(&mut packed).map(|()| 0),
                    Some(&first) if first == M::MAGIC => State::Inside(M::start(packed)),
                    Some(_) => return Err(other_data()),
                    None => return Ok(0),
                },
                State::Ended => return Ok(0),
            };
        }
    }
}

/// Reads zeros to the end; anything else is an error.
fn skip_zeros(packed: &mut impl BufRead) -> io::Result<()> {
    loop {
        let buffer = packed.fill_buf()?;
        if buffer.is_empty() {
            return Ok(());
        }
        if buffer.iter().any(|byte| *byte != 0) {
            return Err(other_data());
        }
        let length = buffer.len();
        packed.consume(length);
    }
}

/// What follows is neither a member nor padding.
fn other_data() -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, "other data follows it")
}

impl<R: BufRead> MemberDecoder<R> for flate2::bufread::GzDecoder<R> {
    const MAGIC: u8 = 0x1f;

    fn start(packed: R) -> Self {
        Self::new(packed)
    }

    fn into_inner(self) -> R {
        self.into_inner()
    }
}

impl<R: BufRead> MemberDecoder<R> for bzip2::bufread::BzDecoder<R> {
    const MAGIC: u8 = b'B';

    fn start(packed: R) -> Self {
        Self::new(packed)
    }

    fn into_inner(self) -> R {
        self.into_inner()
    }
}
