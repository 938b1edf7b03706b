//! Tells images from artifacts: signatures, attestations, SBOMs, charts, caches.

use std::collections::BTreeSet;

use serde::Deserialize;

use crate::image::{Blob, ImageTree};
use crate::oci::{Descriptor, Manifest, MediaType, strict};

/// The media type of artifacts in drafts of image-spec 1.1; SOCI and ORAS wrote it.
const ARTIFACT_MANIFEST: &str = "application/vnd.oci.artifact.manifest.v1+json";

/// The kinds of artifacts that a descriptor leads to: their artifact types, or else the media types of their content.
pub(super) fn kinds(descriptor: Option<&Descriptor>, tree: &ImageTree) -> BTreeSet<String> {
    let own = match tree {
        ImageTree::Image(_) => None,
        ImageTree::Artifact { manifest, .. } => kind_of_manifest(manifest.value()),
        ImageTree::Index { document, .. } => document.value().artifact_type.clone(),
        ImageTree::Other(blob) => kind_of_blob(descriptor, blob),
        ImageTree::Absent => descriptor.and_then(|descriptor| descriptor.artifact_type.clone()),
    };
    match (own.filter(|kind| !kind.is_empty()), tree) {
        (Some(kind), _) => BTreeSet::from([kind.to_string()]),
        (None, ImageTree::Index { children, .. }) => {
            children.iter().flat_map(|child| kinds(Some(&child.descriptor), &child.tree)).collect()
        }
        (None, _) => BTreeSet::new(),
    }
}

fn kind_of_manifest(manifest: &Manifest) -> Option<MediaType> {
    let config = &manifest.config.media_type;
    let says_nothing = config.is_image_config() || *config == MediaType::EMPTY || config.is_empty();
    let layer = || manifest.layers.iter().map(|layer| &layer.media_type).find(|kind| !kind.is_layer());
    let own = manifest.artifact_type.as_ref().or(Some(config).filter(|_| !says_nothing));
    own.or_else(layer).or(Some(config)).cloned()
}

fn kind_of_blob(descriptor: Option<&Descriptor>, blob: &Blob) -> Option<MediaType> {
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct ArtifactManifest {
        artifact_type: MediaType,
    }
    let descriptor = descriptor?;
    if descriptor.media_type.as_str() == ARTIFACT_MANIFEST
        && let Ok(bytes) = blob.read_all(strict::MAX_DOCUMENT as u64)
        && let Ok(manifest) = strict::from_slice::<ArtifactManifest>(&bytes, strict::MAX_DOCUMENT)
    {
        return Some(manifest.artifact_type);
    }
    Some(descriptor.artifact_type.clone().unwrap_or_else(|| descriptor.media_type.clone()))
}
