//! `history`: how an image came to be, layer by layer.

use super::{Context, Error};
use crate::oci::{DiffId, History, ImageId, Platform};

/// One step, the newest first.
#[derive(Debug, Clone)]
pub struct HistoryStep {
    /// The image that ends with this step, if it is known: that of the newest step is the image itself, those of the
    /// next what it was committed on, one step each, as docker counts them.
    pub id: Option<ImageId>,
    /// What the config says of it.
    pub entry: History,
    /// The layer that it made; none if it changed the config only.
    pub layer: Option<DiffId>,
    /// The size of that layer, as docker counts it.
    pub size: u64,
}

/// The history of the image that was typed.
pub fn history(context: &Context, typed: &str, platform: Option<&Platform>) -> Result<Vec<HistoryStep>, Error> {
    let found = context.find_for(typed, platform)?;
    let image = found.image(platform, &context.host)?;
    let mut steps = Vec::new();
    for (entry, layer) in image.config.value().layer_history()? {
        let layer = layer.map(|place| &image.layers[place]);
        let size = layer.map_or(Ok(0), |layer| context.content_size(&found, layer))?;
        steps.push(HistoryStep { id: None, entry: entry.clone(), layer: layer.map(|layer| layer.diff_id), size });
    }
    steps.reverse();
    let known = std::iter::once(image.id()).chain(context.ancestors(&found)?);
    for (step, id) in steps.iter_mut().zip(known) {
        step.id = Some(id);
    }
    Ok(steps)
}
