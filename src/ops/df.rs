//! `system df`: how much the images take, layers that several have counted once.

use std::collections::HashMap;

use super::images::{Record, images};
use super::{Context, Error, Found};
use crate::image::Tree;
use crate::oci::ChainId;

/// How much the images of a store take.
#[derive(Debug)]
pub struct Usage {
    /// The images, newest first.
    pub images: Vec<ImageUsage>,
    /// The sizes of all layers, each once, as docker counts them.
    pub size: u64,
    /// Why some images could not be read.
    pub problems: Vec<Error>,
}

/// How much one image takes.
#[derive(Debug)]
pub struct ImageUsage {
    /// The image.
    pub record: Record,
    /// The sizes of its layers that other images have as well.
    pub shared: u64,
}

/// Measures the images of the store.
pub fn usage(context: &Context) -> Result<Usage, Error> {
    let listing = images(context)?;
    // By stack, as docker has it: one layer on two different others is two layers.
    let mut stacks: HashMap<ChainId, (u64, usize)> = HashMap::new();
    let mut chains = Vec::with_capacity(listing.images.len());
    for record in &listing.images {
        let measured = measure(context, record)?;
        for (chain, size) in &measured {
            let (known, users) = stacks.entry(*chain).or_default();
            (*known, *users) = (*size, *users + 1);
        }
        chains.push(measured);
    }
    let mut usage = Usage { images: Vec::new(), size: 0, problems: listing.problems };
    usage.size = stacks.values().map(|(size, _)| size).sum();
    for (record, measured) in listing.images.into_iter().zip(chains) {
        let is_shared = |(chain, _): &&(ChainId, u64)| stacks[chain].1 > 1;
        let shared = measured.iter().filter(is_shared).map(|(_, size)| size).sum();
        usage.images.push(ImageUsage { record, shared });
    }
    Ok(usage)
}

/// The stacks of layers of an image, each with the size of its topmost layer.
fn measure(context: &Context, record: &Record) -> Result<Vec<(ChainId, u64)>, Error> {
    let name = || record.id.to_string();
    let descriptor = &record.descriptor;
    let tree = Tree::read(&context.store, descriptor).map_err(|source| Error::Image { name: name(), source })?;
    let found =
        Found { names: Vec::new(), all_names: Vec::new(), descriptor: Some(descriptor.clone()), tree, in_store: true };
    let image = found.image(None, &context.host)?;
    let sizes = context.layer_sizes(&found, image)?;
    let chains = ChainId::of(&image.config.value().rootfs.diff_ids);
    Ok(chains.into_iter().zip(sizes.into_iter().map(|size| size.content)).collect())
}
