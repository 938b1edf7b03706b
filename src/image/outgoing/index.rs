//! Images for several platforms on their way out.

use std::collections::BTreeMap;

use super::layers::Ready;
use super::request::OutgoingRequest;
use super::single::add_image;
use super::unchanged::add_unchanged;
use super::{PartKind, UniqueParts};
use crate::image::{Child, Image, ImageTree};
use crate::oci::{Descriptor, DiffId, Digest, Document, MediaType};

/// Adds all platforms of an index. If layers are recompressed, their manifests and the index are rebuilt, without what
/// is missing; otherwise the index is written unchanged. Returns the descriptor of the index, and the layers of the
/// image that `manifest.json` lists.
pub(super) fn add(
    request: &OutgoingRequest<'_>,
    descriptor: &Descriptor,
    tree: &ImageTree,
    ready: &Ready,
    parts: &mut UniqueParts,
) -> (Descriptor, Vec<(DiffId, Digest)>) {
    let mut layers = Vec::new();
    let mut changed = BTreeMap::new();
    for image in request.images() {
        let (new, digests) = add_image(request, image, ready, parts);
        if image.id() == request.image.id() && digest_of(image) == digest_of(request.image) {
            layers = digests;
        }
        if let Some(old) = digest_of(image).filter(|old| *old != new.digest) {
            changed.insert(old, new);
        }
    }
    let mut descriptor = descriptor.clone();
    let mut adder = Adder { request, changed, parts };
    if adder.changed.is_empty() {
        add_unchanged(tree, &descriptor, &request.shown, adder.parts);
    } else if let Some(rewritten) = adder.rewrite(tree) {
        (descriptor.digest, descriptor.size) = (rewritten.digest, rewritten.size);
    }
    (descriptor, layers)
}

/// The digest of the manifest that leads to an image.
fn digest_of(image: &Image) -> Option<Digest> {
    image.manifest.as_ref().map(|manifest| *manifest.digest())
}

struct Adder<'a, 'r> {
    request: &'a OutgoingRequest<'r>,
    /// The replacements of rebuilt manifests, by the old digests.
    changed: BTreeMap<Digest, Descriptor>,
    parts: &'a mut UniqueParts,
}

impl Adder<'_, '_> {
    /// Rebuilds an index with the new digests of manifests. References by digest, as those of attestations, are
    /// updated.
    fn rewrite(&mut self, tree: &ImageTree) -> Option<Descriptor> {
        let ImageTree::Index { document, children } = tree else { return None };
        let mut index = document.value().clone();
        index.manifests.clear();
        for Child { descriptor, tree } in children {
            let mut descriptor = descriptor.clone();
            match tree {
                ImageTree::Absent | ImageTree::Other(_) => continue,
                ImageTree::Image(image) if !image.is_complete() => continue,
                ImageTree::Image(_) => {
                    if let Some(new) = self.changed.get(&descriptor.digest) {
                        (descriptor.digest, descriptor.size) = (new.digest, new.size);
                        descriptor.media_type = new.media_type.clone();
                    }
                }
                ImageTree::Artifact { .. } => add_unchanged(tree, &descriptor, &self.request.shown, self.parts),
                ImageTree::Index { .. } => {
                    let new = self.rewrite(tree)?;
                    (descriptor.digest, descriptor.size) = (new.digest, new.size);
                }
            }
            self.follow(&mut descriptor);
            index.manifests.push(descriptor);
        }
        let document = Document::make(index);
        let descriptor = document.descriptor(MediaType::OCI_INDEX);
        self.parts.add_document(PartKind::Index, descriptor.clone(), document.bytes(), &self.request.shown);
        Some(descriptor)
    }

    fn follow(&self, descriptor: &mut Descriptor) {
        for value in descriptor.annotations.values_mut() {
            if let Some(new) = value.parse::<Digest>().ok().and_then(|digest| self.changed.get(&digest)) {
                *value = new.digest.to_string();
            }
        }
    }
}
