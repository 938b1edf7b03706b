//! The image index: several images, or one image for several platforms.

use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::value::RawValue;
use serde_json::{Map, Value};

use super::lenient::or_default;
use super::{Annotations, Descriptor, Digest, DigestError, MediaType};

/// An image index ([image-spec, index](https://github.com/opencontainers/image-spec/blob/v1.1.0/image-index.md)); Docker's
/// manifest list is the same type with other media types.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(from = "Read")]
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

/// An index as it is read from JSON, with all its entries in one list.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Read {
    schema_version: u32,
    #[serde(default)]
    media_type: Option<MediaType>,
    #[serde(default)]
    artifact_type: Option<MediaType>,
    #[serde(deserialize_with = "or_default")]
    manifests: Vec<Listed<Box<Descriptor>, Value>>,
    #[serde(default)]
    subject: Option<Descriptor>,
    #[serde(default, deserialize_with = "or_default")]
    annotations: Annotations,
    #[serde(flatten)]
    other: Map<String, Value>,
}

/// An index as it is written to JSON: nothing is copied, since that of a store has thousands of entries.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Written<'a> {
    schema_version: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    media_type: Option<&'a MediaType>,
    #[serde(skip_serializing_if = "Option::is_none")]
    artifact_type: Option<&'a MediaType>,
    manifests: Vec<Listed<&'a Descriptor, &'a Value>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    subject: Option<&'a Descriptor>,
    #[serde(skip_serializing_if = "Option::is_none")]
    annotations: Option<&'a Annotations>,
    #[serde(flatten)]
    other: &'a Map<String, Value>,
}

/// An entry of an index.
#[derive(Serialize)]
#[serde(untagged)]
enum Listed<D, V> {
    Supported(D),
    Unsupported(V),
}

impl<'de> Deserialize<'de> for Listed<Box<Descriptor>, Value> {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let raw = Box::<RawValue>::deserialize(from)?;
        if let Ok(entry) = serde_json::from_str(raw.get()) {
            return Ok(Self::Supported(entry));
        }
        let entry: Value = serde_json::from_str(raw.get()).map_err(D::Error::custom)?;
        let digest = entry.get("digest").and_then(Value::as_str).map(str::parse::<Digest>);
        if matches!(digest, Some(Err(DigestError::Algorithm { .. }))) {
            return Ok(Self::Unsupported(entry));
        }
        Descriptor::deserialize(entry).map(|entry| Self::Supported(Box::new(entry))).map_err(D::Error::custom)
    }
}

impl From<Read> for Index {
    fn from(read: Read) -> Self {
        let Read { schema_version, media_type, artifact_type, manifests: all, subject, annotations, other } = read;
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

impl Serialize for Index {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        self.listing(&self.manifests).serialize(to)
    }
}

impl Index {
    /// An index of these manifests: a manifest list if all are docker's.
    pub fn of(manifests: Vec<Descriptor>) -> Self {
        let all_docker = manifests.iter().all(|entry| entry.media_type == MediaType::DOCKER_MANIFEST);
        let media_type = if all_docker { MediaType::DOCKER_MANIFEST_LIST } else { MediaType::OCI_INDEX };
        Self::new(media_type, manifests)
    }

    /// This index as it is written, with these manifests instead of its own.
    pub fn listing<'a>(&'a self, manifests: impl IntoIterator<Item = &'a Descriptor>) -> impl Serialize + 'a {
        let supported = manifests.into_iter().map(Listed::Supported);
        Written {
            schema_version: self.schema_version,
            media_type: self.media_type.as_ref(),
            artifact_type: self.artifact_type.as_ref(),
            manifests: supported.chain(self.unsupported.iter().map(Listed::Unsupported)).collect(),
            subject: self.subject.as_ref(),
            annotations: Some(&self.annotations).filter(|annotations| !annotations.is_empty()),
            other: &self.other,
        }
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
