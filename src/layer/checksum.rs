//! A fast checksum of a file's stored bytes: it detects damage at memory speed where SHA-256 would cost more than the
//! reading. It is 128-bit XXH3, which protects against failing disks and truncated files, not against deliberate
//! tampering: that is what the digests are for, which are verified when a layer is loaded.

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use twox_hash::XxHash3_128;

/// A 128-bit XXH3 checksum.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Checksum([u8; 16]);

impl Checksum {
    /// The checksum of no bytes.
    pub const EMPTY: Self = Self(0x99aa_06d3_0147_98d8_6001_c324_468d_497f_u128.to_le_bytes());

    /// Its 16 bytes.
    pub const fn to_bytes(self) -> [u8; 16] {
        self.0
    }

    /// The checksum of `bytes`.
    pub fn of(bytes: &[u8]) -> Self {
        let mut all = Checksummer::default();
        all.update(bytes);
        all.finish()
    }
}

/// As bytes: a sequence of numbers would take ten times as long to read.
impl Serialize for Checksum {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_bytes(&self.0)
    }
}

impl<'de> Deserialize<'de> for Checksum {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let bytes = <&[u8]>::deserialize(from)?;
        bytes.try_into().map(Self).map_err(|_| serde::de::Error::invalid_length(bytes.len(), &"16 bytes"))
    }
}

/// An incremental [`Checksum`].
#[derive(Default)]
pub struct Checksummer {
    /// Created with the first bytes: many files are empty.
    state: Option<XxHash3_128>,
}

impl Checksummer {
    /// Adds the next bytes.
    pub fn update(&mut self, bytes: &[u8]) {
        if !bytes.is_empty() {
            self.state.get_or_insert_with(XxHash3_128::new).write(bytes);
        }
    }

    /// The checksum of all bytes that were added.
    pub fn finish(self) -> Checksum {
        self.state.map_or(Checksum::EMPTY, |state| Checksum(state.finish_128().to_le_bytes()))
    }
}

/// A file's content in a layer has changed since the layer was indexed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("does not match its checksum")]
pub struct ChecksumMismatch;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_give_the_checksum_of_the_whole() {
        let bytes: Vec<u8> = (0..5000_u32).map(|at| u8::try_from(at % 251).expect("small")).collect();
        for size in [0, 1, 16, 17, 240, 241, 1024, 5000] {
            for part in [1, 7, 256, 4096] {
                let mut parts = Checksummer::default();
                bytes[..size].chunks(part).for_each(|part| parts.update(part));
                let expected = Checksum(XxHash3_128::oneshot(&bytes[..size]).to_le_bytes());
                assert_eq!((parts.finish(), Checksum::of(&bytes[..size])), (expected, expected), "{size} by {part}");
            }
        }
        assert_eq!(Checksum::of(b""), Checksum::EMPTY);
    }
}
