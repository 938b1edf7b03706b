//! What all stages of a build share.

use std::collections::HashMap;
use std::ops::RangeInclusive;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use super::base::Bases;
use super::context::OpenedContext;
use super::error::{BuildError, Why};
use super::files::Tools;
use super::made::MadeStage;
use super::options::BuildOptions;
use super::plan::{Plan, StageNames};
use super::run::Runner;
use super::scope::BuildArgs;
use super::watch::Watch;
use crate::dockerfile::Dockerfile;
use crate::http::Client;
use crate::oci::{Created, Digest};
use crate::ops::{Context, Error};
use crate::store::{ContentHashes, MadeLayer, MadeStep, Quarantine, VerifiedLayer};

/// Makes the stages of one build.
pub(super) struct Maker<'a> {
    pub(super) context: &'a Context,
    pub(super) options: &'a BuildOptions,
    pub(super) opened: &'a OpenedContext,
    pub(super) file: &'a Dockerfile,
    pub(super) text: &'a str,
    pub(super) plan: &'a Plan,
    pub(super) names: StageNames,
    pub(super) given: &'a BuildArgs,
    pub(super) bases: Bases<'a>,
    pub(super) runner: &'a Runner,
    pub(super) client: &'a Client,
    pub(super) watch: &'a dyn Watch,
    hashes: Mutex<ContentHashes>,
    made: Mutex<HashMap<usize, Arc<MadeStage>>>,
    numbers: AtomicUsize,
    has_failed: AtomicBool,
}

/// What a maker is made of.
pub(super) struct Parts<'a> {
    pub(super) context: &'a Context,
    pub(super) options: &'a BuildOptions,
    pub(super) opened: &'a OpenedContext,
    pub(super) file: &'a Dockerfile,
    pub(super) text: &'a str,
    pub(super) plan: &'a Plan,
    pub(super) given: &'a BuildArgs,
    pub(super) bases: Bases<'a>,
    pub(super) runner: &'a Runner,
    pub(super) client: &'a Client,
    pub(super) watch: &'a dyn Watch,
}

impl<'a> Maker<'a> {
    pub(super) fn new(parts: Parts<'a>) -> Result<Self, Error> {
        let Parts { context, options, opened, file, text, plan, given, bases, runner, client, watch } = parts;
        let hashes = Mutex::new(context.store.content_hashes()?);
        let (names, made, numbers) = (StageNames::of(file), Mutex::default(), AtomicUsize::new(1));
        let has_failed = AtomicBool::new(false);
        Ok(Self {
            context,
            options,
            opened,
            file,
            text,
            plan,
            names,
            given,
            bases,
            runner,
            client,
            watch,
            hashes,
            made,
            numbers,
            has_failed,
        })
    }

    /// The number of the next step.
    pub(super) fn number(&self) -> usize {
        self.numbers.fetch_add(1, Ordering::Relaxed)
    }

    /// An error about lines of the Dockerfile.
    pub(super) fn error(&self, lines: &RangeInclusive<usize>, why: Why) -> BuildError {
        BuildError::at(&self.opened.dockerfile.name, self.text, lines, why)
    }

    /// A stage that is made.
    pub(super) fn made(&self, place: usize) -> Option<Arc<MadeStage>> {
        self.made.lock().unwrap_or_else(PoisonError::into_inner).get(&place).cloned()
    }

    pub(super) fn keep(&self, place: usize, stage: MadeStage) {
        self.made.lock().unwrap_or_else(PoisonError::into_inner).insert(place, Arc::new(stage));
    }

    /// Ends the other stages before their next step.
    pub(super) fn fail(&self) {
        self.has_failed.store(true, Ordering::Relaxed);
    }

    /// Fails once another stage failed, or the job was cancelled.
    pub(super) fn check(&self) -> Result<(), Why> {
        if self.has_failed.load(Ordering::Relaxed) || self.context.store.job().is_cancelled() {
            return Err(Why::Ended);
        }
        Ok(())
    }

    pub(super) fn tools(&self) -> Tools<'_> {
        Tools { client: Some(self.client), limits: &self.context.limits, times: self.options.times }
    }

    /// Uses what is remembered of contents.
    pub(super) fn with_hashes<T>(&self, work: impl FnOnce(&mut ContentHashes) -> T) -> T {
        work(&mut self.hashes.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Remembers the contents that were read.
    pub(super) fn save_hashes(&self) {
        let hashes = &mut *self.hashes.lock().unwrap_or_else(PoisonError::into_inner);
        hashes.save();
    }

    /// When a step that changes only the config was made first.
    pub(super) fn created(&self, key: &Digest) -> Result<Created, Why> {
        let known = if self.options.no_cache { None } else { self.context.store.made_step(key)? };
        if let Some(known) = known.filter(|_| self.options.times.latest.is_none()) {
            return Ok(known.created);
        }
        let made = MadeStep { created: self.options.created, layer: None };
        self.context.store.remember_step(key, &made);
        Ok(made.created)
    }

    /// Makes a step that has a number, or finds what it made before.
    pub(super) fn step(
        &self,
        key: &Digest,
        number: usize,
        make: impl FnOnce(&Quarantine) -> Result<Option<VerifiedLayer>, Why>,
    ) -> Result<MadeStep, Why> {
        let (result, is_cached) = self.cached_or(key, make)?;
        if is_cached {
            self.watch.cached(number);
        } else {
            self.watch.done(number);
        }
        Ok(result)
    }

    /// The same without a number.
    pub(super) fn quiet_step(
        &self,
        key: &Digest,
        make: impl FnOnce(&Quarantine) -> Result<Option<VerifiedLayer>, Why>,
    ) -> Result<MadeStep, Why> {
        self.cached_or(key, make).map(|(made, _)| made)
    }

    fn cached_or(
        &self,
        key: &Digest,
        make: impl FnOnce(&Quarantine) -> Result<Option<VerifiedLayer>, Why>,
    ) -> Result<(MadeStep, bool), Why> {
        let store = &self.context.store;
        if !self.options.no_cache
            && let Some(known) = store.made_step(key)?
        {
            let created = self.options.times.latest.map_or(known.created, |_| self.options.created);
            return Ok((MadeStep { created, ..known }, true));
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
        let result = MadeStep { created: self.options.created, layer };
        store.remember_step(key, &result);
        Ok((result, false))
    }
}
