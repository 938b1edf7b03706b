//! JSON documents together with their original bytes and digest.

use std::fmt;
use std::sync::Arc;

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::strict::{self, CaseRule, JsonError, MAX_DOCUMENT};
use super::{Descriptor, Digest, ImageConfig, Index, Manifest, MediaType, go_json};

/// The most descriptors in one manifest or index: ten times what the largest images have, and a bound on the work that
/// one document causes.
pub const MAX_DESCRIPTORS: usize = 10_000;

/// Why bytes are not a valid document of the expected kind.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DocumentError {
    /// The bytes are not unambiguous JSON (see [`strict`]), or do not have the expected structure.
    #[error("invalid {what}: {fault}")]
    Json {
        /// The expected kind of document.
        what: &'static str,
        /// What is wrong.
        fault: JsonError,
    },
    /// The document has fields of another kind, so that readers may disagree on what it is.
    #[error("invalid {what}: it has the field {field:?} of another kind of document")]
    Confused {
        /// The expected kind of document.
        what: &'static str,
        /// The field that does not belong there.
        field: &'static str,
    },
    /// The media type is that of another kind of document.
    #[error("invalid {what}: its media type is {media_type:?}")]
    MediaType {
        /// The expected kind of document.
        what: &'static str,
        /// The media type of the document.
        media_type: MediaType,
    },
    /// The schema version is not 2.
    #[error("invalid {what}: schema version {version}, only 2 is read")]
    SchemaVersion {
        /// The expected kind of document.
        what: &'static str,
        /// The schema version of the document.
        version: u32,
    },
    /// The document has too many descriptors.
    #[error("invalid {what}: {count} descriptors are more than the {MAX_DESCRIPTORS} allowed")]
    TooManyDescriptors {
        /// The expected kind of document.
        what: &'static str,
        /// How many it has.
        count: usize,
    },
    /// A config without `rootfs`.
    #[error("invalid {what}: no rootfs, so it is not the config of an image")]
    NoRootfs {
        /// The expected kind of document.
        what: &'static str,
    },
}

/// A kind of document: its size limit, and how it is validated.
pub trait DocumentKind {
    /// The most bytes it may have.
    const LIMIT: usize = MAX_DOCUMENT;
    /// Its name in errors.
    const WHAT: &'static str;
    /// Which of its keys may not differ by case alone.
    const CASE: CaseRule;

    /// Checks the JSON before it is deserialised.
    fn validate_raw(_raw: &Value) -> Result<(), DocumentError> {
        Ok(())
    }

    /// Checks what deserialising does not.
    fn validate(&self, _raw: &Value) -> Result<(), DocumentError> {
        Ok(())
    }
}

/// A document: its original bytes, their digest, and the parsed value. Cloning it copies nothing.
pub struct Document<T>(Arc<Inner<T>>);

struct Inner<T> {
    bytes: Vec<u8>,
    digest: Digest,
    value: T,
}

impl<T> Document<T> {
    /// The original bytes.
    pub fn bytes(&self) -> &[u8] {
        &self.0.bytes
    }

    /// The digest of the bytes.
    pub fn digest(&self) -> &Digest {
        &self.0.digest
    }

    /// The parsed value.
    pub fn value(&self) -> &T {
        &self.0.value
    }

    /// How many bytes there are.
    pub fn size(&self) -> u64 {
        self.0.bytes.len() as u64
    }

    /// A descriptor of this document.
    pub fn descriptor(&self, media_type: MediaType) -> Descriptor {
        Descriptor::new(media_type, *self.digest(), self.size())
    }

    /// Computes the digest.
    fn of(bytes: Vec<u8>, value: T) -> Self {
        Self(Arc::new(Inner { digest: Digest::of(&bytes), bytes, value }))
    }
}

impl<T: DeserializeOwned + DocumentKind> Document<T> {
    /// Parses a document, which must be unambiguous JSON (see [`strict`]) of the expected kind.
    pub fn parse(bytes: Vec<u8>) -> Result<Self, DocumentError> {
        let json = |fault| DocumentError::Json { what: T::WHAT, fault };
        strict::check_case(&bytes, T::LIMIT, T::CASE).map_err(json)?;
        let raw = serde_json::from_slice(&bytes).map_err(|error| json(error.into()))?;
        T::validate_raw(&raw)?;
        let value: T = serde_json::from_slice(&bytes).map_err(|error| json(error.into()))?;
        value.validate(&raw)?;
        Ok(Self::of(bytes, value))
    }
}

impl<T: Serialize> Document<T> {
    /// Serialises a value into a document.
    pub fn make(value: T) -> Self {
        Self::of(go_json::to_vec(&value), value)
    }
}

impl<T> Clone for Document<T> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<T: fmt::Debug> fmt::Debug for Document<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Document").field("digest", self.digest()).field("value", self.value()).finish()
    }
}

impl<T> PartialEq for Document<T> {
    fn eq(&self, other: &Self) -> bool {
        self.digest() == other.digest()
    }
}

impl<T> Eq for Document<T> {}

impl DocumentKind for Manifest {
    const WHAT: &'static str = "manifest";
    const CASE: CaseRule = CaseRule::Everywhere;

    fn validate_raw(raw: &Value) -> Result<(), DocumentError> {
        check_version(raw, Self::WHAT)?;
        check_fields(raw, Self::WHAT, &["manifests"])
    }

    fn validate(&self, _raw: &Value) -> Result<(), DocumentError> {
        check_kind(self.media_type.as_ref(), Self::WHAT, MediaType::is_index)?;
        check_count(self.layers.len(), Self::WHAT)
    }
}

impl DocumentKind for Index {
    const WHAT: &'static str = "index";
    const CASE: CaseRule = CaseRule::Everywhere;

    fn validate_raw(raw: &Value) -> Result<(), DocumentError> {
        check_version(raw, Self::WHAT)?;
        check_fields(raw, Self::WHAT, &["layers", "config"])
    }

    fn validate(&self, _raw: &Value) -> Result<(), DocumentError> {
        check_kind(self.media_type.as_ref(), Self::WHAT, MediaType::is_manifest)?;
        check_count(self.manifests.len(), Self::WHAT)
    }
}

impl DocumentKind for ImageConfig {
    const WHAT: &'static str = "image config";
    const CASE: CaseRule = CaseRule::TopLevel;

    fn validate_raw(raw: &Value) -> Result<(), DocumentError> {
        match raw.get("rootfs") {
            None | Some(Value::Null) if raw.is_object() => Err(DocumentError::NoRootfs { what: Self::WHAT }),
            _ => Ok(()),
        }
    }

    fn validate(&self, _raw: &Value) -> Result<(), DocumentError> {
        check_count(self.rootfs.diff_ids.len(), Self::WHAT)
    }
}

/// Refuses numeric schema versions other than 2; anything else fails to deserialise.
fn check_version(raw: &Value, what: &'static str) -> Result<(), DocumentError> {
    match raw.get("schemaVersion").and_then(Value::as_u64).map(|version| u32::try_from(version).unwrap_or(u32::MAX)) {
        None | Some(2) => Ok(()),
        Some(version) => Err(DocumentError::SchemaVersion { what, version }),
    }
}

/// Refuses fields of another kind of document, whatever their case: Go ignores case.
fn check_fields(raw: &Value, what: &'static str, foreign: &[&'static str]) -> Result<(), DocumentError> {
    let keys = || raw.as_object().into_iter().flat_map(|object| object.keys());
    match foreign.iter().find(|field| keys().any(|key| key.eq_ignore_ascii_case(field))) {
        None => Ok(()),
        Some(field) => Err(DocumentError::Confused { what, field }),
    }
}

/// Refuses the media types of other kinds of document.
fn check_kind(
    media_type: Option<&MediaType>,
    what: &'static str,
    is_other: fn(&MediaType) -> bool,
) -> Result<(), DocumentError> {
    match media_type.filter(|media_type| is_other(media_type)) {
        None => Ok(()),
        Some(media_type) => Err(DocumentError::MediaType { what, media_type: media_type.clone() }),
    }
}

/// Refuses more descriptors, or layers, than one document may have.
fn check_count(count: usize, what: &'static str) -> Result<(), DocumentError> {
    if count > MAX_DESCRIPTORS {
        return Err(DocumentError::TooManyDescriptors { what, count });
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::fmt::Debug;

    use super::*;

    const BLOB: &str =
        r#"{"digest":"sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855","size":0}"#;

    fn error<T: DeserializeOwned + DocumentKind + Debug>(json: &str) -> String {
        Document::<T>::parse(json.as_bytes().to_vec()).expect_err(json).to_string()
    }

    #[test]
    fn a_document_keeps_its_bytes() {
        let json = format!(r#"{{ "layers":[{BLOB}], "schemaVersion": 2, "config":{BLOB},"new":[1] }}{}"#, "\n");
        let document = Document::<Manifest>::parse(json.clone().into_bytes()).expect("a manifest");
        assert_eq!(document.bytes(), json.as_bytes());
        assert_eq!(*document.digest(), Digest::of(json.as_bytes()));
        assert_eq!(document.size(), json.len() as u64);
        assert_eq!(document.value().layers.len(), 1);
        assert_eq!(document.value().other["new"], serde_json::json!([1]));
        assert!(std::ptr::eq(document.bytes(), document.clone().bytes()), "cloning copies nothing");
    }

    #[test]
    fn a_document_that_was_made_reads_back() {
        let blob = Descriptor::new(MediaType::from("<"), Digest::of(b""), 0);
        let made = Document::make(Manifest::new(MediaType::OCI_MANIFEST, blob.clone(), vec![blob]));
        let read = Document::<Manifest>::parse(made.bytes().to_vec()).expect("a manifest");
        assert_eq!(read.value(), made.value());
        assert_eq!(read, made);
        let start = r#"{"schemaVersion":2,"mediaType":"application/vnd.oci.image.manifest.v1+json","config":{"mediaType":"\u003c""#;
        assert!(made.bytes().starts_with(start.as_bytes()), "{}", String::from_utf8_lossy(made.bytes()));
        let pointer = made.descriptor(MediaType::OCI_MANIFEST);
        assert_eq!((&pointer.digest, pointer.size), (made.digest(), made.size()));
        let index = Document::make(Index::new(MediaType::OCI_INDEX, vec![pointer]));
        assert_eq!(Document::<Index>::parse(index.bytes().to_vec()).expect("an index").value(), index.value());
    }

    #[test]
    fn a_document_of_two_kinds_is_refused_as_either() {
        let both = format!(r#"{{"schemaVersion":2,"config":{BLOB},"layers":[],"manifests":[]}}"#);
        assert_eq!(
            error::<Manifest>(&both),
            r#"invalid manifest: it has the field "manifests" of another kind of document"#
        );
        assert_eq!(error::<Index>(&both), r#"invalid index: it has the field "layers" of another kind of document"#);
        let config_too = format!(r#"{{"schemaVersion":2,"CONFIG":{BLOB},"manifests":[]}}"#);
        assert_eq!(
            error::<Index>(&config_too),
            r#"invalid index: it has the field "config" of another kind of document"#
        );
    }

    #[test]
    fn a_document_of_the_other_media_type_is_refused() {
        for other in [MediaType::OCI_INDEX, MediaType::DOCKER_MANIFEST_LIST] {
            let json = format!(r#"{{"schemaVersion":2,"mediaType":"{other}","config":{BLOB},"layers":[]}}"#);
            assert_eq!(error::<Manifest>(&json), format!("invalid manifest: its media type is {:?}", other.as_str()));
        }
        for other in [MediaType::OCI_MANIFEST, MediaType::DOCKER_MANIFEST] {
            let json = format!(r#"{{"schemaVersion":2,"mediaType":"{other}","manifests":[]}}"#);
            assert_eq!(error::<Index>(&json), format!("invalid index: its media type is {:?}", other.as_str()));
        }
    }

    #[test]
    fn other_versions_are_refused() {
        for (json, expected) in [
            (r#"{"schemaVersion":1,"manifests":[]}"#, "invalid index: schema version 1, only 2 is read"),
            (
                r#"{"schemaVersion":4294967298,"manifests":[]}"#,
                "invalid index: schema version 4294967295, only 2 is read",
            ),
            (r#"{"manifests":[]}"#, "invalid index: missing field `schemaVersion` at line 1 column 16"),
            (r#"{"schemaVersion":2}"#, "invalid index: missing field `manifests` at line 1 column 19"),
        ] {
            assert_eq!(error::<Index>(json), expected);
        }
    }

    #[test]
    fn an_index_may_have_null_for_nothing() {
        let json = br#"{"schemaVersion":2,"manifests":null,"annotations":null}"#;
        let index = Document::<Index>::parse(json.to_vec()).expect("an index");
        assert!(index.value().manifests.is_empty());
    }

    #[test]
    fn descriptors_are_counted() {
        let json = |count| format!(r#"{{"schemaVersion":2,"manifests":[{}]}}"#, vec![BLOB; count].join(","));
        assert!(Document::<Index>::parse(json(MAX_DESCRIPTORS).into_bytes()).is_ok());
        let expected = "invalid index: 10001 descriptors are more than the 10000 allowed";
        assert_eq!(error::<Index>(&json(MAX_DESCRIPTORS + 1)), expected);
    }

    #[test]
    fn bytes_are_counted() {
        let json = format!(r#"{{"schemaVersion":2,"manifests":[]}}{}"#, " ".repeat(MAX_DOCUMENT));
        assert!(Document::<Index>::parse(json.as_bytes()[..MAX_DOCUMENT].to_vec()).is_ok());
        assert!(error::<Index>(&json).ends_with("bytes of JSON are more than the 4194304 allowed"));
    }

    #[test]
    fn ambiguous_documents_are_refused() {
        let config = r#"{"os":"linux","os":"windows","rootfs":{"type":"layers"}}"#;
        assert_eq!(error::<ImageConfig>(config), r#"invalid image config: duplicate key "os" at line 1 column 18"#);
        let deep = r#"{"schemaVersion":2,"manifests":[{"size":1,"Size":2}]}"#;
        assert!(error::<Index>(deep).starts_with(r#"invalid index: ambiguous key "Size""#));
        let labels = r#"{"rootfs":{"type":"layers"},"config":{"Labels":{"a":"1","A":"2"}}}"#;
        assert!(Document::<ImageConfig>::parse(labels.as_bytes().to_vec()).is_ok(), "labels are people's own");
    }

    #[test]
    fn what_is_no_document_is_refused() {
        for json in ["", "null", "[]", "2", "[2,null,null,[]]", "{}x", "\u{feff}{}"] {
            error::<Manifest>(json);
            error::<Index>(json);
            error::<ImageConfig>(json);
        }
    }
}
