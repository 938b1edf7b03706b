//! What cannot be copied.

use crate::oci::{Digest, ReferenceError};

/// Why images cannot be copied.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CopyError {
    /// A path without the kind of what is to be there.
    #[error("{typed}: say what is to be there: docker-archive:{typed}, oci-archive:{typed} or oci:{typed}")]
    WhichKind {
        /// What was typed.
        typed: String,
    },
    /// A kind of place of skopeo's that is not known here.
    #[error(
        "{typed}: {kind} is not known here: images are in the store (a name), or at docker://NAME, \
             docker-archive:PATH, oci-archive:PATH, oci:DIR"
    )]
    OtherKind {
        /// What was typed.
        typed: String,
        /// The kind.
        kind: &'static str,
    },
    /// What was typed has no valid name of an image.
    #[error("{typed}: {why}")]
    Name {
        /// What was typed.
        typed: String,
        /// What is wrong with it.
        why: ReferenceError,
    },
    /// No path behind the kind.
    #[error("{typed}: no path")]
    NoPath {
        /// What was typed.
        typed: String,
    },
    /// A place in an archive can be read, but not written.
    #[error("{typed}: an image is written under a name, not at a place")]
    Place {
        /// What was typed.
        typed: String,
    },
    /// Several images for one name.
    #[error("{count} images cannot all be {to}: end it with / and each keeps its name")]
    Several {
        /// How many.
        count: usize,
        /// The destination.
        to: String,
    },
    /// A destination that has a tag or a digest, where each image keeps its own.
    #[error("{to} has a tag or a digest: with --all-tags each image keeps its own")]
    Tagged {
        /// The destination.
        to: String,
    },
    /// An image that is to keep its name has none.
    #[error("{from} has no name that it could keep: copy it by itself, to a whole name")]
    Nameless {
        /// The image.
        from: String,
    },
    /// The digest in the destination is not that of what is to be there.
    #[error("{to} cannot be {actual}, which is the digest of {from}")]
    OtherDigest {
        /// The destination.
        to: String,
        /// The source.
        from: String,
        /// Its digest.
        actual: Digest,
    },
    /// An index of which not all is there.
    #[error("{from} is not all there: {missing} is missing; without --all, one platform is copied")]
    NotWhole {
        /// The image.
        from: String,
        /// The digest of what is missing.
        missing: Digest,
    },
    /// Referrers of an image that is not in a registry, or is copied elsewhere.
    #[error("{which} is not in a registry: --referrers copies what refers to an image from one registry to another")]
    NoReferrers {
        /// The source or the destination.
        which: String,
    },
    /// Too much refers to an image.
    #[error("more than {limit} manifests refer to images of {from}")]
    TooManyReferrers {
        /// The repository.
        from: String,
        /// The most.
        limit: usize,
    },
    /// A chart, a signature or another artifact, for a place that takes images only.
    #[error("{from} is no image: {to} takes images only")]
    NoImage {
        /// What it is.
        from: String,
        /// The destination.
        to: String,
    },
}
