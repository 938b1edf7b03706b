//! How images are pushed, and what is told meanwhile.

use crate::image::outgoing::Recode;
use crate::oci::{DiffId, Digest, Platform, Reference};
pub use crate::ops::sending::LayerState;

/// Options of `push`.
#[derive(Debug, Clone)]
pub struct PushOptions {
    /// Only the image for this platform.
    pub platform: Option<Platform>,
    /// How layers are compressed that are stored uncompressed.
    pub compress: Recode,
    /// How many blobs are sent at a time.
    pub jobs: usize,
}

/// Something to tell while images are pushed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PushEvent {
    /// An image is going to be pushed.
    Begun,
    /// Images go to that repository.
    Repository(Reference),
    /// A layer is in another state.
    Layer(DiffId, LayerState),
    /// Only one platform goes out of an image of which the store has not all: from an index to a manifest.
    OnlyPlatform(Digest, Digest),
    /// A name leads to this in the registry.
    Pushed(PushedImage),
}

/// An image that was pushed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PushedImage {
    /// Its name.
    pub name: Reference,
    /// The digest of its manifest or index in the registry.
    pub digest: Digest,
    /// The size of that document in bytes.
    pub size: u64,
}

/// Is told what happens to the image at that place among the names; by one thread at a time, in the order of the names.
pub type Tell<'a> = &'a (dyn Fn(usize, PushEvent) + Sync);
