//! Why files of an image cannot be shown.

use crate::layer::overlay::FollowError;
use crate::layer::path::Escaped;

/// Why files of an image cannot be shown.
#[derive(Debug, thiserror::Error)]
pub enum FilesError {
    /// A path leads nowhere in the image.
    #[error("{}: {source}", Escaped(path))]
    Path {
        /// The path, as it was typed.
        path: Vec<u8>,
        /// Why.
        source: FollowError,
    },
    /// A directory, or something else without a content, where a file is needed.
    #[error("{}: {what}", Escaped(path))]
    NotAFile {
        /// The path, as it was typed.
        path: Vec<u8>,
        /// What it is instead.
        what: &'static str,
    },
    /// The image has no layer of that number or digest.
    #[error("{image} has no layer {typed}: imgtool layers {image} lists its {layers} layers")]
    NoLayer {
        /// The image.
        image: String,
        /// What was typed.
        typed: String,
        /// How many layers it has.
        layers: usize,
    },
    /// Several layers begin with the digest that was typed.
    #[error("several layers of {image} begin with {typed}: type more of the digest, or the number")]
    AmbiguousLayer {
        /// The image.
        image: String,
        /// What was typed.
        typed: String,
    },
}
