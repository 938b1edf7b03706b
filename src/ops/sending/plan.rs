//! What goes out under a name.

use std::collections::{HashMap, HashSet};
use std::io;

use super::event::SentLayers;
use crate::image::outgoing::{self, LayerForm, Outgoing, OutgoingOptions, OutgoingPart, OutgoingRequest, PartKind};
use crate::image::{Image, ImageTree, Layer, Silent, manifest};
use crate::layer::Compression;
use crate::oci::{Descriptor, DiffId, Digest, Document, Manifest, Reference};
use crate::ops::{Context, Error, FoundImage};
use crate::registry::{self, Repository};

/// What goes out under a name.
pub struct Plan {
    /// The name.
    pub name: Reference,
    /// What goes out.
    pub outgoing: Outgoing,
    /// The layers that are compressed on their way.
    pub(super) plain: HashSet<Digest>,
    /// The diff IDs of the layers.
    pub(super) diff_ids: HashMap<Digest, DiffId>,
    /// The manifest that imgtool has made around layers that are compressed.
    own: Option<Document<Manifest>>,
}

impl Plan {
    /// One image, or all of an index, in a form that every registry takes. Layers that are uncompressed under a manifest
    /// of ours are compressed on their way.
    pub fn prepared(
        context: &Context,
        found: &FoundImage,
        name: &Reference,
        image: &Image,
        index: Option<&Descriptor>,
    ) -> Result<Self, Error> {
        let tar_size = |layer: &Layer| context.layer_size(found, layer).map(|size| size.tar).map_err(io::Error::other);
        let request = OutgoingRequest {
            names: std::slice::from_ref(name),
            shown: found.shown(),
            image,
            index: index.map(|descriptor| (descriptor, &found.tree)),
            tar_size: &tar_size,
        };
        let how = OutgoingOptions { form: LayerForm::AsStored, scratch: None, progress: &Silent };
        let outgoing = outgoing::prepare(&[request], &how)?.pop().ok_or_else(|| Error::NoSuchImage(found.shown()))?;
        let (own, plain) = if index.is_none() { plain_layers(image, &outgoing) } else { (None, HashSet::new()) };
        let diff_ids = diff_ids(&outgoing, &found.tree);
        Ok(Self { name: name.clone(), outgoing, plain, diff_ids, own })
    }

    /// What a descriptor leads to, byte for byte.
    pub fn unchanged(context: &Context, shown: &str, name: &Reference, what: (&Descriptor, &ImageTree)) -> Self {
        let outgoing = outgoing::unchanged(std::slice::from_ref(name), shown, what, &context.host);
        let diff_ids = diff_ids(&outgoing, what.1);
        Self { name: name.clone(), outgoing, plain: HashSet::new(), diff_ids, own: None }
    }

    /// The digest of what the name will lead to; nothing if it is not known before the layers were compressed.
    pub fn digest(&self) -> Option<Digest> {
        if self.own.is_some() && !self.plain.is_empty() { None } else { Some(self.outgoing.descriptor.digest) }
    }

    /// The layers and configs. Foreign layers are not sent, as docker does not: who pulls fetches them from elsewhere.
    pub(super) fn blobs(&self) -> impl Iterator<Item = &OutgoingPart> {
        let is_foreign = |layer: &Descriptor| layer.media_type.is_foreign() && !layer.urls.is_empty();
        self.outgoing.parts().iter().filter(move |part| part.kind < PartKind::Manifest && !is_foreign(&part.descriptor))
    }

    /// The manifests and indexes, each behind those that it lists.
    pub(super) fn documents(&self) -> impl Iterator<Item = &OutgoingPart> {
        self.outgoing.parts().iter().filter(|part| part.kind >= PartKind::Manifest)
    }

    /// A manifest or index as it goes out, now that the layers are in the registry.
    pub(super) fn document(&self, part: &OutgoingPart, sent: &SentLayers) -> Result<(Descriptor, Vec<u8>), Error> {
        if let Some(own) = self.own.as_ref().filter(|own| *own.digest() == part.descriptor.digest) {
            let new = manifest_of(own, sent);
            return Ok((manifest::descriptor(&new), new.bytes().to_vec()));
        }
        let unreadable = |source| Error::Io { what: part.shown(), source };
        let mut bytes = Vec::new();
        std::io::Read::read_to_end(&mut part.open().map_err(unreadable)?, &mut bytes).map_err(unreadable)?;
        Ok((part.descriptor.clone(), bytes))
    }
}

/// The manifest that goes out with an image if imgtool has made it, and its layers that are uncompressed.
fn plain_layers(image: &Image, outgoing: &Outgoing) -> (Option<Document<Manifest>>, HashSet<Digest>) {
    let layers = outgoing.listed.iter().flat_map(|listed| &listed.layers);
    let part = |digest: &Digest| outgoing.parts().iter().find(|part| part.descriptor.digest == *digest);
    let described: Vec<Descriptor> =
        layers.filter_map(|(_, digest)| part(digest)).map(|part| part.descriptor.clone()).collect();
    let own = manifest::describe(None, &image.config, described.clone());
    if *own.digest() != outgoing.descriptor.digest {
        return (None, HashSet::new());
    }
    let is_plain = |layer: &Descriptor| layer.media_type == Compression::None.media_type();
    (Some(own), described.iter().filter(|layer| is_plain(layer)).map(|layer| layer.digest).collect())
}

fn diff_ids(outgoing: &Outgoing, tree: &ImageTree) -> HashMap<Digest, DiffId> {
    let images = tree.images();
    let layers = images.iter().flat_map(|image| &image.layers);
    let described = layers.filter_map(|layer| Some((layer.descriptor.as_ref()?.digest, layer.diff_id)));
    let listed = outgoing.listed.iter().flat_map(|listed| &listed.layers);
    described.chain(listed.map(|(diff_id, digest)| (*digest, *diff_id))).collect()
}

/// Whether the registry has what an index lists and its place does not have.
pub fn has_rest(tree: &ImageTree, repository: &Repository) -> Result<bool, Error> {
    let ImageTree::Index { children, .. } = tree else { return Ok(true) };
    for child in children {
        let is_there = match &child.tree {
            ImageTree::Absent => has_manifest(repository, &child.descriptor.digest)?,
            ImageTree::Image(image) if !image.is_complete() => has_manifest(repository, &child.descriptor.digest)?,
            below => has_rest(below, repository)?,
        };
        if !is_there {
            return Ok(false);
        }
    }
    Ok(true)
}

/// Whether a repository has a manifest.
pub fn has_manifest(repository: &Repository, digest: &Digest) -> Result<bool, Error> {
    match repository.head(&repository.name().with_digest(*digest)) {
        Ok(_) => Ok(true),
        Err(registry::Error::NoManifest { .. }) => Ok(false),
        Err(error) => Err(error.into()),
    }
}

/// The manifest of an image whose layers became what they are in the registry.
fn manifest_of(manifest: &Document<Manifest>, sent: &SentLayers) -> Document<Manifest> {
    let mut new = manifest.value().clone();
    for layer in &mut new.layers {
        if let Some(sent) = sent.get(&layer.digest) {
            (layer.media_type, layer.digest, layer.size) = (sent.media_type.clone(), sent.digest, sent.size);
        }
    }
    Document::make(new)
}
