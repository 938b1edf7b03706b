//! The parts of an image for one platform.

use super::layers::Ready;
use super::request::OutgoingRequest;
use super::{PartKind, UniqueParts};
use crate::image::{Image, manifest};
use crate::oci::{Descriptor, DiffId, Digest};

/// Adds an image: its layers, its config, its manifest. Returns the manifest's descriptor and the layers' digests.
pub(super) fn add_image(
    request: &OutgoingRequest<'_>,
    image: &Image,
    ready: &Ready,
    parts: &mut UniqueParts,
) -> (Descriptor, Vec<(DiffId, Digest)>) {
    let mut layers = Vec::with_capacity(image.layers.len());
    let mut described = Vec::with_capacity(image.layers.len());
    for layer in &image.layers {
        let part = ready.part(layer);
        layers.push((layer.diff_id, part.descriptor.digest));
        described.push(part.descriptor.clone());
        parts.add(part.clone());
    }
    let manifest = image.manifest_with(described);
    let platform = image.described_platform.clone();
    let descriptor = Descriptor { platform, ..manifest::descriptor(&manifest) };
    let config = manifest.value().config.clone();
    parts.add_document(PartKind::Config, config, image.config.bytes(), &request.shown);
    parts.add_document(PartKind::Manifest, descriptor.clone(), manifest.bytes(), &request.shown);
    (descriptor, layers)
}
