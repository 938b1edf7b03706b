//! Makes images that carry steps to other machines.

use std::collections::{HashMap, HashSet};

use serde_json::Value;

use super::{CarriedStep, FIELD};
use crate::image::edit;
use crate::oci::{Created, Descriptor, DiffId, Digest, Document, ImageConfig, Platform, Rootfs};
use crate::ops::{Context, Error, FoundImage, ImagePlace};
use crate::store::{Assembly, MadeStep, Quarantine};

/// A step that a build made or found.
#[derive(Debug, Clone, PartialEq)]
pub struct UsedStep {
    /// The place of its stage in the Dockerfile.
    pub stage: usize,
    /// What identifies it.
    pub key: Digest,
    /// What it made.
    pub made: MadeStep,
}

/// Which steps are carried.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum CacheExtent {
    /// Those of the stages that the image consists of.
    #[default]
    Min,
    /// Those of all stages.
    Max,
}

/// Makes an image that carries the steps of a build; the store keeps it as long as the job lasts.
pub fn carry(
    context: &Context,
    steps: &[UsedStep],
    platform: &Platform,
    created: Created,
) -> Result<FoundImage, Error> {
    let mut layers: Vec<(DiffId, Descriptor)> = Vec::new();
    let mut places: HashMap<DiffId, usize> = HashMap::new();
    let carried = each_once(steps).map(|step| {
        let layer = step.made.layer.as_ref().map(|layer| {
            *places.entry(layer.diff_id).or_insert_with(|| {
                layers.push((layer.diff_id, layer.descriptor.clone()));
                layers.len() - 1
            })
        });
        CarriedStep { key: step.key.hex(), created: step.made.created, layer }
    });
    let carried = value(carried.collect());
    let rootfs = Rootfs::new(layers.iter().map(|(diff_id, _)| *diff_id).collect());
    let mut config = ImageConfig { created: Some(created), rootfs, ..edit::scratch(platform) };
    config.other.insert(FIELD.to_owned(), carried);
    let config: Document<ImageConfig> = Document::make(config);
    let quarantine = Quarantine::new(&context.store, context.limits.clone())?;
    let layers = layers.into_iter().map(|(_, descriptor)| descriptor).collect();
    let assembly = Assembly { config: &config, layers, manifest: None, parent: None, platform: None };
    let descriptor = quarantine.assemble(assembly)?;
    context.store.hold(&[descriptor.digest, *config.digest()])?;
    quarantine.publish(|_| Ok::<_, Error>(()))??;
    context.store.job().go_on();
    unnamed(context, descriptor, Vec::new())
}

/// An image of the store that no entry leads to.
pub(in crate::ops::build) fn unnamed(
    context: &Context,
    descriptor: Descriptor,
    names: Vec<crate::oci::Reference>,
) -> Result<FoundImage, Error> {
    let missing = |source| Error::Image { name: descriptor.digest.to_string(), source };
    let tree = context.store.tree_of(&descriptor).map_err(missing)?;
    let all_names = names.clone();
    Ok(FoundImage { names, all_names, descriptor: Some(descriptor), tree, place: ImagePlace::Store, remote: None })
}

/// Adds the steps to the config of the image itself whose layers it has.
pub(in crate::ops::build) fn inline(config: &mut ImageConfig, steps: &[UsedStep]) {
    let place = |diff_id: &DiffId| config.rootfs.diff_ids.iter().position(|known| known == diff_id);
    let carried = each_once(steps).filter_map(|step| {
        let layer = match &step.made.layer {
            None => None,
            Some(layer) => Some(place(&layer.diff_id)?),
        };
        Some(CarriedStep { key: step.key.hex(), created: step.made.created, layer })
    });
    let carried = value(carried.collect());
    config.other.insert(FIELD.to_owned(), carried);
}

/// Takes the steps away that an image carries: one that is built on it does not carry them.
pub(in crate::ops::build) fn forget(config: &mut ImageConfig) {
    config.other.remove(FIELD);
}

/// The steps in the order of their keys, each once: stages are made side by side, in no fixed order.
fn each_once(steps: &[UsedStep]) -> impl Iterator<Item = &UsedStep> {
    let mut sorted: Vec<&UsedStep> = steps.iter().collect();
    sorted.sort_by_key(|step| (step.stage, step.key));
    let mut seen = HashSet::new();
    sorted.into_iter().filter(move |step| seen.insert(step.key))
}

fn value(steps: Vec<CarriedStep>) -> Value {
    serde_json::to_value(steps).expect("steps are plain values")
}
