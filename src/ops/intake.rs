//! The way of images into the store: copies what was selected into the quarantine, and verifies it.

use std::collections::{HashMap, HashSet};
use std::sync::OnceLock;

use super::{Context, Error};
use crate::image::blob::Key;
use crate::image::{Blob, Image, ImageTree, Layer, MissingLayers, Named, Progress, work};
use crate::layer::EntryPath;
use crate::oci::{Descriptor, DiffId, Digest, ImageId, MediaType, Reference};
use crate::store::{Assembly, Quarantine, VerifiedLayer};

/// An image whose blobs are all in the quarantine, or in the store already.
pub(super) struct TakenImage {
    pub(super) names: Vec<Reference>,
    pub(super) descriptor: Descriptor,
    pub(super) id: ImageId,
    /// All images that were taken, of any platform.
    pub(super) images: HashSet<ImageId>,
    pub(super) layers: Vec<DiffId>,
}

/// Takes one layer: its number among all, the layer, and its bytes.
pub(super) type TakeLayer<'a> = dyn Fn(u64, &Layer, &Blob) -> Result<VerifiedLayer, Error> + Sync + 'a;

/// How layers are taken.
pub(super) struct LayerIntake<'a> {
    /// Takes one.
    pub(super) take: &'a TakeLayer<'a>,
    /// How many are taken at a time.
    pub(super) threads: usize,
    /// Whether the largest are begun first.
    pub(super) largest_first: bool,
}

/// Takes all blobs of the selected images.
pub(super) fn take(
    context: &Context,
    quarantine: &Quarantine,
    planned: &[Named],
    progress: &dyn Progress,
    layers: &LayerIntake<'_>,
) -> Result<Vec<TakenImage>, Error> {
    let mut taker =
        ImageIntake { context, quarantine, progress, layers, kept: HashMap::new(), stored: OnceLock::new() };
    let images = planned.iter().flat_map(|named| {
        let is_only = matches!(named.tree, ImageTree::Image(_));
        named.tree.images().into_iter().map(move |image| (is_only, image))
    });
    taker.take_layers(&images.collect::<Vec<_>>())?;
    planned.iter().map(|named| taker.take_named(named)).collect()
}

/// Takes the layers of one image, and neither its config nor its manifest.
pub(super) fn take_layers(
    context: &Context,
    quarantine: &Quarantine,
    image: &Image,
    label: &str,
    progress: &dyn Progress,
    layers: &LayerIntake<'_>,
) -> Result<Vec<VerifiedLayer>, Error> {
    let mut taker =
        ImageIntake { context, quarantine, progress, layers, kept: HashMap::new(), stored: OnceLock::new() };
    taker.take_layers(&[(true, image)])?;
    taker.check_complete(image, label)?;
    taker.verify_layers(image)
}

/// Checks that the target of each hard link is in its layer or in one below.
pub(super) fn check_links(quarantine: &Quarantine, layers: &[VerifiedLayer]) -> Result<(), Error> {
    for (place, layer) in layers.iter().enumerate() {
        let mut missing: HashSet<&EntryPath> = layer.missing_link_targets.iter().collect();
        for lower in layers[..place].iter().rev() {
            if missing.is_empty() {
                break;
            }
            // If an index cannot be read, the target is not found and the link is refused.
            let Ok(entries) = quarantine.entries(&lower.digest) else { continue };
            for entry in entries.flatten() {
                missing.remove(&entry.path);
            }
        }
        if let Some(target) = missing.into_iter().min() {
            return Err(Error::DanglingLink { diff_id: layer.diff_id, target: target.to_string() });
        }
    }
    Ok(())
}

struct ImageIntake<'a> {
    context: &'a Context,
    quarantine: &'a Quarantine,
    progress: &'a dyn Progress,
    layers: &'a LayerIntake<'a>,
    /// The layers that were taken, each once however many images have it.
    kept: HashMap<Key, VerifiedLayer>,
    /// The layers that the store has, for archives that leave them out.
    stored: OnceLock<HashMap<DiffId, VerifiedLayer>>,
}

impl ImageIntake<'_> {
    /// Takes the layers of all images that are needed, as the first of each pair says, or are complete, several at a
    /// time.
    fn take_layers(&mut self, images: &[(bool, &Image)]) -> Result<(), Error> {
        let mut jobs: Vec<(&Layer, &Blob)> = Vec::new();
        let mut seen = HashSet::new();
        for (_, image) in images.iter().filter(|(needed, image)| *needed || self.lacking(image).is_empty()) {
            for layer in &image.layers {
                if let Some(blob) = layer.blob.as_ref().filter(|blob| seen.insert(blob.key())) {
                    jobs.push((layer, blob));
                }
            }
        }
        if self.layers.largest_first {
            jobs.sort_by_key(|(_, blob)| std::cmp::Reverse(blob.size()));
        }
        self.progress.total(Some(jobs.iter().map(|(_, blob)| blob.size()).sum()));
        let take = |id, (layer, blob): &(&Layer, &Blob)| (self.layers.take)(id as u64, layer, blob);
        let kept = work::for_each(&jobs, self.layers.threads, take)?;
        self.kept.extend(jobs.iter().map(|(_, blob)| blob.key()).zip(kept));
        Ok(())
    }

    fn take_named(&self, named: &Named) -> Result<TakenImage, Error> {
        let shown = || named.names.first().map(Reference::familiar);
        let image = named.tree.default_image(&self.context.host).expect("only trees with images are planned");
        let label = shown().unwrap_or_else(|| image.id().to_string());
        if !image.is_complete() && matches!(named.tree, ImageTree::Index { .. }) {
            self.check_complete(image, &label)?;
        }
        let mut descriptor = match (self.take_tree(&named.tree, &label, true)?, &named.descriptor) {
            (Some(own), None) => own,
            (Some(own), Some(given)) if own.digest != given.digest => own,
            (_, Some(given)) => given.clone(),
            (None, None) => unnamed_index(&named.tree),
        };
        descriptor.leave_store();
        let layers = image.config.value().rootfs.diff_ids.clone();
        // If only one platform was taken, a digest of the index is not that of its manifest.
        let is_right = |name: &&Reference| {
            name.digest().is_none_or(|digest| descriptor.digest == *digest || named.tree.has_manifest(digest))
        };
        let right = named.names.iter().filter(is_right).cloned().collect();
        let images = named.tree.images().into_iter().map(Image::id).collect();
        Ok(TakenImage { names: right, descriptor, id: image.id(), images, layers })
    }

    /// Takes documents and verifies layers. Returns the manifest's descriptor of an image.
    fn take_tree(&self, tree: &ImageTree, label: &str, needed: bool) -> Result<Option<Descriptor>, Error> {
        match tree {
            ImageTree::Image(image) if needed || self.lacking(image).is_empty() => {
                self.take_image(image, label).map(Some)
            }
            ImageTree::Image(_) | ImageTree::Absent | ImageTree::Other(_) => Ok(None),
            ImageTree::Index { document, children } => {
                for child in children {
                    self.take_tree(&child.tree, label, false)?;
                }
                self.quarantine.keep_bytes(document.bytes())?;
                Ok(None)
            }
            ImageTree::Artifact { manifest, blobs } => {
                if blobs.iter().all(|(_, blob)| blob.is_some()) {
                    for (descriptor, blob) in blobs {
                        self.take_plain(descriptor, blob.as_ref().expect("all blobs are there"))?;
                    }
                    self.quarantine.keep_bytes(manifest.bytes())?;
                }
                Ok(None)
            }
        }
    }

    fn take_plain(&self, descriptor: &Descriptor, blob: &Blob) -> Result<(), Error> {
        Ok(self.quarantine.keep_verified(descriptor, blob, &|_| {})?)
    }

    fn take_image(&self, image: &Image, label: &str) -> Result<Descriptor, Error> {
        self.check_complete(image, label)?;
        let layers = self.verify_layers(image)?;
        check_links(self.quarantine, &layers)?;
        let (config, manifest) = (&image.config, image.manifest.as_ref());
        let layers = layers.iter().map(VerifiedLayer::descriptor).collect();
        let platform = image.described_platform.clone();
        Ok(self.quarantine.assemble(Assembly { config, layers, manifest, parent: None, platform })?)
    }

    /// The kept layers, after checking digest and diff ID of each.
    fn verify_layers(&self, image: &Image) -> Result<Vec<VerifiedLayer>, Error> {
        let mut layers = Vec::with_capacity(image.layers.len());
        for (place, layer) in image.layers.iter().enumerate() {
            let kept = match &layer.blob {
                Some(blob) => self.kept[&blob.key()].clone(),
                None => self.stored_layers()[&layer.diff_id].clone(),
            };
            if kept.diff_id != layer.diff_id {
                return Err(Error::DiffId { layer: place, expected: layer.diff_id, actual: kept.diff_id });
            }
            let described = layer.descriptor.as_ref().filter(|_| layer.blob.is_some());
            if let Some(expected) =
                described.map(|descriptor| descriptor.digest).filter(|digest| *digest != kept.digest)
            {
                return Err(Error::Digest { what: "layer", expected, actual: kept.digest });
            }
            layers.push(kept);
        }
        Ok(layers)
    }

    fn check_complete(&self, image: &Image, label: &str) -> Result<(), Error> {
        let layers = self.lacking(image);
        if layers.is_empty() { Ok(()) } else { Err(MissingLayers { image: label.to_owned(), layers }.into()) }
    }

    /// The layers that neither the archive nor the store has.
    fn lacking(&self, image: &Image) -> Vec<DiffId> {
        let mut missing = image.missing_layers();
        if !missing.is_empty() {
            let stored = self.stored_layers();
            missing.retain(|diff_id| !stored.contains_key(diff_id));
        }
        missing
    }

    fn stored_layers(&self) -> &HashMap<DiffId, VerifiedLayer> {
        self.stored.get_or_init(|| stored_layers(self.context))
    }
}

/// The descriptor of an index without one; those of archives have one.
fn unnamed_index(tree: &ImageTree) -> Descriptor {
    match tree {
        ImageTree::Index { document, .. } => document.descriptor(MediaType::OCI_INDEX),
        _ => Descriptor::new(MediaType::OCI_INDEX, Digest::of(b""), 0),
    }
}

/// The layers of all images of the store that can be read.
fn stored_layers(context: &Context) -> HashMap<DiffId, VerifiedLayer> {
    let mut stored = HashMap::new();
    let Ok(catalog) = context.store.catalog() else { return stored };
    for tree in catalog.entries().iter().filter_map(|entry| context.store.tree(entry).ok()) {
        for layer in tree.images().iter().flat_map(|image| &image.layers) {
            let (Some(descriptor), Some(blob)) = (&layer.descriptor, &layer.blob) else { continue };
            let Ok(compression) = blob.compression() else { continue };
            let (digest, size, diff_id) = (descriptor.digest, descriptor.size, layer.diff_id);
            let missing_link_targets = Vec::new();
            stored.insert(diff_id, VerifiedLayer { digest, size, diff_id, compression, missing_link_targets });
        }
    }
    stored
}
