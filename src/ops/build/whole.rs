//! A whole build: from the Dockerfile to the image in the store.

use super::base::Bases;
use super::base::Fetch;
use super::cache::{self, CacheExtent, CarriedSteps, StepCache, UsedStep};
use super::context::OpenedContext;
use super::error::{BuildError, Why};
use super::made::MadeStage;
use super::maker::{Maker, Parts};
use super::options::BuildOptions;
use super::plan::Plan;
use super::run::Runner;
use super::scope::{BuildArgs, Globals};
use super::watch::Watch;
use super::{bounds, plan, schedule};
use crate::dockerfile::parse;
use crate::http::Client;
use crate::oci::{ANNOTATION_BUILT_ON, Digest, Document, ImageConfig, ImageId, Platform, Reference};
use crate::ops::{Context, Error, FoundImage, naming};
use crate::store::{Assembly, Quarantine};

/// An image that was built. The store holds its parts as long as the job lasts, also if no name leads to it.
#[derive(Debug, Clone)]
pub struct Built {
    /// The digest of its config.
    pub id: ImageId,
    /// The digest of its manifest.
    pub digest: Digest,
    /// The image with the names that were asked for.
    pub image: FoundImage,
    /// The platform that it is for.
    pub platform: Platform,
    /// The steps that led to it, and those of other stages.
    pub steps: Vec<UsedStep>,
    /// The places of the stages that it consists of.
    pub lineage: Vec<usize>,
}

impl Built {
    /// The steps that are carried to other machines.
    pub fn carried(&self, extent: CacheExtent) -> Vec<UsedStep> {
        let is_carried = |step: &&UsedStep| extent == CacheExtent::Max || self.lineage.contains(&step.stage);
        self.steps.iter().filter(is_carried).cloned().collect()
    }
}

/// Builds the image of a Dockerfile.
pub fn build(
    context: &Context,
    opened: &OpenedContext,
    options: &BuildOptions,
    runner: &Runner,
    client: &Client,
    fetch: Fetch<'_>,
    watch: &dyn Watch,
) -> Result<Built, BuildError> {
    let (name, bytes) = (&opened.dockerfile.name, &opened.dockerfile.text);
    let text = String::from_utf8_lossy(bytes);
    let unplaced = |why: Why| BuildError::plain(name, why);
    let wrong = |(lines, why): plan::Wrong| match lines {
        Some(lines) => BuildError::at(name, &text, &lines, why),
        None => unplaced(why),
    };
    let names = options.names.iter().map(|name| naming::checked(name.clone())).collect::<Result<Vec<_>, _>>();
    let names = names.map_err(|error| unplaced(error.into()))?;
    let file = parse(bytes).map_err(|error| wrong((error.lines.clone(), error.into())))?;
    for lines in &file.empty_continuations {
        watch.warn(&format!("{name}:{}: an empty line in the middle of an instruction", lines.start()));
    }
    let given = BuildArgs::new(options.build_args.clone());
    let target = options.platform.as_ref().unwrap_or(&context.host);
    let globals = Globals::of_platforms(target, &context.host, options.target.as_deref().unwrap_or("default"));
    let plan = Plan::of(&file, options.target.as_deref(), globals, &given).map_err(wrong)?;
    bounds::check(&file, &plan).map_err(wrong)?;
    let bases = Bases { context, pull: options.pull, fetch };
    let is_fixed = options.times.latest.is_some();
    let cache = StepCache::new(context, carried(context, options, watch), watch, options.created, is_fixed);
    let parts = Parts {
        context,
        options,
        opened,
        file: &file,
        text: &text,
        plan: &plan,
        given: &given,
        bases,
        runner,
        client,
        watch,
        cache,
    };
    let maker = Maker::new(parts).map_err(|error| unplaced(error.into()))?;
    let stage = schedule::make(&maker)?;
    maker.save_hashes();
    let unused = given.unused();
    if !unused.is_empty() {
        watch.warn(&format!("one or more build-args {} were not consumed", unused.join(" ")));
    }
    let steps = maker.cache.used();
    let lineage = plan.lineage(plan.target).collect();
    publish(context, stage, options, names, steps, lineage).map_err(|error| unplaced(error.into()))
}

/// What is carried by the images of `--cache-from`; those that cannot be read only make the build slower.
fn carried(context: &Context, options: &BuildOptions, watch: &dyn Watch) -> Vec<CarriedSteps> {
    let mut all = Vec::new();
    for typed in options.cache.from.iter().filter(|_| !options.cache.is_off) {
        match CarriedSteps::of(context, typed, options.platform.as_ref()) {
            Ok(carried) if carried.is_empty() => watch.warn(&format!("{typed} carries no build cache of imgtool")),
            Ok(carried) => all.push(carried),
            Err(error) => watch.warn(&format!("the build cache of {typed} is not used: {error}")),
        }
    }
    all
}

/// Puts the image into the store; under its names, if it is to be kept.
fn publish(
    context: &Context,
    stage: MadeStage,
    options: &BuildOptions,
    names: Vec<Reference>,
    steps: Vec<UsedStep>,
    lineage: Vec<usize>,
) -> Result<Built, Error> {
    let MadeStage { mut config, layers, base, .. } = stage;
    if !options.labels.is_empty() {
        let labels = config.config.get_or_insert_default().labels.get_or_insert_default();
        labels.extend(options.labels.iter().cloned());
    }
    config.created = config.created.or(Some(options.created));
    if options.cache.inline {
        cache::inline(&mut config, &steps);
    }
    let platform = config.platform();
    let config: Document<ImageConfig> = Document::make(config);
    let quarantine = Quarantine::new(&context.store, context.limits.clone())?;
    let layers = layers.descriptors().cloned().collect();
    let assembly = Assembly { config: &config, layers, manifest: None, parent: None, platform: None };
    let mut descriptor = quarantine.assemble(assembly)?;
    // Not in the manifest: docker's does not say it, and an image has the same digest with both.
    let built_on = base.map(|base| (ANNOTATION_BUILT_ON.to_owned(), base.canonical()));
    descriptor.annotations.extend(built_on);
    context.store.hold(&[descriptor.digest, *config.digest()])?;
    let published = quarantine.publish(|catalog| {
        if options.keep && names.is_empty() {
            catalog.add(&descriptor);
        }
        for name in names.iter().filter(|_| options.keep) {
            catalog.tag(name, &descriptor, false);
        }
        Ok::<_, Error>(())
    });
    published??;
    let (id, digest) = (ImageId::new(*config.digest()), descriptor.digest);
    Ok(Built { id, digest, image: cache::unnamed(context, descriptor, names)?, platform, steps, lineage })
}
