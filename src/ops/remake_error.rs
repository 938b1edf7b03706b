//! Why an image cannot be made of others.

use crate::image::MAX_LAYERS;
use crate::layer::OverlayError;
use crate::oci::{DiffId, Digest, Platform};

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
    /// All platforms of an image for one.
    #[error("{image} is an image for one platform: edit it without --all")]
    OnePlatform {
        /// The image.
        image: String,
    },
    /// Not all that an index lists is there, or is an image.
    #[error("{image} is not whole: it lists {manifest}, which is not here or no image; pull or load all of it first")]
    NotWhole {
        /// The image.
        image: String,
        /// What is listed.
        manifest: Digest,
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
    /// The layers of what was taken for the base of an image are not its lowest.
    #[error("{image} is not built on {base}: {}", parting(image, base, *layer, *ours, *theirs))]
    NotTheBase {
        /// The image.
        image: String,
        /// What was taken for its base.
        base: String,
        /// The number of the lowest layer that is not the same, counted from 1.
        layer: usize,
        /// That layer of the image, if it has so many.
        ours: Option<DiffId>,
        /// That layer of the other one.
        theirs: DiffId,
    },
    /// Nothing tells what an image is built on.
    #[error(
        "cannot tell what {image} is built on: {}, and no image in the store has its lowest layers",
        problem.as_deref().unwrap_or("it does not name its base")
    )]
    NoBase {
        /// The image.
        image: String,
        /// What was wrong with the base that it names.
        problem: Option<String>,
    },
    /// Nothing says onto which base an image is to be put.
    #[error("{image} does not name its base: --onto BASE says which one it is put on")]
    NoNewBase {
        /// The image.
        image: String,
    },
    /// The base of an image has no name that may lead to another image now.
    #[error("the base of {image} is {base}, and no tag tells what is to be there now")]
    FixedBase {
        /// The image.
        image: String,
        /// Its base.
        base: String,
    },
    /// What the name of a base leads to now is not known.
    #[error("{base}, the base of {image}, could not be looked up: {problem}")]
    NotLookedUp {
        /// The image.
        image: String,
        /// Its base.
        base: String,
        /// Why.
        problem: String,
    },
    /// Several images may be what an image is built on.
    #[error("{image} may be built on any of these: {}", super::listed::listed(bases))]
    SeveralBases {
        /// The image.
        image: String,
        /// The others.
        bases: Vec<String>,
    },
    /// An image names its base by something that is no name.
    #[error("{image} does not tell what it is built on: its {annotation} is {text:?}")]
    BaseClaim {
        /// The image.
        image: String,
        /// The annotation.
        annotation: &'static str,
        /// What it is.
        text: String,
    },
    /// A registry that an image names is an address, or on this machine.
    #[error("{registry} is not asked only because an image names it")]
    NotAsked {
        /// The registry.
        registry: String,
    },
    /// The new base is for something else than the image.
    #[error("{base} is not for {platform}, as {image} is: it is for {}", super::listed::listed(found))]
    BasePlatform {
        /// The image.
        image: String,
        /// What it is for.
        platform: Box<Platform>,
        /// The new base.
        base: String,
        /// What that is for.
        found: Vec<Platform>,
    },
    /// The layers of an image cannot be on another base.
    #[error("the layers of {image} do not fit on {base}")]
    DoesNotFit {
        /// The image.
        image: String,
        /// The new base.
        base: String,
        /// Why.
        #[source]
        source: OverlayError,
    },
}

impl RemakeError {
    /// Whether it is not known what an image is built on: somebody has to say it.
    pub fn is_about_base(&self) -> bool {
        matches!(
            self,
            Self::NotTheBase { .. }
                | Self::NoBase { .. }
                | Self::SeveralBases { .. }
                | Self::BaseClaim { .. }
                | Self::FixedBase { .. }
                | Self::NotLookedUp { .. }
        )
    }
}

fn parting(image: &str, base: &str, layer: usize, ours: Option<DiffId>, theirs: DiffId) -> String {
    match ours {
        Some(ours) => format!("they part at layer {layer}, which is {ours} in {image} and {theirs} in {base}"),
        None => format!("{image} has no layer {layer}, which is {theirs} in {base}"),
    }
}
