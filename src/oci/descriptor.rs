//! Descriptors: references to blobs.

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
/// How the annotations begin that are valid only in the index of the store that wrote them.
const OF_STORES: &str = "org.imgtool.";
/// In the index of a store: the digest of the entry that an image was committed on. The parent is kept as long as the
/// child.
pub const ANNOTATION_PARENT: &str = "org.imgtool.parent";
/// In the index of a store: the name and digest of the image that this one was built on, if it was built here.
pub const ANNOTATION_BUILT_ON: &str = "org.imgtool.base";
/// How the name of an image begins that is in a registry, as tools write it.
pub const REGISTRY_PREFIX: &str = "docker://";
/// In the index of a store: from where the images of a manifest list came, as a JSON object of digests and names. A name
/// that begins with [`REGISTRY_PREFIX`] is one of an image that came without its layers.
pub const ANNOTATION_SOURCES: &str = "org.imgtool.sources";
/// In the index of a store: since when a manifest of a repository has had no tag, in RFC 3339.
pub const ANNOTATION_UNTAGGED: &str = "org.imgtool.untagged";
/// In the index of a store: the digest by which a manifest was pushed, if it is not a sha256.
pub const ANNOTATION_DIGEST: &str = "org.imgtool.digest";
/// The full name of an entry in `index.json`, as containerd and docker write it.
pub const ANNOTATION_IMAGE_NAME: &str = "io.containerd.image.name";
/// When an image was made, in RFC 3339.
pub const ANNOTATION_CREATED: &str = "org.opencontainers.image.created";
/// The name of the image that an image is built on.
pub const ANNOTATION_BASE_NAME: &str = "org.opencontainers.image.base.name";
/// The digest of the image that an image is built on: of its manifest or its index.
pub const ANNOTATION_BASE_DIGEST: &str = "org.opencontainers.image.base.digest";
/// How an entry of an index relates to another; buildkit marks its attestations with it (`attestation-manifest`).
pub const ANNOTATION_DOCKER_REFERENCE_TYPE: &str = "vnd.docker.reference.type";

/// A blob's media type, digest and size ([image-spec,
/// descriptor](https://github.com/opencontainers/image-spec/blob/v1.1.0/descriptor.md)).
///
/// Fields are written in the order of the specification's Go struct; empty fields are omitted.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Descriptor {
    /// The type of the blob's content. Empty if the document has none.
    #[serde(default, deserialize_with = "or_default")]
    pub media_type: MediaType,
    /// The digest of the blob's bytes.
    pub digest: Digest,
    /// How many bytes the blob has.
    pub size: u64,
    /// Other places to fetch the blob from.
    #[serde(default, deserialize_with = "or_default", skip_serializing_if = "Vec::is_empty")]
    pub urls: Vec<String>,
    /// Annotations of the blob, such as the name of an image.
    #[serde(default, deserialize_with = "or_default", skip_serializing_if = "Annotations::is_empty")]
    pub annotations: Annotations,
    /// The embedded content of the blob, in base64.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub data: Option<String>,
    /// The platform of the image; only in an index.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub platform: Option<Platform>,
    /// The type of the artifact, if the blob is not an image.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub artifact_type: Option<MediaType>,
    /// All other fields, unchanged.
    #[serde(flatten)]
    pub other: Map<String, Value>,
}

impl Descriptor {
    /// A descriptor with only the required fields.
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

    /// The annotation with this key.
    pub fn annotation(&self, key: &str) -> Option<&str> {
        self.annotations.get(key).map(String::as_str)
    }

    /// Whether this is, in the index of a store, a manifest list that was made there.
    pub fn has_sources(&self) -> bool {
        self.annotations.contains_key(ANNOTATION_SOURCES)
    }

    /// Drops the annotations that are valid only in the store that wrote them.
    pub fn leave_store(&mut self) {
        self.annotations.retain(|key, _| !key.starts_with(OF_STORES));
    }

    /// The entry that the image was committed on, if imgtool committed it.
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
