//! The image specification's nouns as values: no files, no network, no clock.

pub mod digest;

pub use digest::{ChainId, DiffId, Digest, DigestError, Hasher, ImageId, ShortId};
