//! Mistakes with manifests and lists of them.

/// What is wrong with a manifest or a list, in docker's words where docker has some.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ManifestError {
    /// Neither a manifest nor a list has that name.
    #[error("no such manifest: {0}")]
    Missing(String),
    /// The store has no list of that name.
    #[error("No such manifest: {0}")]
    NoList(String),
    /// An image where a manifest list is needed.
    #[error("{0} is an image, not a manifest list")]
    NotAList(String),
    /// A manifest list where an image is needed.
    #[error("{0} is a manifest list")]
    IsAList(String),
    /// A list of that name is there already.
    #[error("refusing to amend an existing manifest list with no --amend flag")]
    Exists,
    /// Another process has changed the list.
    #[error("{0} was changed by another command in the meantime: try again")]
    Changed(String),
    /// A list does not have an image.
    #[error("manifest for image {image} does not exist in {list}")]
    NotInList {
        /// The image, as it was typed.
        image: String,
        /// The list, as it was typed.
        list: String,
    },
    /// No such combination of operating system and architecture.
    #[error("manifest entry for image has unsupported os/arch combination: {0}")]
    UnsupportedPlatform(String),
    /// A list that is to be pushed does not say for which platform an image is.
    #[error("manifest {0} must have an OS and Architecture to be pushed to a registry")]
    NoPlatform(String),
    /// An image of a list is in another registry than the one that the list is pushed to.
    #[error("cannot use source images from a different registry than the target image: {source_registry} != {target}")]
    OtherRegistry {
        /// The registry that has the image.
        source_registry: String,
        /// The registry that the list is pushed to.
        target: String,
    },
    /// Neither the store nor the registry has an image of a list.
    #[error("{image} of the list is neither in {repository} nor whole in the store: pull it first")]
    NotHere {
        /// The image.
        image: String,
        /// The repository that the list is pushed to.
        repository: String,
    },
    /// A list cannot be pushed there.
    #[error("{0}: a manifest list is pushed to a registry (NAME or docker://NAME), or written to oci-archive:FILE")]
    Destination(String),
}
