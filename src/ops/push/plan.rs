//! What goes out under a name.

use std::collections::{HashMap, HashSet};

use super::event::{PushEvent, PushOptions, SentLayers, Tell};
use crate::image::outgoing::{self, LayerForm, Outgoing, OutgoingOptions, OutgoingPart, OutgoingRequest, PartKind};
use crate::image::{Image, ImageTree, Silent, manifest};
use crate::layer::Compression;
use crate::oci::{Descriptor, DiffId, Digest, Document, Manifest, Reference};
use crate::ops::{Context, Error, FoundImage};
use crate::registry::{self, Repository};

/// What goes out under a name.
pub(super) struct Plan {
    pub(super) name: Reference,
    pub(super) outgoing: Outgoing,
    /// The layers that are compressed on their way.
    pub(super) plain: HashSet<Digest>,
    /// The diff IDs of the layers.
    pub(super) diff_ids: HashMap<Digest, DiffId>,
    /// The manifest that imgtool has made around layers that are compressed.
    own: Option<Document<Manifest>>,
}

/// The image of that name in the store, in docker's words if there is none.
pub(super) fn find(context: &Context, name: &Reference) -> Result<FoundImage, Error> {
    context.find(&name.canonical()).map_err(|error| match error {
        Error::NoSuchImage(_) => Error::NoLocalTag(name.familiar_name()),
        other => other,
    })
}

impl Plan {
    /// Plans what goes out. Of an image for several platforms of which the store does not have all, and the registry
    /// neither, only the one goes out that suits the host.
    pub(super) fn of(
        context: &Context,
        found: &FoundImage,
        name: &Reference,
        options: &PushOptions,
        repository: &Repository,
        tell: Tell<'_>,
    ) -> Result<Self, Error> {
        let image = found.image(options.platform.as_ref(), &context.host)?;
        image.require_complete(|| found.shown())?;
        let index = match (&found.tree, &found.descriptor) {
            (ImageTree::Index { .. }, Some(descriptor)) if options.platform.is_none() => Some(descriptor),
            _ => None,
        };
        let whole = match index {
            Some(_) => has_rest(&found.tree, repository)?,
            None => false,
        };
        if let (Some(index), false, Some(manifest)) = (index, whole, &image.manifest) {
            tell(PushEvent::OnlyPlatform(index.digest, *manifest.digest()));
        }
        let index = index.filter(|_| whole).map(|descriptor| (descriptor, &found.tree));
        let tar_size = |_: &crate::image::Layer| Ok(0);
        let request = OutgoingRequest {
            names: std::slice::from_ref(name),
            shown: found.shown(),
            image,
            index,
            tar_size: &tar_size,
        };
        let how = OutgoingOptions { form: LayerForm::AsStored, scratch: None, progress: &Silent };
        let outgoing = outgoing::prepare(&[request], &how)?.pop().ok_or_else(|| Error::NoSuchImage(found.shown()))?;
        let (own, plain) = if index.is_none() { plain_layers(image)? } else { (None, HashSet::new()) };
        let diff_ids = diff_ids(&found.tree);
        Ok(Self { name: name.clone(), outgoing, plain, diff_ids, own })
    }

    /// The layers and configs.
    pub(super) fn blobs(&self) -> impl Iterator<Item = &OutgoingPart> {
        self.outgoing.parts().iter().filter(|part| part.kind < PartKind::Manifest)
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

/// The manifest of an image if imgtool has made it, and its layers that are stored uncompressed.
fn plain_layers(image: &Image) -> Result<(Option<Document<Manifest>>, HashSet<Digest>), Error> {
    let Some(own) = &image.manifest else { return Ok((None, HashSet::new())) };
    let made = manifest::describe(None, &image.config, own.value().layers.clone());
    if made.digest() != own.digest() {
        return Ok((None, HashSet::new()));
    }
    let mut plain = HashSet::new();
    for layer in &image.layers {
        let (Some(descriptor), Some(blob)) = (&layer.descriptor, &layer.blob) else { continue };
        let compression =
            blob.compression().map_err(|source| Error::Io { what: format!("layer {}", layer.diff_id), source })?;
        if compression == Compression::None {
            plain.insert(descriptor.digest);
        }
    }
    Ok((Some(own.clone()), plain))
}

fn diff_ids(tree: &ImageTree) -> HashMap<Digest, DiffId> {
    let images = tree.images();
    let layers = images.iter().flat_map(|image| &image.layers);
    layers.filter_map(|layer| Some((layer.descriptor.as_ref()?.digest, layer.diff_id))).collect()
}

/// Whether the registry has what an index lists and the store does not have.
fn has_rest(tree: &ImageTree, repository: &Repository) -> Result<bool, Error> {
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

fn has_manifest(repository: &Repository, digest: &Digest) -> Result<bool, Error> {
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
