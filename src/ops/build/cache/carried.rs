//! Steps that builds on other machines made, in an image that carries them.

use std::collections::HashMap;

use super::{CarriedStep, FIELD};
use crate::image::Image;
use crate::oci::{Digest, Platform};
use crate::ops::damage::LayerNames;
use crate::ops::{Context, Error, FoundImage};
use crate::store::{MadeLayer, MadeStep, Quarantine};

/// The most steps of one image that are looked at.
const MOST_STEPS: usize = 100_000;

/// The steps that an image carries.
pub(in crate::ops::build) struct CarriedSteps {
    found: FoundImage,
    image: Image,
    steps: HashMap<Digest, CarriedStep>,
}

impl CarriedSteps {
    /// Those of an image, wherever it is. One without any is no error.
    pub(in crate::ops::build) fn of(
        context: &Context,
        typed: &str,
        platform: Option<&Platform>,
    ) -> Result<Self, Error> {
        let found = context.find_for(typed, platform)?;
        let image = found.image(platform, &context.host)?.clone();
        let field = image.config.value().other.get(FIELD).cloned().unwrap_or_default();
        let steps: Vec<CarriedStep> = serde_json::from_value(field).unwrap_or_default();
        let keyed = |step: CarriedStep| Some((Digest::from_hex(&step.key)?, step));
        let steps = steps.into_iter().take(MOST_STEPS).filter_map(keyed).collect();
        Ok(Self { found, image, steps })
    }

    /// Whether there are none.
    pub(in crate::ops::build) fn is_empty(&self) -> bool {
        self.steps.is_empty()
    }

    /// What the step with that key made: its layer is fetched, verified and kept in the store.
    pub(super) fn take(&self, context: &Context, key: &Digest) -> Result<Option<MadeStep>, Error> {
        let Some(step) = self.steps.get(key) else { return Ok(None) };
        let layer = match step.layer {
            None => None,
            Some(place) => match self.fetch(context, place)? {
                Some(layer) => Some(layer),
                None => return Ok(None),
            },
        };
        let made = MadeStep { created: step.created, layer };
        context.store.remember_step(key, &made);
        Ok(Some(made))
    }

    fn fetch(&self, context: &Context, place: usize) -> Result<Option<MadeLayer>, Error> {
        let Some(layer) = self.image.layers.get(place) else { return Ok(None) };
        let Some(blob) = &layer.blob else { return Ok(None) };
        let names = LayerNames::of(&self.found, &self.image);
        if let (Some(remote), Some(descriptor)) = (&self.found.remote, &layer.descriptor) {
            let fetched = remote.fetch(&descriptor.digest, &|_| context.store.job().check());
            fetched.map_err(|source| names.of_layer(place, source))?;
        }
        let quarantine = Quarantine::new(&context.store, context.limits.clone())?;
        // Uncompressed, as builds keep their layers: the manifest of the image is then the same.
        let kept = quarantine.keep_layer(blob, true, &self.found.shown(), &|_| {})?;
        if kept.diff_id != layer.diff_id {
            let problem = format!("its diff ID is {}, and should be {}", kept.diff_id, layer.diff_id);
            return Err(names.damaged(place, problem));
        }
        let made = MadeLayer { descriptor: kept.descriptor(), diff_id: kept.diff_id };
        // The lease comes first: nothing else holds the layer.
        context.store.hold(&[made.descriptor.digest])?;
        quarantine.publish(|_| Ok::<_, Error>(()))??;
        context.store.job().go_on();
        Ok(Some(made))
    }
}
