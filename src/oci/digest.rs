//! Digests, and the IDs that are digests of a particular kind of content.
//!
//! A [`Digest`] is `sha256:` and 64 lower-case hex digits, as in the image specification's
//! [digests](https://github.com/opencontainers/image-spec/blob/v1.1.0/descriptor.md#digests). IDs of different things
//! are different types, so that one cannot be passed for another:
//!
//! ```compile_fail
//! use imgtool::oci::{DiffId, Digest};
//! fn open_blob(_: &Digest) {}
//! fn wrong(layer: &DiffId) {
//!     open_blob(layer); // a diff id names uncompressed content, not a blob
//! }
//! ```

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use sha2::{Digest as _, Sha256};

/// Why a text is not a digest.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DigestError {
    /// The text is not `algorithm:` and hex digits.
    #[error("invalid digest {0:?}: expected sha256: and 64 hex digits")]
    Syntax(String),
    /// The algorithm is not `sha256`.
    #[error("unsupported digest algorithm {algorithm:?} in {text:?}: only sha256 is read")]
    Algorithm {
        /// The part before the colon.
        algorithm: String,
        /// The whole text.
        text: String,
    },
}

/// A SHA-256 digest, by which blobs are named.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Digest([u8; 32]);

impl Digest {
    /// The digest of `bytes`.
    pub fn of(bytes: &[u8]) -> Self {
        Self(Sha256::digest(bytes).into())
    }

    /// A digest from its 32 bytes.
    pub const fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// The 32 bytes.
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// The 64 hex digits without `sha256:`.
    pub fn hex(&self) -> String {
        self.0
            .iter()
            .flat_map(|byte| [byte >> 4, byte & 15])
            .map(|digit| char::from(DIGITS[usize::from(digit)]))
            .collect()
    }

    /// A digest from its 64 hex digits alone.
    pub fn from_hex(hex: &str) -> Option<Self> {
        let digits: &[u8; 64] = hex.as_bytes().try_into().ok()?;
        let mut bytes = [0; 32];
        for (byte, pair) in bytes.iter_mut().zip(digits.chunks_exact(2)) {
            *byte = value_of(pair[0])? << 4 | value_of(pair[1])?;
        }
        Some(Self(bytes))
    }

    /// The first 12 hex digits, for display only.
    pub fn short(&self) -> ShortId {
        ShortId(*self)
    }
}

/// The hex digits, by their values.
const DIGITS: &[u8; 16] = b"0123456789abcdef";

/// The value of a lower-case hex digit.
fn value_of(digit: u8) -> Option<u8> {
    match digit {
        b'0'..=b'9' => Some(digit - b'0'),
        b'a'..=b'f' => Some(digit - b'a' + 10),
        _ => None,
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "sha256:{}", self.hex())
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for Digest {
    type Err = DigestError;

    fn from_str(text: &str) -> Result<Self, DigestError> {
        let Some((algorithm, hex)) = text.split_once(':') else {
            return Err(DigestError::Syntax(text.to_owned()));
        };
        if algorithm != "sha256" {
            return Err(DigestError::Algorithm { algorithm: algorithm.to_owned(), text: text.to_owned() });
        }
        Self::from_hex(hex).ok_or_else(|| DigestError::Syntax(text.to_owned()))
    }
}

impl Serialize for Digest {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Digest {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<str>::deserialize(from)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

/// The first twelve hex digits of an ID, as Docker's tables show them. It can only be displayed.
#[derive(Clone, Copy)]
pub struct ShortId(Digest);

impl fmt::Display for ShortId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0.hex()[..12])
    }
}

/// An incremental SHA-256.
#[derive(Debug, Clone, Default)]
pub struct Hasher(Sha256);

impl Hasher {
    /// A hasher of no bytes yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes the next bytes.
    pub fn update(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }

    /// The digest of all bytes taken.
    pub fn finish(self) -> Digest {
        Digest(self.0.finalize().into())
    }
}

macro_rules! id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(Digest);

        impl $name {
            /// The ID with this digest.
            pub const fn new(digest: Digest) -> Self {
                Self(digest)
            }

            /// The digest itself.
            pub const fn digest(&self) -> &Digest {
                &self.0
            }

            /// The first 12 hex digits, for display only.
            pub fn short(&self) -> ShortId {
                self.0.short()
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(&self.0, f)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!(stringify!($name), "({})"), self.0)
            }
        }

        impl FromStr for $name {
            type Err = DigestError;

            fn from_str(text: &str) -> Result<Self, DigestError> {
                text.parse().map(Self)
            }
        }
    };
}

id! {
    /// The digest of a layer's uncompressed tar: an item of a config's `rootfs.diff_ids`
    /// ([image-spec, config](https://github.com/opencontainers/image-spec/blob/v1.1.0/config.md#layer-diffid)).
    DiffId
}

id! {
    /// The ID of a layer together with all layers below it ([image-spec,
    /// config](https://github.com/opencontainers/image-spec/blob/v1.1.0/config.md#layer-chainid)).
    ChainId
}

id! {
    /// The digest of a config's bytes: what `docker images` shows as IMAGE ID
    /// ([image-spec, config](https://github.com/opencontainers/image-spec/blob/v1.1.0/config.md#imageid)).
    ImageId
}

impl ChainId {
    /// The chain ID of each layer, bottom first.
    pub fn of(diff_ids: &[DiffId]) -> Vec<Self> {
        let mut chain: Vec<Self> = Vec::with_capacity(diff_ids.len());
        for diff_id in diff_ids {
            chain.push(match chain.last() {
                None => Self(diff_id.0),
                Some(below) => Self(Digest::of(format!("{below} {diff_id}").as_bytes())),
            });
        }
        chain
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const EMPTY: &str = "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

    #[test]
    fn a_digest_prints_as_it_was_read() {
        let digest: Digest = EMPTY.parse().expect("a valid digest");
        assert_eq!(digest, Digest::of(b""));
        assert_eq!(digest.to_string(), EMPTY);
        assert_eq!(digest.short().to_string(), "e3b0c44298fc");
    }

    #[test]
    fn what_is_not_a_digest_is_refused() {
        for text in ["", "sha256", "sha256:", "sha256:E3B0", &EMPTY.to_uppercase(), &EMPTY[..70], "sha256:../../etc"] {
            assert!(text.parse::<Digest>().is_err(), "{text:?}");
        }
        assert!(matches!("sha512:00".parse::<Digest>(), Err(DigestError::Algorithm { .. })));
        assert!(Digest::from_hex(&"é".repeat(32)).is_none());
    }

    /// The chain of two empty layers, computed with `printf '%s %s' | sha256sum`.
    #[test]
    fn a_chain_id_hashes_the_one_below_and_the_diff_id() {
        let layer: DiffId = EMPTY.parse().expect("a valid digest");
        let chain = ChainId::of(&[layer, layer]);
        assert_eq!(chain[0].to_string(), EMPTY);
        assert_eq!(*chain[1].digest(), Digest::of(format!("{EMPTY} {EMPTY}").as_bytes()));
    }
}
