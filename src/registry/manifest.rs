//! A manifest or index, as a registry sends it.

use serde_json::Value;

use super::Error;
use crate::http::Response;
use crate::oci::{Descriptor, Digest, MediaType, Reference};

/// The largest manifest or index, in bytes.
pub(super) const LIMIT: u64 = 4 << 20;
/// The header that has the digest of a manifest.
const DIGEST: &str = "docker-content-digest";
/// The media types that are read.
const ACCEPT: [MediaType; 4] =
    [MediaType::OCI_INDEX, MediaType::DOCKER_MANIFEST_LIST, MediaType::OCI_MANIFEST, MediaType::DOCKER_MANIFEST];
/// The `Accept` header. Schema 1 is in it only so that it can be refused by its name: of an image that has no other
/// manifest, servers say that there is none.
pub(super) fn accept() -> String {
    let read = ACCEPT.map(|media_type| media_type.to_string()).join(", ");
    format!("{read}, {SCHEMA_ONE}prettyjws;q=0.1")
}

/// The media types of manifests of schema 1 begin so.
const SCHEMA_ONE: &str = "application/vnd.docker.distribution.manifest.v1+";

/// A manifest or index of a registry, byte for byte.
#[derive(Debug, Clone)]
pub struct Fetched {
    /// Its media type, digest and size.
    pub descriptor: Descriptor,
    /// Its bytes, which match the digest.
    pub bytes: Vec<u8>,
}

/// The digest in the headers of a response.
pub(super) fn announced_digest(response: &Response) -> Option<Digest> {
    response.header(DIGEST)?.trim().parse().ok()
}

/// The descriptor in the headers of a response, if they have all of it.
pub(super) fn announced(response: &Response) -> Option<Descriptor> {
    let digest = announced_digest(response)?;
    let media_type = known(content_type(response)?)?;
    let size = response.header("content-length")?.trim().parse().ok()?;
    Some(Descriptor::new(media_type, digest, size))
}

/// Reads the manifest of a response and checks it against what is known of it.
pub(super) fn read(name: &Reference, expected: Option<&Digest>, response: Response) -> Result<Fetched, Error> {
    let shown = name.familiar();
    let content_type = content_type(&response).map(str::to_owned);
    let header = announced_digest(&response);
    let bytes = response.bytes(LIMIT)?;
    let actual = Digest::of(&bytes);
    if let Some(expected) = expected.copied().into_iter().chain(header).find(|digest| *digest != actual) {
        return Err(Error::Digest { name: shown, expected, actual });
    }
    let media_type = media_type(&shown, content_type.as_deref(), &bytes)?;
    Ok(Fetched { descriptor: Descriptor::new(media_type, actual, bytes.len() as u64), bytes })
}

/// What a document is: what the server says, if that is a kind of manifest, else what the document says. They must not
/// contradict each other: a document that is an image to one reader and an index to another is refused.
fn media_type(shown: &str, announced: Option<&str>, bytes: &[u8]) -> Result<MediaType, Error> {
    let document = serde_json::from_slice::<Value>(bytes).unwrap_or_default();
    let own = document.get("mediaType").and_then(Value::as_str);
    let is_old = |text: &&str| text.starts_with(SCHEMA_ONE);
    let says_one = document.get("schemaVersion").and_then(Value::as_u64) == Some(1);
    if let Some(media_type) = announced.filter(is_old).or(own.filter(is_old)).or(says_one.then_some(SCHEMA_ONE)) {
        let media_type = MediaType::from(media_type.trim_end_matches('+').to_owned());
        return Err(Error::SchemaOne { name: shown.to_owned(), media_type });
    }
    let not_one =
        || Error::NotAManifest { name: shown.to_owned(), media_type: own.or(announced).unwrap_or_default().to_owned() };
    match (announced.and_then(known), own.and_then(known)) {
        (Some(announced), Some(actual)) if announced != actual => {
            Err(Error::MediaTypes { name: shown.to_owned(), announced, actual })
        }
        (Some(found), _) | (None, Some(found)) => Ok(found),
        (None, None) if own.is_none() && document.get("manifests").is_some() => Ok(MediaType::OCI_INDEX),
        (None, None) if own.is_none() && document.get("config").is_some() => Ok(MediaType::OCI_MANIFEST),
        (None, None) => Err(not_one()),
    }
}

fn content_type(response: &Response) -> Option<&str> {
    let value = response.header("content-type")?;
    Some(value.split(';').next().unwrap_or(value).trim())
}

fn known(text: &str) -> Option<MediaType> {
    let media_type = MediaType::from(text.to_owned());
    (media_type.is_manifest() || media_type.is_index()).then_some(media_type)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_document_is() {
        let oci = "application/vnd.oci.image.manifest.v1+json";
        let index = "application/vnd.oci.image.index.v1+json";
        let read =
            |announced, document: &str| media_type("x", announced, document.as_bytes()).map_err(|e| e.to_string());
        let typed = |text: &str| format!(r#"{{"mediaType":"{text}"}}"#);
        assert_eq!(read(Some(oci), "{}"), Ok(MediaType::OCI_MANIFEST));
        assert_eq!(read(Some("text/plain"), &typed(index)), Ok(MediaType::OCI_INDEX));
        assert_eq!(read(None, r#"{"manifests":[]}"#), Ok(MediaType::OCI_INDEX));
        assert_eq!(read(Some("application/json"), r#"{"config":{}}"#), Ok(MediaType::OCI_MANIFEST));
        for (announced, document) in [
            (Some(oci), typed(index)),
            (Some("text/html"), "<html>".to_owned()),
            (None, typed("application/x")),
            (Some("application/vnd.docker.distribution.manifest.v1+prettyjws"), "{}".to_owned()),
            (Some(oci), r#"{"schemaVersion":1}"#.to_owned()),
        ] {
            assert!(read(announced, &document).is_err(), "{announced:?} {document}");
        }
    }
}
