//! What made each layer, as the config tells it.

use crate::image::Image;
use crate::oci::Created;

/// What made a layer.
#[derive(Debug, Clone)]
pub struct Step {
    /// The command, or else the comment.
    pub created_by: String,
    /// When it was.
    pub created: Option<Created>,
}

/// What made each layer, bottom first; nothing where the config does not say it.
pub fn steps(image: &Image) -> Vec<Option<Step>> {
    let mut steps = vec![None; image.layers.len()];
    // A history that does not fit the layers says nothing about them.
    let Ok(pairs) = image.config.value().layer_history() else { return steps };
    for (step, layer) in pairs {
        if let Some(slot) = layer.and_then(|layer| steps.get_mut(layer)) {
            *slot = Some(Step { created_by: step.what_it_was().to_owned(), created: step.created });
        }
    }
    steps
}
