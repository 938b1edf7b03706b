//! Digests of the algorithms that clients may use.

use std::fmt;
use std::str::FromStr;

use crate::oci::Digest;

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
