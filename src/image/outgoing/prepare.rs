//! Prepares images for writing.

use std::io;
use std::path::Path;

use super::layers::{Ready, ready};
use super::{LayerForm, Listed, Outgoing, OutgoingError, OutgoingPart, PartKind, UniqueParts};
use crate::image::{Image, ImageTree, Layer, Progress, manifest};
use crate::oci::{Descriptor, DiffId, Digest, Reference};

/// An image that is to go out. The image must be complete, as must be all images of an index that are written.
pub struct OutgoingRequest<'a> {
    /// Its names in the output.
    pub names: &'a [Reference],
    /// Its name in messages.
    pub shown: String,
    /// The image; of several platforms the one for `manifest.json`.
    pub image: &'a Image,
    /// The index, if all its platforms are to go out.
    pub index: Option<(&'a Descriptor, &'a ImageTree)>,
    /// The length of a layer's uncompressed tar.
    pub tar_size: &'a (dyn Fn(&Layer) -> io::Result<u64> + Sync),
}

impl<'a> OutgoingRequest<'a> {
    /// All images that are written.
    pub(super) fn images(&self) -> Vec<&'a Image> {
        match self.index {
            Some((_, tree)) => tree.images().into_iter().filter(|image| image.is_complete()).collect(),
            None => vec![self.image],
        }
    }
}

/// How images go out.
pub struct OutgoingOptions<'a> {
    /// The form of their layers.
    pub form: LayerForm,
    /// A folder for compressed layers until they are written where they belong. Without one, layers are compressed
    /// twice: for their digest, and when they are written.
    pub scratch: Option<&'a Path>,
    /// Receives the progress of compression.
    pub progress: &'a dyn Progress,
}

/// Prepares images for writing. Shared layers are compressed once.
pub fn prepare(
    requests: &[OutgoingRequest<'_>],
    options: &OutgoingOptions<'_>,
) -> Result<Vec<Outgoing>, OutgoingError> {
    let ready = ready(requests, options)?;
    Ok(requests.iter().map(|request| assemble(request, &ready)).collect())
}

fn assemble(request: &OutgoingRequest<'_>, ready: &Ready) -> Outgoing {
    let mut parts = UniqueParts::default();
    let (descriptor, layers) = match request.index {
        Some((descriptor, tree)) => super::index::add(request, descriptor, tree, ready, &mut parts),
        None => add_image(request, request.image, ready, &mut parts),
    };
    let listed = Listed { config: request.image.config.clone(), layers };
    let parts = parts.in_order();
    let names = names_of(request.names, &descriptor, &parts);
    Outgoing { names, descriptor, listed, parts }
}

/// The names that are true of what goes out. Where layers change their form, the manifest has another digest: a name
/// with the old one would lead to nothing, and readers refuse it. Its tag stays, if it has one.
fn names_of(names: &[Reference], descriptor: &Descriptor, parts: &[OutgoingPart]) -> Vec<Reference> {
    let goes_out = |digest: &Digest| {
        let is_it = |part: &OutgoingPart| part.kind >= PartKind::Manifest && part.descriptor.digest == *digest;
        descriptor.digest == *digest || parts.iter().any(is_it)
    };
    let mut kept: Vec<Reference> = Vec::with_capacity(names.len());
    for name in names {
        let name = match name.digest() {
            Some(digest) if !goes_out(digest) => name.tag().map(|_| name.without_digest()),
            _ => Some(name.clone()),
        };
        kept.extend(name.filter(|name| !kept.contains(name)));
    }
    kept
}

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
