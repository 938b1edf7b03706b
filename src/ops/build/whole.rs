//! A whole build: from the Dockerfile to the image in the store.

use super::base::Bases;
use super::base::Fetch;
use super::context::OpenedContext;
use super::error::{BuildError, Why};
use super::made::MadeStage;
use super::maker::{Maker, Parts};
use super::options::BuildOptions;
use super::plan::Plan;
use super::run::Runner;
use super::scope::{BuildArgs, Globals};
use super::watch::Watch;
use super::{plan, schedule};
use crate::dockerfile::parse;
use crate::http::Client;
use crate::oci::{Digest, Document, ImageConfig, ImageId};
use crate::ops::{Context, Error, naming};
use crate::store::{Assembly, Quarantine};

/// An image that was built.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Built {
    /// The digest of its config.
    pub id: ImageId,
    /// The digest of its manifest.
    pub digest: Digest,
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
    let bases = Bases { context, pull: options.pull, fetch };
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
    };
    let maker = Maker::new(parts).map_err(|error| unplaced(error.into()))?;
    let stage = schedule::make(&maker)?;
    maker.save_hashes();
    let unused = given.unused();
    if !unused.is_empty() {
        watch.warn(&format!("one or more build-args {} were not consumed", unused.join(" ")));
    }
    publish(context, stage, options, &names).map_err(|error| unplaced(error.into()))
}

/// Puts the image into the store.
fn publish(
    context: &Context,
    stage: MadeStage,
    options: &BuildOptions,
    names: &[crate::oci::Reference],
) -> Result<Built, Error> {
    let MadeStage { mut config, layers, .. } = stage;
    if !options.labels.is_empty() {
        let labels = config.config.get_or_insert_default().labels.get_or_insert_default();
        labels.extend(options.labels.iter().cloned());
    }
    config.created = config.created.or(Some(options.created));
    let config: Document<ImageConfig> = Document::make(config);
    let quarantine = Quarantine::new(&context.store, context.limits.clone())?;
    let layers = layers.descriptors().cloned().collect();
    let assembly = Assembly { config: &config, layers, manifest: None, parent: None, platform: None };
    let descriptor = quarantine.assemble(assembly)?;
    let published = quarantine.publish(|catalog| {
        if names.is_empty() {
            catalog.add(&descriptor);
        }
        for name in names {
            catalog.tag(name, &descriptor, false);
        }
        Ok::<_, Error>(())
    });
    published??;
    Ok(Built { id: ImageId::new(*config.digest()), digest: descriptor.digest })
}
