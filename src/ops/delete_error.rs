//! Why something in a registry cannot be deleted.

use crate::oci::Digest;
use crate::registry::Refusal;

/// Why something in a registry cannot be deleted.
#[derive(Debug, thiserror::Error)]
pub enum DeleteError {
    /// A name that could be a whole repository where something is deleted.
    #[error("{typed} has neither tag nor digest: say what is to be deleted, {typed}:TAG or {typed}@sha256:…")]
    NothingToDelete {
        /// What was typed.
        typed: String,
    },
    /// The registry cannot delete a tag, but only a manifest with all its tags.
    #[error(
        "{name}: the registry cannot delete a tag alone ({refusal}); its manifest {digest} can be deleted with --manifest{}",
        also(others)
    )]
    TagNotAlone {
        /// The image.
        name: String,
        /// The manifest that the tag leads to.
        digest: Digest,
        /// The other tags that lead to it.
        others: Vec<String>,
        /// What the registry said.
        refusal: Box<Refusal>,
    },
    /// The registry deletes nothing.
    #[error("{name}: {refusal}: the registry has deletion switched off")]
    DeletionOff {
        /// The image.
        name: String,
        /// What the registry said.
        refusal: Box<Refusal>,
    },
}

fn also(tags: &[String]) -> String {
    if tags.is_empty() { String::new() } else { format!(", and the tags {} would go with it", tags.join(", ")) }
}
