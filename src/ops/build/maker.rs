//! What all stages of a build share.

use std::collections::HashMap;
use std::ops::RangeInclusive;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use super::base::Bases;
use super::bounds::Bounds;
use super::cache::{Known, StepCache};
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
use crate::store::{ContentHashes, MadeStep, Quarantine, VerifiedLayer};

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
    pub(super) cache: StepCache<'a>,
    /// The stages that are made anew.
    fresh: Vec<usize>,
    hashes: Mutex<ContentHashes>,
    made: Mutex<HashMap<usize, Arc<MadeStage>>>,
    numbers: AtomicUsize,
    has_failed: AtomicBool,
    /// What the stages need together.
    pub(super) bounds: Bounds,
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
    pub(super) cache: StepCache<'a>,
}

impl<'a> Maker<'a> {
    pub(super) fn new(parts: Parts<'a>) -> Result<Self, Error> {
        let Parts { context, options, opened, file, text, plan, given, bases, runner, client, watch, cache } = parts;
        let hashes = Mutex::new(context.store.content_hashes()?);
        let (names, made, numbers) = (StageNames::of(file), Mutex::default(), AtomicUsize::new(1));
        let has_failed = AtomicBool::new(false);
        let fresh = options.cache.off_for.iter().flat_map(|name| names.all(name)).collect();
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
            cache,
            fresh,
            hashes,
            made,
            numbers,
            has_failed,
            bounds: Bounds::default(),
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
    pub(super) fn created(&self, stage: usize, key: &Digest) -> Result<Created, Why> {
        Ok(self.cache.created(self.known(stage, key))?)
    }

    /// Makes a step of a stage that has a number, or finds what it made before.
    pub(super) fn step(
        &self,
        stage: usize,
        key: &Digest,
        number: usize,
        make: impl FnOnce(&Quarantine) -> Result<Option<VerifiedLayer>, Why>,
    ) -> Result<MadeStep, Why> {
        let (result, is_cached) = self.cache.made_or(self.known(stage, key), make)?;
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
        stage: usize,
        key: &Digest,
        make: impl FnOnce(&Quarantine) -> Result<Option<VerifiedLayer>, Why>,
    ) -> Result<MadeStep, Why> {
        self.cache.made_or(self.known(stage, key), make).map(|(made, _)| made)
    }

    fn known<'k>(&self, stage: usize, key: &'k Digest) -> Known<'k> {
        Known { key, stage, is_fresh: self.options.cache.is_off || self.plan.is_or_stands_on(stage, &self.fresh) }
    }
}
