//! Why an image cannot be made of others.

use crate::image::MAX_LAYERS;
use crate::oci::Platform;

/// Why an image cannot be made of others.
#[derive(Debug, thiserror::Error)]
pub enum RemakeError {
    /// Without a name of its own, the new image of one platform would take the name of several.
    #[error(
        "{name} is for {}: without a NAME for the new image, the others would lose theirs",
        super::listed::listed(platforms)
    )]
    SeveralPlatforms {
        /// The image.
        name: String,
        /// Its platforms.
        platforms: Vec<Platform>,
    },
    /// More layers than an image may have.
    #[error("too many layers: {layers}, the limit is {MAX_LAYERS}; squash the image first")]
    TooManyLayers {
        /// How many there would be.
        layers: usize,
    },
}
