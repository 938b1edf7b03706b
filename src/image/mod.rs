//! An image as one thing, wherever its bytes are.
//!
//! ```text
//! Tree ─┬─ Image     config + layers (+ their manifest; a docker-archive has none)
//!       ├─ Index     a document and a tree for each of its descriptors: platforms, attestations
//!       ├─ Artifact  a manifest whose content is not a file system
//!       └─ Absent    named by an index, but not there
//! ```

mod artifact;
pub mod blob;
pub mod blobs;
pub mod check;
pub mod contents;
pub mod copy;
pub mod edit;
pub mod kernel;
pub mod manifest;
pub mod outgoing;
pub mod progress;
pub mod sink;
pub mod source;
pub mod tree;
pub mod work;

use std::collections::BTreeMap;

pub use blob::{Blob, OpenFile, QuarantinedBlob, QuarantinedLayer, Reopen};
pub use blobs::{BlobSource, Error};
pub use contents::Contents;
pub use progress::{MovingBlob, Progress, Silent};
pub use sink::Sink;
pub use source::{ImageSource, Inventory, Named};
pub use tree::{Child, ImageTree, collect_from_unknown};

use crate::oci::{Descriptor, DiffId, Document, ImageConfig, ImageId, Manifest, Platform};

/// The most layers an image may have; Docker itself stops at 127.
pub const MAX_LAYERS: usize = 1024;
/// How deep indexes may point to indexes; real ones have one or two levels.
pub const MAX_INDEX_DEPTH: usize = 8;
/// How many descriptors all the indexes of one name may hold together.
pub const MAX_DESCRIPTORS: usize = 10_000;

/// One layer of an image: a changeset over those below.
#[derive(Debug, Clone)]
pub struct Layer {
    /// The digest of the uncompressed tar, from the config.
    pub diff_id: DiffId,
    /// The blob as the manifest describes it; an archive without a manifest has none.
    pub descriptor: Option<Descriptor>,
    /// The bytes, compressed or not; `None` where they were left out because the receiver has them.
    pub blob: Option<Blob>,
}

/// A config and its layers, bottom first.
#[derive(Debug, Clone)]
pub struct Image {
    /// The manifest around them, if there is one.
    pub manifest: Option<Document<Manifest>>,
    /// The config, byte for byte.
    pub config: Document<ImageConfig>,
    /// As many as the config has diff IDs, in the same order.
    pub layers: Vec<Layer>,
    /// The platform in the descriptor that led here, if it gives one.
    pub described_platform: Option<Platform>,
}

impl Image {
    /// The digest of the config's bytes.
    pub fn id(&self) -> ImageId {
        ImageId::new(*self.config.digest())
    }

    /// The image's platform: as the index says, or else as its config says. The two may differ: configs of official ARM
    /// images before 2021 name no variant.
    pub fn platform(&self) -> Platform {
        let described = self.described_platform.clone().filter(|platform| !platform.is_blank());
        described.unwrap_or_else(|| self.config.value().platform())
    }

    /// The diff IDs of the layers that are not there, bottom first.
    pub fn missing_layers(&self) -> Vec<DiffId> {
        self.layers.iter().filter(|layer| layer.blob.is_none()).map(|layer| layer.diff_id).collect()
    }

    /// An error that names the layers which are not there, if any; `name` is what the image is called in it.
    pub fn require_complete(&self, name: impl FnOnce() -> String) -> Result<(), MissingLayers> {
        let layers = self.missing_layers();
        if layers.is_empty() { Ok(()) } else { Err(MissingLayers { image: name(), layers }) }
    }

    /// Whether all layers are there.
    pub fn is_complete(&self) -> bool {
        self.layers.iter().all(|layer| layer.blob.is_some())
    }
}

/// Layers of an image are not where the image is: an archive may leave out those that its reader is known to have.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("image {image} lacks layers that are not in the store: {layers}; pull it, or load the image that it is built on first", layers = listed(layers))]
pub struct MissingLayers {
    /// The image's name or ID.
    pub image: String,
    /// The diff IDs, bottom first.
    pub layers: Vec<DiffId>,
}

fn listed(layers: &[DiffId]) -> String {
    layers.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
}

/// Picks the image that suits `wanted` best; of equals the first.
pub fn select<'a>(images: &[&'a Image], wanted: &Platform) -> Option<&'a Image> {
    let mut ranked = BTreeMap::new();
    for image in images {
        if let Some(rank) = wanted.rank(&image.platform()) {
            ranked.entry(rank).or_insert(*image);
        }
    }
    ranked.into_values().next()
}
