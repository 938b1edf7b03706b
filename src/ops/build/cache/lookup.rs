//! What is known of a step: from the store, or from an image that carries it.

use std::sync::{Mutex, PoisonError};

use super::carried::CarriedSteps;
use super::carry::UsedStep;
use crate::oci::{Created, Digest};
use crate::ops::build::watch::Watch;
use crate::ops::{Context, Error};
use crate::store::{MadeLayer, MadeStep, Quarantine, VerifiedLayer};

/// Looks up and remembers the steps of one build.
pub(in crate::ops::build) struct StepCache<'a> {
    context: &'a Context,
    /// Where steps are looked for that the store does not know.
    carried: Vec<CarriedSteps>,
    watch: &'a dyn Watch,
    /// What the build used.
    used: Mutex<Vec<UsedStep>>,
    /// When what is made now is made.
    now: Created,
    /// Whether times are fixed, so that those of earlier builds do not count.
    is_fixed: bool,
}

/// A step, and where it stands.
#[derive(Debug, Clone, Copy)]
pub(in crate::ops::build) struct Known<'k> {
    /// What identifies it.
    pub(in crate::ops::build) key: &'k Digest,
    /// The stage that it belongs to.
    pub(in crate::ops::build) stage: usize,
    /// Whether it is made anew in any case.
    pub(in crate::ops::build) is_fresh: bool,
}

impl<'a> StepCache<'a> {
    pub(in crate::ops::build) fn new(
        context: &'a Context,
        carried: Vec<CarriedSteps>,
        watch: &'a dyn Watch,
        now: Created,
        is_fixed: bool,
    ) -> Self {
        Self { context, carried, watch, used: Mutex::default(), now, is_fixed }
    }

    /// The steps that were used.
    pub(in crate::ops::build) fn used(&self) -> Vec<UsedStep> {
        std::mem::take(&mut *self.used.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// When a step that changes only the config was made first.
    pub(in crate::ops::build) fn created(&self, step: Known<'_>) -> Result<Created, Error> {
        let known = if self.is_fixed { None } else { self.find(step)? };
        let made = known.unwrap_or_else(|| {
            let made = MadeStep { created: self.now, layer: None };
            self.context.store.remember_step(step.key, &made);
            made
        });
        self.note(step, &made);
        Ok(made.created)
    }

    /// What a step made before, or what `make` makes, and whether it was made before.
    pub(in crate::ops::build) fn made_or<E: From<Error> + From<crate::store::Error>>(
        &self,
        step: Known<'_>,
        make: impl FnOnce(&Quarantine) -> Result<Option<VerifiedLayer>, E>,
    ) -> Result<(MadeStep, bool), E> {
        let store = &self.context.store;
        if let Some(known) = self.find(step)? {
            let created = if self.is_fixed { self.now } else { known.created };
            let known = MadeStep { created, ..known };
            self.note(step, &known);
            return Ok((known, true));
        }
        let quarantine = Quarantine::new(store, self.context.limits.clone())?;
        let layer = make(&quarantine)?;
        let layer = layer.map(|layer| MadeLayer { descriptor: layer.descriptor(), diff_id: layer.diff_id });
        if let Some(layer) = &layer {
            // The lease comes first: between two steps nothing else holds the layer.
            store.hold(&[layer.descriptor.digest])?;
            quarantine.publish(|_| Ok::<_, Error>(()))??;
            store.job().go_on();
        }
        let result = MadeStep { created: self.now, layer };
        store.remember_step(step.key, &result);
        self.note(step, &result);
        Ok((result, false))
    }

    fn find(&self, step: Known<'_>) -> Result<Option<MadeStep>, Error> {
        if step.is_fresh {
            return Ok(None);
        }
        if let Some(known) = self.context.store.made_step(step.key)? {
            return Ok(Some(known));
        }
        for carried in &self.carried {
            match carried.take(self.context, step.key) {
                Ok(None) => {}
                Err(error) if !self.context.store.job().is_cancelled() => {
                    // The step is made: that is slower, and no more.
                    self.watch.warn(&format!("a step is made again that another machine made: {error}"));
                }
                found => return found,
            }
        }
        Ok(None)
    }

    fn note(&self, step: Known<'_>, made: &MadeStep) {
        let used = UsedStep { stage: step.stage, key: *step.key, made: made.clone() };
        self.used.lock().unwrap_or_else(PoisonError::into_inner).push(used);
    }
}
