//! `edit`: an image with another config, on the same layers.

use super::remake::{Made, Origin, Remade, Stamp};
use super::{Context, Error, naming};
use crate::image::Progress;
use crate::image::edit::{self, Adjusted, Adjustment, ConfigChange};
use crate::oci::{Annotations, History, ImageConfig, Platform, Reference};
use crate::store::Quarantine;

/// Options of `edit`.
#[derive(Debug, Clone)]
pub struct EditOptions {
    /// The platform of the image, if it has several.
    pub platform: Option<Platform>,
    /// Instructions of a Dockerfile; they come first.
    pub changes: Vec<ConfigChange>,
    /// What is set and removed.
    pub adjustments: Vec<Adjustment>,
    /// Another author; an empty one removes it.
    pub author: Option<String>,
    /// What the image runs on, as far as it changes.
    pub runs_on: RunsOn,
    /// Annotations of the manifest that are set; those without a value are removed.
    pub annotations: Vec<(String, Option<String>)>,
    /// Whether the history tells no more of its steps than when the layers were made.
    pub strips_history: bool,
    /// Who made the image, and when.
    pub stamp: Stamp,
    /// Its name; by default the one that the image was found by.
    pub name: Option<Reference>,
}

/// What an image runs on, as far as it changes.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RunsOn {
    /// The operating system.
    pub os: Option<String>,
    /// The architecture.
    pub architecture: Option<String>,
    /// The variant of the architecture; an empty one removes it.
    pub variant: Option<String>,
}

/// An image that was edited.
#[derive(Debug)]
pub struct Edited {
    /// The image.
    pub made: Made,
    /// What became of the changes.
    pub adjusted: Adjusted,
    /// Annotations that were to be removed and were not there.
    pub missing_annotations: Vec<String>,
}

/// Makes an image with another config.
pub fn edit(context: &Context, typed: &str, options: &EditOptions, progress: &dyn Progress) -> Result<Edited, Error> {
    let name = options.name.clone().map(naming::checked).transpose()?;
    let origin = Origin::open(context, typed, options.platform.as_ref(), progress)?;
    let name = match name {
        Some(name) => Some(name),
        None => origin.own_name()?,
    };
    let (config, adjusted) = config(origin.image.config.value(), options)?;
    let mut annotations = origin.annotations();
    let missing_annotations = annotate(&mut annotations, &options.annotations);
    let quarantine = Quarantine::new(&context.store, context.limits.clone())?;
    let layers = origin.layers(context, &quarantine, progress)?;
    let platform = origin.image.described_platform.clone().filter(|_| options.runs_on == RunsOn::default());
    let made = Remade { config, layers, annotations, platform }.publish(quarantine, name)?;
    Ok(Edited { made, adjusted, missing_annotations })
}

fn config(base: &ImageConfig, options: &EditOptions) -> Result<(ImageConfig, Adjusted), Error> {
    let mut config = base.clone();
    let mut run = config.config.take().unwrap_or_default();
    edit::apply(&mut run, &options.changes)?;
    let adjusted = edit::adjust(&mut run, &options.adjustments)?;
    config.config = Some(run);
    config.created = Some(options.stamp.created);
    if let Some(author) = &options.author {
        config.author.clone_from(author);
    }
    let RunsOn { os, architecture, variant } = options.runs_on.clone();
    config.os = os.unwrap_or(config.os);
    config.architecture = architecture.unwrap_or(config.architecture);
    config.variant = variant.or(config.variant).filter(|variant| !variant.is_empty());
    if options.strips_history {
        config.comment = String::new();
        config.history = stripped(base, options);
    } else {
        config.history.push(History { author: options.author.clone().unwrap_or_default(), ..options.stamp.step() });
    }
    Ok((config, adjusted))
}

/// One step for each layer, which says no more than that it is there: tools want as many steps as layers.
fn stripped(config: &ImageConfig, options: &EditOptions) -> Vec<History> {
    let step = History { created: Some(options.stamp.created), ..History::default() };
    vec![step; config.rootfs.diff_ids.len()]
}

/// Sets and removes annotations; gives those that were not there.
fn annotate(annotations: &mut Annotations, changes: &[(String, Option<String>)]) -> Vec<String> {
    let mut missing = Vec::new();
    for (name, value) in changes {
        match value {
            Some(value) => drop(annotations.insert(name.clone(), value.clone())),
            None if annotations.remove(name).is_none() => missing.push(name.clone()),
            None => {}
        }
    }
    missing
}
