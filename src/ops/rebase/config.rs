//! The config of an image on another base.

use super::history;
use crate::image::edit::{Carried, carry};
use crate::oci::ImageConfig;
use crate::ops::Error;
use crate::ops::remake::forget_steps;

/// The config of `image`, which was built on `old`, on `base`; and what both changed.
pub(super) fn config(
    image: &ImageConfig,
    old: &ImageConfig,
    base: &ImageConfig,
) -> Result<(ImageConfig, Vec<String>), Error> {
    let [ours, before, new] = [image, old, base].map(|config| config.config.clone().unwrap_or_default());
    let Carried { config, clashes } = carry(&ours, &before, &new);
    let mut config = ImageConfig {
        config: Some(config),
        history: history::history(image, old, base)?,
        os: base.os.clone(),
        architecture: base.architecture.clone(),
        variant: base.variant.clone(),
        os_version: base.os_version.clone(),
        os_features: base.os_features.clone(),
        ..image.clone()
    };
    forget_steps(&mut config);
    Ok((config, clashes))
}
