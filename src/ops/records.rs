//! The images of the store, or of an archive or layout, with their names and sizes.

use std::cmp::Reverse;
use std::collections::{BTreeMap, HashSet};

use super::family::{is_artifact, parents};
use super::{Context, Error, FoundImage, ImagePlace};
use crate::image::{Image, Layer};
use crate::oci::{ANNOTATION_REF_NAME, ChainId, Created, Descriptor, Digest, ImageId, MediaType, Platform, Reference};
use crate::store::Catalog;

/// An image of the store with all its names.
#[derive(Debug, Clone)]
pub struct ImageRecord {
    /// The digest of its config.
    pub id: ImageId,
    /// Its names, sorted, each with the manifest or index that it leads to; none if it is dangling.
    pub names: Vec<(Reference, Digest)>,
    /// Its names from other tools that are not references.
    pub foreign_names: Vec<String>,
    /// A manifest or index that leads to it; its config where there is neither.
    pub descriptor: Descriptor,
    /// Whether a manifest leads to it, as in all but docker's archives.
    pub has_manifest: bool,
    /// The digests of all that lead to it.
    pub targets: Vec<Digest>,
    /// When it was made.
    pub created: Option<Created>,
    /// The sum of its layers' sizes, as docker counts them.
    pub size: u64,
    /// The labels of its config.
    pub labels: BTreeMap<String, String>,
    /// Whether it is kept only as a parent of another image, without a name of its own.
    pub is_intermediate: bool,
    /// What each manifest or index leads to.
    pub contents: BTreeMap<Digest, TargetContent>,
}

impl ImageRecord {
    /// Whether the image has no name of any kind.
    pub fn is_dangling(&self) -> bool {
        self.names.is_empty() && self.foreign_names.is_empty()
    }
}

/// What a manifest or index leads to. Blobs that platforms share count once.
#[derive(Debug, Clone)]
pub struct TargetContent {
    /// The sum of the sizes of all layers, as docker counts them.
    pub size: u64,
    /// The bytes of all blobs, as they are stored.
    pub stored: u64,
    /// The images, in the order of the index.
    pub platforms: Vec<PlatformRecord>,
}

/// One platform of an image.
#[derive(Debug, Clone)]
pub struct PlatformRecord {
    /// What it runs on.
    pub platform: Platform,
    /// The digest of its config.
    pub id: ImageId,
    /// The sum of its layers' sizes, as docker counts them; 0 if it is not there.
    pub size: u64,
    /// The bytes of its blobs, as they are stored.
    pub stored: u64,
    /// Its stacks of layers, each with the size of its topmost layer; none if it is not there.
    pub layers: Vec<(ChainId, u64)>,
}

/// What `images` found.
#[derive(Debug, Default)]
pub struct Listing {
    /// The images, newest first.
    pub images: Vec<ImageRecord>,
    /// Why some could not be read.
    pub problems: Vec<Error>,
}

/// All images of the store, newest first. A damaged one does not hide the others.
pub fn images(context: &Context) -> Result<Listing, Error> {
    context.at_rest(|catalog| {
        let listing = list(context, catalog);
        let is_whole = listing.problems.is_empty();
        Ok((listing, is_whole))
    })
}

fn list(context: &Context, catalog: &Catalog) -> Listing {
    let mut listing = Listing::default();
    let mut by_target: BTreeMap<Digest, ImageRecord> = BTreeMap::new();
    let mut seen = HashSet::new();
    for entry in catalog.entries() {
        let digest = entry.descriptor.digest;
        let record = match by_target.get_mut(&digest) {
            Some(record) => record,
            None if !seen.insert(digest) => continue,
            None => match read(context, &entry.descriptor, &entry.to_string()) {
                Ok(Some(record)) => by_target.entry(digest).or_insert(record),
                Ok(None) => continue,
                Err(problem) => {
                    listing.problems.push(problem);
                    continue;
                }
            },
        };
        record.names.extend(entry.name.clone().map(|name| (name, digest)));
        record.foreign_names.extend(entry.foreign_name().map(str::to_owned));
    }
    let parents = parents(catalog, |digest| by_target.get(digest).map(|record| record.id));
    let parents: HashSet<ImageId> = parents.into_values().collect();
    listing.images = merge(by_target.into_values());
    for record in &mut listing.images {
        record.is_intermediate = record.is_dangling() && parents.contains(&record.id);
    }
    listing.images.sort_by_key(|record| (Reverse(record.created), record.id));
    listing
}

/// All images of an archive or layout, newest first, or those of a name there.
pub fn images_at(context: &Context, typed: &str) -> Result<Listing, Error> {
    let mut listing = Listing::default();
    let mut records = Vec::new();
    for found in context.find_all(typed, None)? {
        match record(context, &found) {
            Ok(mut record) => {
                let digest = record.descriptor.digest;
                record.names.extend(found.all_names.iter().map(|name| (name.clone(), digest)));
                let written =
                    found.descriptor.as_ref().and_then(|descriptor| descriptor.annotation(ANNOTATION_REF_NAME));
                record.foreign_names.extend(written.filter(|_| found.all_names.is_empty()).map(str::to_owned));
                records.push(record);
            }
            Err(problem) => listing.problems.push(problem),
        }
    }
    listing.images = merge(records.into_iter());
    listing.images.sort_by_key(|record| (Reverse(record.created), record.id));
    Ok(listing)
}

impl Listing {
    /// When the image was made that a name or the beginning of an ID means.
    pub fn created(&self, typed: &str) -> Result<Option<Created>, Error> {
        let name = typed.parse::<Reference>().map(Reference::with_default_tag).ok();
        let hex = typed.strip_prefix("sha256:").unwrap_or(typed);
        let is_named = |record: &&ImageRecord| record.names.iter().any(|(other, _)| Some(other) == name.as_ref());
        let has_id = |record: &&ImageRecord| !hex.is_empty() && record.id.digest().hex().starts_with(hex);
        let found = self.images.iter().find(is_named).or_else(|| self.images.iter().find(has_id));
        found.map(|record| record.created).ok_or_else(|| Error::NoSuchImage(typed.to_owned()))
    }
}

/// Joins records of the same image under several manifests.
fn merge(records: impl Iterator<Item = ImageRecord>) -> Vec<ImageRecord> {
    let mut by_id: BTreeMap<ImageId, ImageRecord> = BTreeMap::new();
    for record in records {
        match by_id.get_mut(&record.id) {
            Some(known) => {
                known.names.extend(record.names);
                known.foreign_names.extend(record.foreign_names);
                known.targets.extend(record.targets);
                known.contents.extend(record.contents);
            }
            None => {
                by_id.insert(record.id, record);
            }
        }
    }
    for record in by_id.values_mut() {
        record.names.sort();
    }
    by_id.into_values().collect()
}

/// Reads an image; `None` for an artifact.
fn read(context: &Context, descriptor: &Descriptor, name: &str) -> Result<Option<ImageRecord>, Error> {
    let tree = context.store.tree_of(descriptor).map_err(|source| Error::Image { name: name.to_owned(), source })?;
    if is_artifact(&tree) {
        return Ok(None);
    }
    // A list of images that only registries have is none of the images that are here.
    if descriptor.has_sources() && tree.images().is_empty() {
        return Ok(None);
    }
    let found = FoundImage {
        names: Vec::new(),
        all_names: Vec::new(),
        descriptor: Some(descriptor.clone()),
        tree,
        place: ImagePlace::Store,
        remote: None,
    };
    record(context, &found).map(Some).map_err(|error| match error {
        Error::NoSuchImage(_) => Error::NoSuchImage(name.to_owned()),
        other => other,
    })
}

fn record(context: &Context, found: &FoundImage) -> Result<ImageRecord, Error> {
    let image = found.image(None, &context.host)?;
    let descriptor = found.descriptor.clone().unwrap_or_else(|| image.config.descriptor(MediaType::OCI_CONFIG));
    let config = image.config.value();
    let labels = config.config.as_ref().and_then(|config| config.labels.clone()).unwrap_or_default();
    Ok(ImageRecord {
        id: image.id(),
        names: Vec::new(),
        foreign_names: Vec::new(),
        has_manifest: found.descriptor.is_some(),
        targets: vec![descriptor.digest],
        created: config.created,
        size: context.image_size(found, image)?,
        labels: labels.into_iter().collect(),
        is_intermediate: false,
        contents: BTreeMap::from([(descriptor.digest, content(context, found)?)]),
        descriptor,
    })
}

fn content(context: &Context, found: &FoundImage) -> Result<TargetContent, Error> {
    let (mut all_layers, mut all_blobs) = (BTreeMap::new(), BTreeMap::new());
    let mut platforms = Vec::new();
    for image in found.tree.images() {
        let sizes = if image.is_complete() { context.content_sizes(found, image)? } else { Vec::new() };
        let chains = ChainId::of(&image.config.value().rootfs.diff_ids);
        let layers: Vec<(ChainId, u64)> = chains.into_iter().zip(sizes).collect();
        let blobs = blobs(image);
        platforms.push(PlatformRecord {
            platform: image.platform(),
            id: image.id(),
            size: layers.iter().map(|(_, size)| size).sum(),
            stored: blobs.values().sum(),
            layers: layers.clone(),
        });
        all_layers.extend(layers);
        all_blobs.extend(blobs);
    }
    Ok(TargetContent { size: all_layers.values().sum(), stored: all_blobs.values().sum(), platforms })
}

/// The blobs of an image that are here, each once, with their sizes.
fn blobs(image: &Image) -> BTreeMap<Digest, u64> {
    let described = |layer: &Layer| Some((layer.descriptor.as_ref()?.digest, layer.blob.as_ref()?.size()));
    let documents = image.manifest.as_ref().map(|manifest| (*manifest.digest(), manifest.size()));
    let config = (*image.config.digest(), image.config.size());
    image.layers.iter().filter_map(described).chain(documents).chain([config]).collect()
}
