//! Pointers to blobs.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::lenient::or_default;
use super::{Digest, MediaType, Platform};

/// Annotations of a descriptor, manifest or index: sorted by key, as Go writes maps.
pub type Annotations = BTreeMap<String, String>;

/// The reference (usually only a tag) of an entry in `index.json`
/// ([image-spec, annotations](https://github.com/opencontainers/image-spec/blob/v1.1.0/annotations.md)).
pub const ANNOTATION_REF_NAME: &str = "org.opencontainers.image.ref.name";
/// In the index of a store: the digest of the entry that an image was committed on, so that the one is there as long as
/// the other.
pub const ANNOTATION_PARENT: &str = "org.imgtool.parent";
/// The full name of an entry in `index.json`, as containerd and docker write it.
pub const ANNOTATION_IMAGE_NAME: &str = "io.containerd.image.name";
/// When an image was made, in RFC 3339.
pub const ANNOTATION_CREATED: &str = "org.opencontainers.image.created";
/// What an entry of an index is to another, as buildkit marks its attestations (`attestation-manifest`).
pub const ANNOTATION_DOCKER_REFERENCE_TYPE: &str = "vnd.docker.reference.type";

/// Where a blob is to be found and what it has to be
/// ([image-spec, descriptor](https://github.com/opencontainers/image-spec/blob/v1.1.0/descriptor.md)).
///
/// Written in the order of the specification's Go struct, empty fields left out.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Descriptor {
    /// What the blob holds. Empty if the document did not say.
    #[serde(default, deserialize_with = "or_default")]
    pub media_type: MediaType,
    /// The digest of the blob's bytes.
    pub digest: Digest,
    /// How many bytes the blob has.
    pub size: u64,
    /// Where else the blob can be fetched.
    #[serde(default, deserialize_with = "or_default", skip_serializing_if = "Vec::is_empty")]
    pub urls: Vec<String>,
    /// Notes about the blob, such as the name of an image.
    #[serde(default, deserialize_with = "or_default", skip_serializing_if = "Annotations::is_empty")]
    pub annotations: Annotations,
    /// The blob itself, in base64.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub data: Option<String>,
    /// What the image in the blob runs on; only in an index.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub platform: Option<Platform>,
    /// What kind of artifact the blob is, if it is no image.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub artifact_type: Option<MediaType>,
    /// Fields that no specification names, as they came.
    #[serde(flatten)]
    pub other: Map<String, Value>,
}

impl Descriptor {
    /// A descriptor of `size` bytes with nothing said beyond what is required.
    pub fn new(media_type: MediaType, digest: Digest, size: u64) -> Self {
        Self {
            media_type,
            digest,
            size,
            urls: Vec::new(),
            annotations: Annotations::new(),
            data: None,
            platform: None,
            artifact_type: None,
            other: Map::new(),
        }
    }

    /// The annotation of that key.
    pub fn annotation(&self, key: &str) -> Option<&str> {
        self.annotations.get(key).map(String::as_str)
    }

    /// What the image was committed on, if it was committed by imgtool.
    pub fn parent(&self) -> Option<Digest> {
        self.annotation(ANNOTATION_PARENT)?.parse().ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const EMPTY: &str = "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

    #[test]
    fn everything_is_kept_and_written_in_order() {
        let json = format!(
            concat!(
                r#"{{"mediaType":"m","digest":"{}","size":3,"urls":["u"],"annotations":{{"a":"1","b":"2"}},"data":"e30=","#,
                r#""platform":{{"architecture":"amd64","os":"linux"}},"artifactType":"t","new":{{"z":1,"a":1.5}}}}"#
            ),
            EMPTY
        );
        let descriptor: Descriptor = serde_json::from_str(&json).expect("a descriptor");
        assert_eq!(serde_json::to_string(&descriptor).expect("JSON"), json);
        assert_eq!(descriptor.annotation("b"), Some("2"));
        assert_eq!(descriptor.annotation("c"), None);
    }

    #[test]
    fn nothing_and_null_are_the_same() {
        let json = format!(
            r#"{{"mediaType":null,"digest":"{EMPTY}","size":0,"urls":null,"annotations":null,"platform":null}}"#
        );
        let descriptor: Descriptor = serde_json::from_str(&json).expect("a descriptor");
        assert_eq!(descriptor, Descriptor::new(MediaType::default(), Digest::of(b""), 0));
    }

    #[test]
    fn what_points_nowhere_is_refused() {
        for json in [
            "{}".to_owned(),
            r#"{"digest":"sha256:00","size":1}"#.to_owned(),
            format!(r#"{{"digest":"{EMPTY}"}}"#),
            format!(r#"{{"digest":"{EMPTY}","size":-1}}"#),
            format!(r#"{{"digest":"{EMPTY}","size":1.5}}"#),
            format!(r#"{{"digest":"{EMPTY}","size":18446744073709551616}}"#),
            format!(r#"["m","{EMPTY}",1]"#),
        ] {
            assert!(serde_json::from_str::<Descriptor>(&json).is_err(), "{json}");
        }
    }
}
