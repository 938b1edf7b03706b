//! Verifies every byte of an image, and reports all damage, not only the first.
//!
//! ```text
//! descriptor ─▶ manifest ─▶ config         documents are read, verified and followed at once (`walk`)
//!                   └─────▶ layers ─┐
//! Tree (docker-archive) ─▶ layers ──┴─▶ Part, each blob read once by some thread (`read`) ─▶ Damage
//! ```

mod read;
mod walk;

use crate::image::Blob;
use crate::oci::{DiffId, Digest};

pub use read::{JobKey, Jobs, ReadBlob, judge};
pub use walk::{DescriptorWalk, Needed};

/// How a part of an image is damaged.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum DamageKind {
    /// It is not there.
    Missing,
    /// It is shorter than its descriptor says, and its digest differs.
    Truncated,
    /// Its digest differs.
    Changed,
    /// Its digest is right, but its size differs from the descriptor's.
    WrongSize,
    /// Its digest is right, but its diff ID differs from the config's.
    WrongDiffId,
    /// Its content is invalid, although no digest differs: not JSON, not a tar, or not a regular file.
    Invalid,
    /// The history in the config has another number of layers than the image.
    History,
}

impl DamageKind {
    /// One word for it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Missing => "missing",
            Self::Truncated => "truncated",
            Self::Changed => "changed",
            Self::WrongSize => "wrong-size",
            Self::WrongDiffId => "wrong-diff-id",
            Self::Invalid => "invalid",
            Self::History => "history",
        }
    }
}

/// A part of an image that is damaged.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Damage {
    /// Which part.
    pub part: PartName,
    /// The digest by which it is found, if it has one.
    pub digest: Option<Digest>,
    /// What is wrong with it, in a word.
    pub kind: DamageKind,
    /// What is wrong with it, in a sentence.
    pub problem: String,
}

/// Which part of an image.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum PartName {
    /// The file that names the images of a layout or store.
    IndexFile,
    /// An archive, as a whole.
    Archive,
    /// An index of several manifests.
    Index,
    /// A manifest.
    Manifest,
    /// The config of an image.
    Config,
    /// A layer of an image, by its number from the bottom, beginning with 1.
    Layer(usize),
    /// A blob of an artifact: an attestation, a signature.
    Blob,
}

impl std::fmt::Display for PartName {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::IndexFile => f.write_str("index.json"),
            Self::Archive => f.write_str("archive"),
            Self::Index => f.write_str("index"),
            Self::Manifest => f.write_str("manifest"),
            Self::Config => f.write_str("config"),
            Self::Layer(number) => write!(f, "layer {number}"),
            Self::Blob => f.write_str("blob"),
        }
    }
}

/// A blob that is to be read, and what is expected of it.
#[derive(Debug, Clone)]
pub struct ExpectedBlob {
    /// Which part of the image it is.
    pub name: PartName,
    /// Its bytes.
    pub blob: Blob,
    /// The expected digest and size, if there is a descriptor.
    pub described: Option<(Digest, u64)>,
    /// The digest of the uncompressed tar, if it is a layer.
    pub diff_id: Option<DiffId>,
}

/// What was found in an image before its layers are read.
#[derive(Debug, Default)]
pub struct Findings {
    /// The damage of its documents, and what is missing.
    pub damage: Vec<Damage>,
    /// The blobs that are still to be read.
    pub parts: Vec<ExpectedBlob>,
}

impl Damage {
    /// Damage of a part.
    pub fn new(part: PartName, digest: Option<Digest>, kind: DamageKind, problem: impl Into<String>) -> Self {
        Self { part, digest, kind, problem: problem.into() }
    }

    fn missing(part: PartName, digest: Digest) -> Self {
        Self::new(part, Some(digest), DamageKind::Missing, "it is not there")
    }
}
