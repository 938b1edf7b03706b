//! Digests of the algorithms that clients may use.

use std::fmt;
use std::io;
use std::str::FromStr;

use sha2::{Digest as _, Sha512};

use crate::oci::Digest;
use crate::store::{Error, Store};

/// How many bytes are hashed at a time.
const CHUNK: usize = 256 << 10;

/// A digest as a client names content. The store names all content by SHA-256.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) enum AnyDigest {
    /// The store's own.
    Sha256(Digest),
    /// The 128 hex digits of a SHA-512.
    Sha512(String),
}

/// A text that is no digest, or one of an algorithm that is not supported.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct NoDigest;

impl AnyDigest {
    /// What the store calls it; none if it is a SHA-512 of nothing here.
    pub(super) fn in_store(&self, store: &Store) -> Result<Option<Digest>, Error> {
        match self {
            Self::Sha256(digest) => Ok(Some(*digest)),
            Self::Sha512(hex) => store.alias(hex),
        }
    }

    /// The SHA-512 of `bytes`.
    pub(super) fn sha512(bytes: &[u8]) -> Self {
        Self::Sha512(hex(&Sha512::digest(bytes)))
    }

    /// The SHA-512 of all that `read` gives from an offset on.
    pub(super) fn sha512_of(read: impl Fn(&mut [u8], u64) -> io::Result<usize>) -> io::Result<Self> {
        let (mut hasher, mut offset, mut buffer) = (Sha512::new(), 0, vec![0; CHUNK]);
        loop {
            match read(&mut buffer, offset) {
                Ok(0) => return Ok(Self::Sha512(hex(&hasher.finalize()))),
                Ok(got) => {
                    hasher.update(&buffer[..got]);
                    offset += got as u64;
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
    }
}

fn hex(bytes: &[u8]) -> String {
    use fmt::Write as _;
    bytes.iter().fold(String::with_capacity(2 * bytes.len()), |mut hex, byte| {
        let _ = write!(hex, "{byte:02x}");
        hex
    })
}

impl FromStr for AnyDigest {
    type Err = NoDigest;

    fn from_str(text: &str) -> Result<Self, NoDigest> {
        let is_hex = |hex: &str| hex.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
        match text.split_once(':') {
            Some(("sha256", hex)) => Digest::from_hex(hex).map(Self::Sha256).ok_or(NoDigest),
            Some(("sha512", hex)) if hex.len() == 128 && is_hex(hex) => Ok(Self::Sha512(hex.to_owned())),
            _ => Err(NoDigest),
        }
    }
}

impl fmt::Display for AnyDigest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Sha256(digest) => digest.fmt(f),
            Self::Sha512(hex) => write!(f, "sha512:{hex}"),
        }
    }
}
