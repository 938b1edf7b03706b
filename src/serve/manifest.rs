//! What a registry has to know of a manifest: what it needs, and what it is about.

use serde::Deserialize;
use serde_json::Value;

use super::any_digest::AnyDigest;
use crate::oci::strict::{self, MAX_DOCUMENT};
use crate::oci::{Annotations, MediaType};

/// A descriptor in a manifest of any kind.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Need {
    pub(super) digest: AnyDigest,
    pub(super) size: u64,
    pub(super) media_type: MediaType,
    /// It may be fetched elsewhere, and need not be here.
    pub(super) is_elsewhere: bool,
}

/// What a registry has to know of a manifest or an index.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Parts {
    pub(super) media_type: Option<MediaType>,
    /// Its own, or the media type of its config.
    pub(super) artifact_type: Option<MediaType>,
    /// What it is about.
    pub(super) subject: Option<AnyDigest>,
    /// The config and the layers.
    pub(super) blobs: Vec<Need>,
    /// The manifests of an index.
    pub(super) manifests: Vec<Need>,
    /// Whether it has a config.
    pub(super) has_config: bool,
    /// Whether it has a list of manifests, which may be empty.
    pub(super) has_manifests: bool,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Raw {
    schema_version: Option<u64>,
    media_type: Option<MediaType>,
    artifact_type: Option<MediaType>,
    config: Option<RawDescriptor>,
    layers: Option<Vec<RawDescriptor>>,
    /// The content of an artifact manifest of the drafts of image-spec 1.1.
    blobs: Option<Vec<RawDescriptor>>,
    manifests: Option<Vec<RawDescriptor>>,
    subject: Option<RawDescriptor>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct RawDescriptor {
    #[serde(default)]
    media_type: MediaType,
    digest: String,
    size: u64,
    #[serde(default)]
    urls: Option<Vec<String>>,
}

#[derive(Deserialize)]
struct RawAnnotations {
    annotations: Option<Value>,
}

impl Parts {
    /// The parts of a manifest, or why it is none.
    pub(super) fn parse(bytes: &[u8]) -> Result<Self, String> {
        let raw: Raw = strict::from_slice(bytes, MAX_DOCUMENT).map_err(|error| error.to_string())?;
        if raw.schema_version == Some(1) {
            return Err("manifests of schema 1 are not taken: push the image with a docker of 1.10 or later".to_owned());
        }
        if raw.schema_version.is_some_and(|version| version != 2) {
            return Err("the schema version is not 2".to_owned());
        }
        if raw.manifests.is_some() && (raw.config.is_some() || raw.layers.is_some()) {
            return Err("an image and an index in one document".to_owned());
        }
        let needs = |raw: Vec<RawDescriptor>| raw.into_iter().map(need).collect::<Result<Vec<_>, String>>();
        let (has_config, has_manifests) = (raw.config.is_some(), raw.manifests.is_some());
        let mut blobs = needs(raw.config.into_iter().collect())?;
        let own = raw.artifact_type.filter(|kind| !kind.is_empty());
        let artifact_type = own.or_else(|| blobs.first().map(|config| config.media_type.clone()));
        let has_blobs = raw.blobs.is_some();
        blobs.extend(needs(raw.layers.unwrap_or_default())?);
        blobs.extend(needs(raw.blobs.unwrap_or_default())?);
        let media_type = raw.media_type.filter(|kind| !kind.is_empty());
        if !has_config && !has_manifests && !has_blobs && !media_type.as_ref().is_some_and(MediaType::is_index) {
            return Err("there is neither a config nor a list of manifests".to_owned());
        }
        Ok(Self {
            media_type,
            artifact_type,
            subject: raw.subject.map(|subject| need(subject).map(|need| need.digest)).transpose()?,
            blobs,
            manifests: needs(raw.manifests.unwrap_or_default())?,
            has_config,
            has_manifests,
        })
    }

    /// The media type under which it is kept, if its header says `header`: what it says itself, what the header says, or
    /// what it looks like.
    pub(super) fn kind(&self, header: &str) -> Result<MediaType, String> {
        let header = header.split(';').next().unwrap_or_default().trim();
        let is_open = matches!(header, "" | "application/json" | "application/octet-stream");
        let kind = match &self.media_type {
            Some(own) if is_open || own.as_str() == header => own.clone(),
            Some(own) => {
                return Err(format!("the manifest says that it is {own}, and the header Content-Type says {header}"));
            }
            None if !is_open => MediaType::from(header.to_owned()),
            None if self.has_manifests => MediaType::OCI_INDEX,
            None if self.has_config => MediaType::OCI_MANIFEST,
            None => return Err("there is no header Content-Type, and the manifest does not say its type".to_owned()),
        };
        // One reader must not take for an image what another one takes for an index.
        match kind {
            kind if kind.is_index() && self.has_config => Err(format!("{kind} with a config: that is no index")),
            kind if kind.is_manifest() && !self.has_config => Err(format!("{kind} without a config: that is no image")),
            kind => Ok(kind),
        }
    }

    /// How many descriptors it has.
    pub(super) fn len(&self) -> usize {
        self.blobs.len() + self.manifests.len()
    }

    /// Whether it names anything by SHA-512.
    pub(super) fn has_sha512(&self) -> bool {
        let mut digests = self.blobs.iter().chain(&self.manifests).map(|need| &need.digest).chain(&self.subject);
        digests.any(|digest| matches!(digest, AnyDigest::Sha512(_)))
    }
}

/// The annotations of a manifest.
pub(super) fn annotations(bytes: &[u8]) -> Annotations {
    let raw = serde_json::from_slice::<RawAnnotations>(bytes).ok().and_then(|raw| raw.annotations);
    raw.and_then(|value| serde_json::from_value(value).ok()).unwrap_or_default()
}

fn need(raw: RawDescriptor) -> Result<Need, String> {
    let shown: String = raw.digest.chars().take(200).collect();
    let digest = raw.digest.parse().map_err(|_| format!("{shown:?} is not a digest of sha256 or sha512"))?;
    let is_elsewhere = raw.media_type.is_foreign() || raw.urls.is_some_and(|urls| !urls.is_empty());
    Ok(Need { digest, size: raw.size, media_type: raw.media_type, is_elsewhere })
}

#[cfg(test)]
mod tests {
    use super::*;

    const SHA: &str = "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

    fn kind(json: &str, header: &str) -> Result<String, String> {
        Parts::parse(json.as_bytes())?.kind(header).map(|kind| kind.as_str().to_owned())
    }

    #[test]
    fn the_media_type_is_what_the_manifest_says_or_the_header_or_its_form() {
        let config = format!(r#"{{"mediaType":"x/config","digest":"{SHA}","size":0}}"#);
        let image = format!(r#"{{"schemaVersion":2,"config":{config},"layers":[]}}"#);
        let index = r#"{"schemaVersion":2,"manifests":[]}"#;
        let own = format!(r#"{{"schemaVersion":2,"mediaType":"x/own","config":{config}}}"#);
        let (oci, list) = ("application/vnd.oci.image.manifest.v1+json", "application/vnd.oci.image.index.v1+json");
        assert_eq!(kind(&image, "").as_deref(), Ok(oci));
        assert_eq!(kind(index, "application/json").as_deref(), Ok(list));
        assert_eq!(kind(&own, "").as_deref(), Ok("x/own"));
        assert_eq!(kind(&own, "x/own; charset=utf-8").as_deref(), Ok("x/own"));
        assert_eq!(kind(&image, "x/thing").as_deref(), Ok("x/thing"));
        assert!(kind(&own, oci).is_err() && kind(&image, list).is_err() && kind(index, oci).is_err());
        assert!(kind("{}", "x/thing").is_err());
    }

    #[test]
    fn what_two_readers_could_read_in_two_ways_is_refused() {
        for json in [
            r#"{"schemaVersion":1,"fsLayers":[]}"#.to_owned(),
            r#"{"schemaVersion":2,"manifests":[],"manifests":[]}"#.to_owned(),
            r#"{"schemaVersion":2,"manifests":[],"Manifests":[]}"#.to_owned(),
            format!(r#"{{"manifests":[],"config":{{"digest":"{SHA}","size":0}}}}"#),
            r#"{"manifests":[{"digest":"md5:00","size":0}]}"#.to_owned(),
            format!("{}{}", r#"{"manifests":"#, "[".repeat(10_000)),
        ] {
            assert!(Parts::parse(json.as_bytes()).is_err(), "{json:.100}");
        }
    }
}
