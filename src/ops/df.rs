//! `system df`: how much the images take, layers that several have counted once, and what builds remember.

use std::collections::{BTreeMap, HashMap};

use super::records::{ImageRecord, images};
use super::{Context, Error};
use crate::oci::ChainId;
use crate::store::BuildCacheUsage;

/// How much the images of a store take.
#[derive(Debug)]
pub struct Usage {
    /// The images, newest first, without those that are only there because others were committed on them.
    pub images: Vec<ImageUsage>,
    /// The sizes of all layers of all images, each once, as docker counts them.
    pub size: u64,
    /// What builds remember.
    pub build_cache: BuildCacheUsage,
    /// Why some images could not be read.
    pub problems: Vec<Error>,
}

/// How much one image takes.
#[derive(Debug)]
pub struct ImageUsage {
    /// The image.
    pub record: ImageRecord,
    /// The sizes of the layers of all its platforms, each once.
    pub size: u64,
    /// The sizes of those of its layers that other images have as well.
    pub shared: u64,
}

/// Measures the images of the store.
pub fn usage(context: &Context) -> Result<Usage, Error> {
    let listing = images(context)?;
    // By stack, as docker has it: one layer on two different others is two layers.
    let mut stacks: HashMap<ChainId, (u64, usize)> = HashMap::new();
    let mut measured = Vec::with_capacity(listing.images.len());
    for record in listing.images {
        let layers = layers(&record);
        for (chain, size) in &layers {
            let (known, users) = stacks.entry(*chain).or_default();
            (*known, *users) = (*size, *users + usize::from(!record.is_intermediate));
        }
        measured.push((record, layers));
    }
    let shared = |layers: &BTreeMap<ChainId, u64>| {
        layers.iter().filter(|(chain, _)| stacks[chain].1 > 1).map(|(_, size)| size).sum()
    };
    let build_cache = context.store.build_cache_usage()?;
    let mut usage = Usage { images: Vec::new(), size: 0, build_cache, problems: listing.problems };
    usage.size = stacks.values().map(|(size, _)| size).sum();
    for (record, layers) in measured.into_iter().filter(|(record, _)| !record.is_intermediate) {
        usage.images.push(ImageUsage { record, size: layers.values().sum(), shared: shared(&layers) });
    }
    Ok(usage)
}

/// The stacks of layers of an image, each with the size of its topmost layer.
fn layers(record: &ImageRecord) -> BTreeMap<ChainId, u64> {
    let platforms = record.contents.values().flat_map(|content| &content.platforms);
    platforms.flat_map(|platform| platform.layers.iter().copied()).collect()
}
