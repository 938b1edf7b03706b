//! The image index: several images, or one image for several platforms.

use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::{Map, Value};

use super::lenient::or_default;
use super::{Annotations, Descriptor, Digest, DigestError, MediaType};

/// An image index ([image-spec, index](https://github.com/opencontainers/image-spec/blob/v1.1.0/image-index.md)); Docker's
/// manifest list is the same type with other media types.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(from = "Written", into = "Written")]
pub struct Index {
    /// The schema version: always 2.
    pub schema_version: u32,
    /// The media type of this document. Optional in the OCI specification, required in Docker's.
    pub media_type: Option<MediaType>,
    /// The type of the artifact, if this is not an image.
    pub artifact_type: Option<MediaType>,
    /// The manifests, and nested indexes.
    pub manifests: Vec<Descriptor>,
    /// Entries whose digest is not a sha256, as they came: other tools read them, and they must not get lost.
    pub unsupported: Vec<Value>,
    /// The manifest that this index refers to, as a signature does.
    pub subject: Option<Descriptor>,
    /// Annotations of the index.
    pub annotations: Annotations,
    /// All other fields, unchanged.
    pub other: Map<String, Value>,
}

/// An index as it stands in JSON, with all its entries in one list.
#[derive(Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Written {
    schema_version: u32,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    media_type: Option<MediaType>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    artifact_type: Option<MediaType>,
    #[serde(deserialize_with = "or_default")]
    manifests: Vec<Listed>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    subject: Option<Descriptor>,
    #[serde(default, deserialize_with = "or_default", skip_serializing_if = "Annotations::is_empty")]
    annotations: Annotations,
    #[serde(flatten)]
    other: Map<String, Value>,
}

/// An entry of an index.
#[derive(Clone, Serialize)]
#[serde(untagged)]
enum Listed {
    Supported(Box<Descriptor>),
    Unsupported(Value),
}

impl<'de> Deserialize<'de> for Listed {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let entry = Value::deserialize(from)?;
        let digest = entry.get("digest").and_then(Value::as_str).map(str::parse::<Digest>);
        if matches!(digest, Some(Err(DigestError::Algorithm { .. }))) {
            return Ok(Self::Unsupported(entry));
        }
        Descriptor::deserialize(entry).map(|entry| Self::Supported(Box::new(entry))).map_err(D::Error::custom)
    }
}

impl From<Written> for Index {
    fn from(written: Written) -> Self {
        let Written { schema_version, media_type, artifact_type, manifests: all, subject, annotations, other } =
            written;
        let (mut manifests, mut unsupported) = (Vec::with_capacity(all.len()), Vec::new());
        for entry in all {
            match entry {
                Listed::Supported(entry) => manifests.push(*entry),
                Listed::Unsupported(entry) => unsupported.push(entry),
            }
        }
        Self { schema_version, media_type, artifact_type, manifests, unsupported, subject, annotations, other }
    }
}

impl From<Index> for Written {
    fn from(index: Index) -> Self {
        let Index { schema_version, media_type, artifact_type, manifests, unsupported, subject, annotations, other } =
            index;
        let supported = manifests.into_iter().map(|entry| Listed::Supported(Box::new(entry)));
        let manifests = supported.chain(unsupported.into_iter().map(Listed::Unsupported)).collect();
        Self { schema_version, media_type, artifact_type, manifests, subject, annotations, other }
    }
}

impl Index {
    /// An index of these manifests: a manifest list if all are docker's.
    pub fn of(manifests: Vec<Descriptor>) -> Self {
        let all_docker = manifests.iter().all(|entry| entry.media_type == MediaType::DOCKER_MANIFEST);
        let media_type = if all_docker { MediaType::DOCKER_MANIFEST_LIST } else { MediaType::OCI_INDEX };
        Self::new(media_type, manifests)
    }

    /// An index of these manifests, with this media type.
    pub fn new(media_type: MediaType, manifests: Vec<Descriptor>) -> Self {
        Self {
            schema_version: 2,
            media_type: Some(media_type),
            artifact_type: None,
            manifests,
            unsupported: Vec::new(),
            subject: None,
            annotations: Annotations::new(),
            other: Map::new(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries_with_other_digests_are_set_aside_and_written_again() {
        let sha256 = Digest::of(b"");
        let sha512 = format!("sha512:{}", "a".repeat(128));
        let json = format!(
            r#"{{"schemaVersion":2,"manifests":[{{"mediaType":"m","digest":"{sha256}","size":0}},{{"digest":"{sha512}","size":"?"}}],"z":1}}"#
        );
        let index: Index = serde_json::from_str(&json).expect("an index");
        assert_eq!((index.manifests.len(), index.unsupported.len()), (1, 1));
        assert_eq!(serde_json::to_string(&index).expect("JSON"), json);
        assert!(serde_json::from_str::<Index>(&json.replace("sha512:", "sha512")).is_err(), "that is no digest");
    }
}
