//! What is told while images are pulled.

use crate::oci::{Digest, ImageId, Reference};
pub use crate::ops::receiving::LayerState;

/// Something to tell while images are pulled.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PullEvent {
    /// The registry will be asked for an image.
    Begun,
    /// An image is going to be pulled: its tag, or its name with a digest, and its repository.
    Image(String, String),
    /// A layer, by the digest of its blob, is in another state.
    Layer(Digest, LayerState),
    /// An image is in the store.
    Pulled(PulledImage),
    /// Nothing more is told of the image; whether it is in the store.
    Ended(bool),
}

/// An image that was pulled.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PulledImage {
    /// Its name.
    pub name: Reference,
    /// The digest of its manifest or index.
    pub digest: Digest,
    /// The digest of its config.
    pub id: ImageId,
    /// Whether the name leads to something else than before.
    pub is_new: bool,
}

/// Is told what happens to the image at that place among the names; by one thread at a time, in the order of the names.
pub type Tell<'a> = &'a (dyn Fn(usize, PullEvent) + Sync);
