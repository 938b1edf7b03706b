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
    pub(super) artifact_type: Option<MediaType>,
    pub(super) annotations: Annotations,
    /// What it is about.
    pub(super) subject: Option<AnyDigest>,
    /// The config and the layers.
    pub(super) blobs: Vec<Need>,
    /// The manifests of an index.
    pub(super) manifests: Vec<Need>,
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
    annotations: Option<Value>,
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

impl Parts {
    /// The parts of a manifest, or why it is none.
    pub(super) fn parse(bytes: &[u8]) -> Result<Self, String> {
        let raw: Raw = strict::from_slice(bytes, MAX_DOCUMENT).map_err(|error| error.to_string())?;
        if raw.schema_version.is_some_and(|version| version != 2) {
            return Err("the schema version is not 2".to_owned());
        }
        let has_content = raw.manifests.is_some() || raw.config.is_some() || raw.blobs.is_some();
        if !has_content {
            return Err("there is neither a config nor a list of manifests".to_owned());
        }
        if raw.manifests.is_some() && (raw.config.is_some() || raw.layers.is_some()) {
            return Err("an image and an index in one document".to_owned());
        }
        let needs = |raw: Vec<RawDescriptor>| raw.into_iter().map(need).collect::<Result<Vec<_>, String>>();
        let mut blobs = needs(raw.config.into_iter().collect())?;
        blobs.extend(needs(raw.layers.unwrap_or_default())?);
        blobs.extend(needs(raw.blobs.unwrap_or_default())?);
        let artifact_type = raw.artifact_type.or_else(|| blobs.first().map(|config| config.media_type.clone()));
        Ok(Self {
            media_type: raw.media_type.filter(|kind| !kind.is_empty()),
            artifact_type,
            annotations: raw.annotations.and_then(|value| serde_json::from_value(value).ok()).unwrap_or_default(),
            subject: raw.subject.map(|subject| need(subject).map(|need| need.digest)).transpose()?,
            blobs,
            manifests: needs(raw.manifests.unwrap_or_default())?,
        })
    }
}

fn need(raw: RawDescriptor) -> Result<Need, String> {
    let digest = raw.digest.parse().map_err(|_| format!("invalid digest {:?}", raw.digest))?;
    let is_elsewhere = raw.media_type.is_foreign() || raw.urls.is_some_and(|urls| !urls.is_empty());
    Ok(Need { digest, size: raw.size, media_type: raw.media_type, is_elsewhere })
}
