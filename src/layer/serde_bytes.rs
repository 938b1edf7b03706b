//! Serialises byte strings as bytes instead of a sequence of numbers.

use std::fmt;

use serde::de::{SeqAccess, Visitor};
use serde::{Deserializer, Serializer};

/// Writes a byte string.
pub(crate) fn serialize<S: Serializer>(bytes: &[u8], to: S) -> Result<S::Ok, S::Error> {
    to.serialize_bytes(bytes)
}

/// Reads a byte string.
pub(crate) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<u8>, D::Error> {
    from.deserialize_byte_buf(Bytes)
}

struct Bytes;

impl<'de> Visitor<'de> for Bytes {
    type Value = Vec<u8>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a byte string")
    }

    fn visit_bytes<E>(self, bytes: &[u8]) -> Result<Vec<u8>, E> {
        Ok(bytes.to_vec())
    }

    fn visit_byte_buf<E>(self, bytes: Vec<u8>) -> Result<Vec<u8>, E> {
        Ok(bytes)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Vec<u8>, A::Error> {
        let mut bytes = Vec::new();
        while let Some(byte) = items.next_element()? {
            bytes.push(byte);
        }
        Ok(bytes)
    }
}

/// Pairs of byte strings: the names and values of extended attributes.
pub(crate) mod pairs {
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    type Pairs = Vec<(Vec<u8>, Vec<u8>)>;

    #[derive(Serialize)]
    struct PairRef<'a>(
        #[serde(serialize_with = "super::serialize")] &'a [u8],
        #[serde(serialize_with = "super::serialize")] &'a [u8],
    );

    #[derive(Deserialize)]
    struct Pair(
        #[serde(deserialize_with = "super::deserialize")] Vec<u8>,
        #[serde(deserialize_with = "super::deserialize")] Vec<u8>,
    );

    /// Writes the pairs as a sequence.
    pub(crate) fn serialize<S: Serializer>(pairs: &[(Vec<u8>, Vec<u8>)], to: S) -> Result<S::Ok, S::Error> {
        to.collect_seq(pairs.iter().map(|(name, value)| PairRef(name, value)))
    }

    /// Reads a sequence of pairs.
    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Pairs, D::Error> {
        Ok(Vec::<Pair>::deserialize(from)?.into_iter().map(|Pair(name, value)| (name, value)).collect())
    }
}
