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
    /// A pattern of paths that cannot be read.
    #[error("invalid --remove: {problem}")]
    Pattern {
        /// What is wrong with it.
        problem: String,
    },
    /// No layer has a path that was to be removed.
    #[error(
        "no layer of {image} has a path that matches {}; a pattern is one of .dockerignore: **/NAME at any depth",
        super::listed::listed(patterns)
    )]
    NothingToRemove {
        /// The image.
        image: String,
        /// The patterns.
        patterns: Vec<String>,
    },
    /// A hard link leads to a file that no layer below has.
    #[error("hard link to {target}, which is in no layer below")]
    DanglingLink {
        /// Where the link leads, escaped.
        target: String,
    },
    /// More layers than an image may have.
    #[error("too many layers: {layers}, the limit is {MAX_LAYERS}; squash the image first")]
    TooManyLayers {
        /// How many there would be.
        layers: usize,
    },
}
