//! How images are copied, and what is told meanwhile.

use crate::image::outgoing::Recode;
use crate::oci::{Digest, Platform};

/// Options of `copy`.
#[derive(Debug, Clone)]
pub struct CopyOptions {
    /// All platforms of an index, and the index itself.
    pub all: bool,
    /// The image for this platform.
    pub platform: Option<Platform>,
    /// All tags of each source, which is a repository.
    pub all_tags: bool,
    /// What refers to the images, too.
    pub referrers: bool,
    /// How layers are compressed that are uncompressed under a manifest of ours.
    pub compress: Recode,
    /// How many blobs are copied at a time.
    pub jobs: usize,
    /// The time of the members of an archive, in seconds since 1970.
    pub mtime: i64,
}

/// What happens to a layer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum BlobState {
    /// It was copied.
    Copied,
    /// It was there.
    Exists,
    /// The registry had it in another repository.
    MountedFrom(String),
}

/// Something to tell while images are copied.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CopyEvent {
    /// An image is going to be copied: from where, and to where.
    Image(String, String),
    /// A layer, by the first digits of its digest, has arrived.
    Layer(String, BlobState),
    /// An image is where it was to be.
    Copied(CopiedImage),
}

/// An image that was copied.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CopiedImage {
    /// Where it is now, as it would be typed.
    pub to: String,
    /// The digest of its manifest or index there.
    pub digest: Digest,
    /// Whether anything else was there before.
    pub is_new: bool,
}

/// Is told what happens; may be called from several threads.
pub type Tell<'a> = &'a (dyn Fn(CopyEvent) + Sync);
