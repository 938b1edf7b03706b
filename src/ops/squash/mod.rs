//! `squash`: some layers of an image become one, in which only what is still there has a place.

mod changes;

use changes::changes;

use super::look::{self, Look};
use super::remake::{self, KeptLayer, Made, Origin, Remade, Stamp};
use super::view_tar::ViewLayers;
use super::{Context, Error, naming};
use crate::image::Progress;
use crate::oci::{ANNOTATION_BASE_DIGEST, ANNOTATION_BASE_NAME, DiffId, History, ImageConfig, Platform, Reference};
use crate::store::Quarantine;

/// Options of `squash`.
#[derive(Debug, Clone)]
pub struct SquashOptions {
    /// The platform of the image, if it has several.
    pub platform: Option<Platform>,
    /// The lowest layer that is squashed: its number, the lowest being 1, or the beginning of its digest; by default
    /// the lowest of all.
    pub from: Option<String>,
    /// Who made the image, and when.
    pub stamp: Stamp,
    /// Its name.
    pub name: Reference,
}

/// Makes an image whose layers from one on are one layer.
pub fn squash(context: &Context, typed: &str, options: &SquashOptions, progress: &dyn Progress) -> Result<Made, Error> {
    let name = naming::checked(options.name.clone())?;
    let look = Look::open(context, typed, options.platform.as_ref(), progress)?;
    let from = match &options.from {
        None => 0,
        Some(layer) => look::layer(&look.image, typed, layer)?,
    };
    let origin = Origin { found: look.found.clone(), image: look.image.clone() };
    let config = config(&origin, from, options)?;
    let lower = look.lower(context, from)?;
    let members = changes(&lower, &look.view);
    drop(lower);
    let quarantine = Quarantine::new(&context.store, context.limits.clone())?;
    let stack = ViewLayers { layers: &look.image.layers, names: &look.names, limits: &context.limits };
    let layer = remake::keep_view(&quarantine, &members, stack, "Squashing", progress)?;
    let mut layers = origin.lowest(from).layers(context, &quarantine, progress)?;
    layers.push(KeptLayer::from(layer));
    let mut annotations = origin.annotations();
    if from == 0 {
        // The layers of the base are not there any more.
        annotations.remove(ANNOTATION_BASE_NAME);
        annotations.remove(ANNOTATION_BASE_DIGEST);
    }
    let platform = origin.image.described_platform.clone();
    Remade { config, layers, annotations, platform }.publish(quarantine, Some(name))
}

/// The config of the new image. Its history is what docker's `build --squash` makes of it: the steps whose layers became
/// one are there without a layer, and a last one has it.
fn config(origin: &Origin, from: usize, options: &SquashOptions) -> Result<ImageConfig, Error> {
    let base = origin.image.config.value();
    let mut history = remake::padded(base)?;
    for (layer, step) in history.iter_mut().filter(|step| !step.empty_layer).enumerate() {
        step.empty_layer = layer >= from;
    }
    let id = origin.image.id();
    let top = from.checked_sub(1).and_then(|top| base.rootfs.diff_ids.get(top));
    let comment = match top {
        None => format!("create new from {id}"),
        Some(diff_id) => format!("merge {id} to layer {from} ({})", DiffId::digest(diff_id)),
    };
    history.push(History { comment, ..options.stamp.layer_step() });
    let mut config = ImageConfig { created: Some(options.stamp.created), history, ..base.clone() };
    remake::forget_steps(&mut config);
    Ok(config)
}
