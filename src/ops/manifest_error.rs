//! Mistakes with manifests and lists of them.

/// What is wrong with a manifest or a list, in docker's words.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ManifestError {
    /// Neither a manifest nor a list has that name.
    #[error("no such manifest: {0}")]
    Missing(String),
    /// An image where a manifest list is needed.
    #[error("{0} is an image, not a manifest list")]
    NotAList(String),
    /// A list of that name is there already.
    #[error("refusing to amend an existing manifest list with no --amend flag")]
    Exists,
    /// A list does not have an image.
    #[error("manifest for image {image} does not exist in {list}")]
    NotInList {
        /// The image, as it was typed.
        image: String,
        /// The list.
        list: String,
    },
    /// No such combination of operating system and architecture.
    #[error("manifest entry for image has unsupported os/arch combination: {0}")]
    UnsupportedPlatform(String),
}
