//! Images for several platforms on their way out.

use std::collections::BTreeMap;

use super::Preparer;
use crate::archive::output::Content;
use crate::archive::write::{Listed, Prepared};
use crate::image::{Blob, Child, Image, Tree};
use crate::oci::{Descriptor, Digest, Document, MediaType};
use crate::ops::{Error, Found};

impl Preparer<'_> {
    /// All platforms of an index. Where layers change on their way out, so do manifests, and the index with them: it is
    /// made anew, without what is not there; else it goes out as it is.
    pub(super) fn prepare_index(
        &self,
        found: &Found,
        descriptor: &Descriptor,
        listed: &Image,
    ) -> Result<Prepared, Error> {
        let mut blobs = BTreeMap::new();
        let mut layers = Vec::new();
        let mut changed = BTreeMap::new();
        for image in found.tree.images().into_iter().filter(|image| image.is_complete()) {
            let prepared = self.prepare_image(found, image)?;
            if image.id() == listed.id() && digest_of(image) == digest_of(listed) {
                layers = prepared.listed.layers;
            }
            if let Some(old) = digest_of(image).filter(|old| *old != prepared.descriptor.digest) {
                changed.insert(old, prepared.descriptor);
            }
            blobs.extend(prepared.blobs);
        }
        let mut descriptor = descriptor.clone();
        if changed.is_empty() {
            collect(&found.tree, &mut blobs);
        } else if let Some(rewritten) = rewrite(&found.tree, &changed, &mut blobs) {
            (descriptor.digest, descriptor.size) = (rewritten.digest, rewritten.size);
        }
        let listed = Listed { config: listed.config.clone(), layers };
        Ok(Prepared { names: found.names.clone(), descriptor, blobs, listed })
    }
}

/// The digest of the manifest that leads to an image.
fn digest_of(image: &Image) -> Option<Digest> {
    image.manifest.as_ref().map(|manifest| *manifest.digest())
}

/// An index in which manifests have other digests. What speaks of them by digest, as attestations do, follows them.
fn rewrite(
    tree: &Tree,
    changed: &BTreeMap<Digest, Descriptor>,
    blobs: &mut BTreeMap<Digest, Content>,
) -> Option<Descriptor> {
    let Tree::Index { document, children } = tree else { return None };
    let mut index = document.value().clone();
    index.manifests.clear();
    for Child { descriptor, tree } in children {
        let mut descriptor = descriptor.clone();
        match tree {
            Tree::Absent | Tree::Other(_) => continue,
            Tree::Image(image) if !image.is_complete() => continue,
            Tree::Image(_) => {
                if let Some(new) = changed.get(&descriptor.digest) {
                    (descriptor.digest, descriptor.size) = (new.digest, new.size);
                    descriptor.media_type = new.media_type.clone();
                }
            }
            Tree::Artifact { .. } => collect(tree, blobs),
            Tree::Index { .. } => {
                let new = rewrite(tree, changed, blobs)?;
                (descriptor.digest, descriptor.size) = (new.digest, new.size);
            }
        }
        follow(&mut descriptor, changed);
        index.manifests.push(descriptor);
    }
    let document = Document::make(index);
    blobs.insert(*document.digest(), Content::Bytes(document.bytes().to_vec()));
    Some(document.descriptor(MediaType::OCI_INDEX))
}

fn follow(descriptor: &mut Descriptor, changed: &BTreeMap<Digest, Descriptor>) {
    for value in descriptor.annotations.values_mut() {
        if let Some(new) = value.parse::<Digest>().ok().and_then(|digest| changed.get(&digest)) {
            *value = new.digest.to_string();
        }
    }
}

/// All that is there of what a tree leads to, as it is.
fn collect(tree: &Tree, blobs: &mut BTreeMap<Digest, Content>) {
    match tree {
        Tree::Image(image) => {
            let manifest = image.manifest.as_ref();
            blobs.extend(manifest.map(|manifest| (*manifest.digest(), Content::Bytes(manifest.bytes().to_vec()))));
            blobs.insert(*image.config.digest(), Content::Bytes(image.config.bytes().to_vec()));
            for layer in &image.layers {
                let digest = layer.descriptor.as_ref().map(|descriptor| descriptor.digest);
                blobs.extend(digest.and_then(|digest| as_it_is(digest, layer.blob.as_ref())));
            }
        }
        Tree::Index { document, children } => {
            blobs.insert(*document.digest(), Content::Bytes(document.bytes().to_vec()));
            for child in children {
                collect(&child.tree, blobs);
            }
        }
        Tree::Artifact { manifest, blobs: parts } => {
            blobs.insert(*manifest.digest(), Content::Bytes(manifest.bytes().to_vec()));
            blobs.extend(parts.iter().filter_map(|(part, blob)| as_it_is(part.digest, blob.as_ref())));
        }
        Tree::Other(_) | Tree::Absent => {}
    }
}

fn as_it_is(digest: Digest, blob: Option<&Blob>) -> Option<(Digest, Content)> {
    blob.map(|blob| (digest, Content::Blob(blob.clone(), digest)))
}
