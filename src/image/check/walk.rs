//! Follows a descriptor to everything that it leads to.

use std::collections::HashSet;

use serde::de::DeserializeOwned;

use super::read::compare;
use super::{Damage, DamageKind, ExpectedBlob, Findings, PartName};
use crate::image::tree::is_image;
use crate::image::{Blob, BlobSource, Image, ImageTree, MAX_DESCRIPTORS, MAX_INDEX_DEPTH, MAX_LAYERS};
use crate::oci::{Descriptor, Digest, Document, DocumentKind, ImageConfig, Index, Manifest};

/// What of an image must be there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Needed {
    /// Of an index, any platform: archives and layouts may leave out others, or parts of them.
    Parts,
    /// Of an index, any platform, and all that the manifests that are there lead to: a store.
    Whole,
    /// Everything: a registry.
    All,
}

/// Follows descriptors in a source.
pub struct DescriptorWalk<'a> {
    source: &'a dyn BlobSource,
    needed: Needed,
    seen: usize,
    found: Findings,
    known: HashSet<Digest>,
}

impl<'a> DescriptorWalk<'a> {
    /// Checks the documents that `root` leads to, and finds the blobs that are to be read.
    pub fn descriptor(source: &'a dyn BlobSource, root: &Descriptor, needed: Needed) -> Findings {
        let mut walk = Self { source, needed, seen: 0, found: Findings::default(), known: HashSet::new() };
        walk.follow(root, 0);
        walk.found
    }

    /// The same for what was read already, from an archive without descriptors.
    pub fn tree(tree: &ImageTree) -> Findings {
        let mut found = Findings::default();
        for image in tree.images() {
            found.parts.extend(image.layers.iter().enumerate().filter_map(|(place, layer)| {
                let described = layer.descriptor.as_ref().map(|descriptor| (descriptor.digest, descriptor.size));
                let (name, blob) = (PartName::Layer(place + 1), layer.blob.clone()?);
                Some(ExpectedBlob { name, blob, described, diff_id: Some(layer.diff_id) })
            }));
            found.damage.extend(history(image.config.value(), *image.config.digest()));
            found.damage.extend(missing(image));
        }
        found
    }

    /// Returns whether anything was found.
    fn follow(&mut self, descriptor: &Descriptor, depth: usize) -> bool {
        let part = if descriptor.media_type.is_index() { PartName::Index } else { PartName::Manifest };
        if self.seen > MAX_DESCRIPTORS || depth > MAX_INDEX_DEPTH {
            self.damage(part, descriptor, DamageKind::Invalid, "there are too many manifests, or they are too deep");
            return false;
        }
        // What the name leads to is none of those that it has.
        self.seen += 1;
        let Some(blob) = self.open(part, descriptor, depth == 0 || self.needed == Needed::All) else { return false };
        if !self.known.insert(descriptor.digest) {
            return true;
        }
        match part {
            PartName::Index => self.index(descriptor, &blob, depth),
            _ if descriptor.media_type.is_manifest() => self.manifest(descriptor, &blob, depth),
            _ => self.blob(PartName::Blob, descriptor, blob),
        }
        true
    }

    fn index(&mut self, descriptor: &Descriptor, blob: &Blob, depth: usize) {
        let Some(index) = self.document::<Index>(PartName::Index, descriptor, blob) else { return };
        let manifests = &index.value().manifests;
        let there = manifests.iter().filter(|child| self.follow(child, depth + 1)).count();
        // A store may have lists of images that only registries have.
        let may_be_empty = self.needed == Needed::Whole && descriptor.has_sources();
        if there == 0
            && depth == 0
            && !may_be_empty
            && let Some(first) = manifests.first()
        {
            self.found.damage.push(Damage::missing(PartName::Manifest, first.digest));
        }
    }

    fn manifest(&mut self, descriptor: &Descriptor, blob: &Blob, depth: usize) {
        let Some(document) = self.document::<Manifest>(PartName::Manifest, descriptor, blob) else { return };
        let manifest = document.value();
        let needed = self.needed >= Needed::Whole || depth == 0;
        if !is_image(descriptor, manifest) {
            for part in std::iter::once(&manifest.config).chain(&manifest.layers) {
                if let Some(blob) = self.open(PartName::Blob, part, needed) {
                    self.blob(PartName::Blob, part, blob);
                }
            }
            return;
        }
        let is_there = |part: &Descriptor| !matches!(self.source.open_blob(part), Ok(None));
        // A platform of which only the manifest, and perhaps the config, was saved is not damaged.
        let needed = needed || manifest.layers.iter().any(is_there);
        let config = self.open(PartName::Config, &manifest.config, needed);
        let config = config.and_then(|blob| self.document::<ImageConfig>(PartName::Config, &manifest.config, &blob));
        let diff_ids = config.as_ref().map(|config| &config.value().rootfs.diff_ids);
        if let (Some(diff_ids), Some(config)) = (diff_ids, &config) {
            let (has, says) = (manifest.layers.len(), diff_ids.len());
            if has != says || has > MAX_LAYERS {
                let problem = format!("it lists {has} layers, and its config {says} diff IDs");
                self.damage(PartName::Manifest, descriptor, DamageKind::Invalid, &problem);
            }
            self.found.damage.extend(history(config.value(), *config.digest()));
        }
        for (place, layer) in manifest.layers.iter().take(MAX_LAYERS).enumerate() {
            let name = PartName::Layer(place + 1);
            // Foreign layers may be distributed only by their vendor, so they may be missing.
            if let Some(blob) = self.open(name, layer, needed && !layer.media_type.is_foreign()) {
                let diff_id = diff_ids.and_then(|diff_ids| diff_ids.get(place)).copied();
                let described = Some((layer.digest, layer.size));
                self.found.parts.push(ExpectedBlob { name, blob, described, diff_id });
            }
        }
    }

    fn blob(&mut self, name: PartName, descriptor: &Descriptor, blob: Blob) {
        let described = Some((descriptor.digest, descriptor.size));
        self.found.parts.push(ExpectedBlob { name, blob, described, diff_id: None });
    }

    /// Opens a blob; what cannot be opened, or is needed and missing, is damage.
    fn open(&mut self, part: PartName, descriptor: &Descriptor, needed: bool) -> Option<Blob> {
        match self.source.open_blob(descriptor) {
            Ok(Some(blob)) => return Some(blob),
            Ok(None) if needed => self.found.damage.push(Damage::missing(part, descriptor.digest)),
            Ok(None) => {}
            Err(error) => {
                let mut problem = error.to_string();
                if let Some(source) = std::error::Error::source(&error) {
                    problem = format!("{problem}: {source}");
                }
                self.damage(part, descriptor, DamageKind::Invalid, &problem);
            }
        }
        None
    }

    /// Reads and verifies a document.
    fn document<T: DocumentKind + DeserializeOwned>(
        &mut self,
        part: PartName,
        descriptor: &Descriptor,
        blob: &Blob,
    ) -> Option<Document<T>> {
        let bytes = match blob.read_all(T::LIMIT as u64) {
            Ok(bytes) => bytes,
            Err(error) => {
                self.damage(part, descriptor, DamageKind::Invalid, &error.to_string());
                return None;
            }
        };
        let found = (Digest::of(&bytes), bytes.len() as u64);
        if let Some((kind, problem)) = compare((descriptor.digest, descriptor.size), found) {
            self.damage(part, descriptor, kind, &problem);
            if kind != DamageKind::WrongSize {
                return None;
            }
        }
        let parsed = Document::<T>::parse(bytes);
        parsed.map_err(|error| self.damage(part, descriptor, DamageKind::Invalid, &error.to_string())).ok()
    }

    fn damage(&mut self, part: PartName, descriptor: &Descriptor, kind: DamageKind, problem: &str) {
        self.found.damage.push(Damage::new(part, Some(descriptor.digest), kind, problem));
    }
}

/// Compares the number of steps in a history that made layers with the number of layers; many configs have no history.
fn history(config: &ImageConfig, digest: Digest) -> Option<Damage> {
    let made = config.history.iter().filter(|step| !step.empty_layer).count();
    let layers = config.rootfs.diff_ids.len();
    let problem = || format!("its history made {made} layers, and it has {layers}");
    let is_wrong = !config.history.is_empty() && made != layers;
    is_wrong.then(|| Damage::new(PartName::Config, Some(digest), DamageKind::History, problem()))
}

/// The missing layers of an image that has others: archives may leave out layers that their readers have.
fn missing(image: &Image) -> Vec<Damage> {
    let without = image.layers.iter().enumerate().filter(|(_, layer)| layer.blob.is_none());
    let damage = |(place, layer): (usize, &crate::image::Layer)| {
        Damage::new(
            PartName::Layer(place + 1),
            Some(*layer.diff_id.digest()),
            DamageKind::Missing,
            "it was left out of the archive",
        )
    };
    without.map(damage).collect()
}
