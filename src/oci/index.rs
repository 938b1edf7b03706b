//! Several images, or one image for several platforms.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::lenient::or_default;
use super::{Annotations, Descriptor, MediaType};

/// An image index ([image-spec, index](https://github.com/opencontainers/image-spec/blob/v1.1.0/image-index.md)); Docker's
/// manifest list is the same type with other media types.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Index {
    /// Always 2.
    pub schema_version: u32,
    /// What this document is. Optional in the specification, required by Docker's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub media_type: Option<MediaType>,
    /// What kind of artifact this is, if it is no image.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub artifact_type: Option<MediaType>,
    /// The manifests, and the indexes inside this one.
    #[serde(deserialize_with = "or_default")]
    pub manifests: Vec<Descriptor>,
    /// The manifest that this index says something about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subject: Option<Descriptor>,
    /// Notes about the index.
    #[serde(default, deserialize_with = "or_default", skip_serializing_if = "Annotations::is_empty")]
    pub annotations: Annotations,
    /// Fields that no specification names, as they came.
    #[serde(flatten)]
    pub other: Map<String, Value>,
}

impl Index {
    /// An index of those manifests: a manifest list if all are docker's.
    pub fn of(manifests: Vec<Descriptor>) -> Self {
        let all_docker = manifests.iter().all(|entry| entry.media_type == MediaType::DOCKER_MANIFEST);
        let media_type = if all_docker { MediaType::DOCKER_MANIFEST_LIST } else { MediaType::OCI_INDEX };
        Self::new(media_type, manifests)
    }

    /// An index of those manifests, of that type.
    pub fn new(media_type: MediaType, manifests: Vec<Descriptor>) -> Self {
        Self {
            schema_version: 2,
            media_type: Some(media_type),
            artifact_type: None,
            manifests,
            subject: None,
            annotations: Annotations::new(),
            other: Map::new(),
        }
    }
}
