//! `layers`: the layers of an image, what is in them and who else has them.

use std::collections::{BTreeSet, HashMap, HashSet};

use super::history::{Step, steps};
use crate::image::Image;
use crate::image::work::{for_each, threads};
use crate::layer::{Entry, EntryKind};
use crate::oci::{DiffId, Digest, Platform};
use crate::ops::{Context, Error, ImagePlace};

/// A layer of an image.
#[derive(Debug, Clone)]
pub struct LayerRow {
    /// Its number, the lowest being 1.
    pub number: usize,
    /// The digest of its blob, if a manifest names it.
    pub digest: Option<Digest>,
    /// The digest of its uncompressed tar.
    pub diff_id: DiffId,
    /// The media type of its blob, if a manifest names it.
    pub media_type: Option<String>,
    /// The size of its blob, compressed or not.
    pub packed: Option<u64>,
    /// What is known if its bytes are at hand.
    pub content: Option<LayerContent>,
    /// What made it, if the config says it.
    pub step: Option<Step>,
    /// The names, or else the IDs, of the other images of the store that have it.
    pub shared: BTreeSet<String>,
}

/// What is in a layer.
#[derive(Debug, Clone, Copy, Default)]
pub struct LayerContent {
    /// The size of its uncompressed tar.
    pub tar: u64,
    /// The size that docker shows: the bytes of its files and links, each once.
    pub size: u64,
    /// How many names of files it has, directories not counted.
    pub files: u64,
    /// How many names of lower layers it deletes.
    pub deletes: u64,
}

/// The layers of the image that was typed, bottom first. Of an image in a registry no layer is fetched.
pub fn layers(context: &Context, typed: &str, platform: Option<&Platform>) -> Result<Vec<LayerRow>, Error> {
    let found = context.find_for(typed, platform)?;
    let image = found.image(platform, &context.host)?;
    let mut shared = sharing(context, image)?;
    let steps = steps(image);
    let mut rows = Vec::new();
    let places: Vec<usize> = (0..image.layers.len()).collect();
    let contents = for_each(&places, threads(), |_, place| -> Result<_, Error> {
        let layer = &image.layers[*place];
        if found.place == ImagePlace::Registry || layer.blob.is_none() {
            return Ok(None);
        }
        let size = context.layer_size(&found, layer)?;
        let (files, deletes) = count(&context.entries(&found, image, *place)?);
        Ok(Some(LayerContent { tar: size.tar, size: size.content, files, deletes }))
    })?;
    for (((place, layer), step), inside) in image.layers.iter().enumerate().zip(steps).zip(contents) {
        let described = layer.descriptor.as_ref();
        rows.push(LayerRow {
            number: place + 1,
            digest: described.map(|descriptor| descriptor.digest),
            diff_id: layer.diff_id,
            media_type: described.map(|descriptor| descriptor.media_type.to_string()),
            packed: described.map(|descriptor| descriptor.size).or_else(|| Some(layer.blob.as_ref()?.size())),
            content: inside,
            step,
            shared: shared.remove(&layer.diff_id).unwrap_or_default(),
        });
    }
    Ok(rows)
}

fn count(entries: &[Entry]) -> (u64, u64) {
    let is_file = |entry: &&Entry| entry.kind != EntryKind::Directory && entry.whiteout().is_none();
    let files = entries.iter().filter(|entry| !entry.is_reserved()).filter(is_file).count();
    let deletes = entries.iter().filter(|entry| entry.whiteout().is_some()).count();
    (files as u64, deletes as u64)
}

/// The other images of the store that have the layers of this one, by layer.
fn sharing(context: &Context, image: &Image) -> Result<HashMap<DiffId, BTreeSet<String>>, Error> {
    let wanted: HashSet<DiffId> = image.layers.iter().map(|layer| layer.diff_id).collect();
    let catalog = context.store.catalog()?;
    let (mut shared, mut read): (HashMap<DiffId, BTreeSet<String>>, HashMap<Digest, Vec<_>>) = Default::default();
    for entry in catalog.entries() {
        // An image that cannot be read shares nothing.
        let images = read.entry(entry.descriptor.digest).or_insert_with(|| match context.store.tree(entry) {
            Ok(tree) => tree.images().into_iter().cloned().collect::<Vec<_>>(),
            Err(_) => Vec::new(),
        });
        for other in images.iter().filter(|other| other.id() != image.id()) {
            let name = entry.name.as_ref().map(crate::oci::Reference::familiar);
            let name = name.or_else(|| entry.foreign_name().map(str::to_owned));
            let name = name.unwrap_or_else(|| other.id().short().to_string());
            for layer in other.layers.iter().filter(|layer| wanted.contains(&layer.diff_id)) {
                shared.entry(layer.diff_id).or_default().insert(name.clone());
            }
        }
    }
    Ok(shared)
}
