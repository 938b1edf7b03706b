//! Opening blobs by their descriptors, and why an image cannot be read.

use std::io;

use crate::image::Blob;
use crate::oci::{Descriptor, Digest, DigestError, DocumentError};

/// Why an image cannot be read from a source.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The source could not be read.
    #[error("{what}")]
    Io {
        /// What was being read.
        what: String,
        /// The system's error.
        #[source]
        source: io::Error,
    },
    /// All that an index lists has digests that cannot be verified here.
    #[error("{0}")]
    UnsupportedDigest(DigestError),
    /// A blob that an image needs is not there.
    #[error("{what} {digest} is missing")]
    Missing {
        /// What the blob is: "manifest", "config", "layer".
        what: &'static str,
        /// Its digest.
        digest: Digest,
    },
    /// A blob does not match its digest.
    #[error("{what} {expected} has other content: its digest is {actual}")]
    DigestMismatch {
        /// What the blob is.
        what: &'static str,
        /// The digest that names it.
        expected: Digest,
        /// The digest of its bytes.
        actual: Digest,
    },
    /// A blob has another length than its descriptor says.
    #[error("{what} {digest} has {actual} bytes where its descriptor says {expected}")]
    SizeMismatch {
        /// What the blob is.
        what: &'static str,
        /// Its digest.
        digest: Digest,
        /// The descriptor's size.
        expected: u64,
        /// The size found.
        actual: u64,
    },
    /// A manifest, index or config is not what the specification says.
    #[error("{what} {digest}: {source}")]
    Document {
        /// What the document is.
        what: &'static str,
        /// Its digest.
        digest: Digest,
        /// What is wrong with it.
        source: DocumentError,
    },
    /// The embedded data of a descriptor does not match its size or digest.
    #[error("{what} {digest}: the data in its descriptor is not that blob")]
    EmbeddedData {
        /// What the blob is.
        what: &'static str,
        /// The digest that the descriptor gives.
        digest: Digest,
    },
    /// The digest in a name is not that of the image.
    #[error("{name} does not lead to what its digest says, but to {actual}")]
    NameDigest {
        /// The name.
        name: String,
        /// The digest of what it leads to.
        actual: Digest,
    },
    /// A manifest lists another number of layers than its config has diff IDs.
    #[error(
        "invalid manifest, layers length mismatch: {diff_ids} diff IDs in the config, {layers} layers in the manifest"
    )]
    LayerCount {
        /// How many diff IDs the config has.
        diff_ids: usize,
        /// How many layers the manifest has.
        layers: usize,
    },
    /// More layers than any image has.
    #[error("{layers} layers are more than the {limit} allowed", limit = super::MAX_LAYERS)]
    TooManyLayers {
        /// How many there are.
        layers: usize,
    },
    /// Indexes nested too deep.
    #[error("indexes are nested deeper than {limit}", limit = super::MAX_INDEX_DEPTH)]
    TooDeep,
    /// Indexes that list too many manifests.
    #[error("more than {limit} manifests", limit = super::MAX_DESCRIPTORS)]
    TooManyDescriptors,
}

/// Opens blobs.
pub trait BlobSource {
    /// The blob, or `None` if the source does not have it. Its bytes are not verified yet.
    fn open_blob(&self, descriptor: &Descriptor) -> Result<Option<Blob>, Error>;
}
