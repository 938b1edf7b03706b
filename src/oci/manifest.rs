//! The image manifest: a config and layers.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::lenient::or_default;
use super::{Annotations, Descriptor, MediaType};

/// An image manifest
/// ([image-spec, manifest](https://github.com/opencontainers/image-spec/blob/v1.1.0/manifest.md)); Docker's schema 2 is
/// the same type with other media types.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Manifest {
    /// The schema version: always 2.
    pub schema_version: u32,
    /// The media type of this document. Optional in the OCI specification, required in Docker's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub media_type: Option<MediaType>,
    /// The type of the artifact, if this is not an image.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub artifact_type: Option<MediaType>,
    /// The config; its digest is the image ID.
    pub config: Descriptor,
    /// The layers, bottom first.
    #[serde(default, deserialize_with = "or_default")]
    pub layers: Vec<Descriptor>,
    /// The manifest that this one refers to, as a signature does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subject: Option<Descriptor>,
    /// Annotations of the image.
    #[serde(default, deserialize_with = "or_default", skip_serializing_if = "Annotations::is_empty")]
    pub annotations: Annotations,
    /// All other fields, unchanged.
    #[serde(flatten)]
    pub other: Map<String, Value>,
}

impl Manifest {
    /// A manifest with this config and these layers, bottom first.
    pub fn new(media_type: MediaType, config: Descriptor, layers: Vec<Descriptor>) -> Self {
        Self {
            schema_version: 2,
            media_type: Some(media_type),
            artifact_type: None,
            config,
            layers,
            subject: None,
            annotations: Annotations::new(),
            other: Map::new(),
        }
    }
}
