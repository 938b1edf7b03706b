//! `strip`: files out of all layers of an image, so that no layer has them any more.
//!
//! ```text
//! entries of a layer ─▶ plan: what stays, and how ─┬─ all of it: the layer stays, byte for byte
//!                                                  └─ less: write, with the contents that links took over
//! ```

mod plan;
mod resolve;
mod spool;
mod write;

pub use plan::RemovedPath;

use plan::{LayerPlan, Planner};

use super::look::Look;
use super::remake::{KeptLayer, Made, Origin, Remade, Stamp, forget_steps};
use super::remake_error::RemakeError;
use super::{Context, Error, naming};
use crate::dockerfile::Patterns;
use crate::image::Progress;
use crate::oci::{ImageConfig, Platform, Reference};
use crate::store::Quarantine;

/// Options of `strip`.
#[derive(Debug, Clone)]
pub struct StripOptions {
    /// The platform of the image, if it has several.
    pub platform: Option<Platform>,
    /// Patterns of paths, as in `.dockerignore`, with or without a slash in front. What matches is removed, with all that is below it.
    pub remove: Vec<String>,
    /// Who made the image, and when.
    pub stamp: Stamp,
    /// Its name.
    pub name: Reference,
}

/// What is removed from an image.
#[derive(Debug)]
pub struct Removal {
    /// What each layer loses, bottom first; nothing if it stays as it is.
    pub layers: Vec<Vec<RemovedPath>>,
    /// The patterns for which nothing is removed.
    pub idle: Vec<String>,
}

/// An image that was stripped.
#[derive(Debug)]
pub struct Stripped {
    /// The image.
    pub made: Made,
    /// What it lost.
    pub removal: Removal,
}

/// Finds what would be removed.
pub fn find(context: &Context, typed: &str, options: &StripOptions, progress: &dyn Progress) -> Result<Removal, Error> {
    let patterns = patterns(options)?;
    let look = Look::open(context, typed, options.platform.as_ref(), progress)?;
    let plans = plan_all(context, &look, &patterns)?;
    removal(plans, options)
}

/// Makes an image without some files.
pub fn strip(
    context: &Context,
    typed: &str,
    options: &StripOptions,
    progress: &dyn Progress,
) -> Result<Stripped, Error> {
    let name = naming::checked(options.name.clone())?;
    let patterns = patterns(options)?;
    let look = Look::open(context, typed, options.platform.as_ref(), progress)?;
    let plans = plan_all(context, &look, &patterns)?;
    if plans.iter().flatten().all(|plan| plan.removed.is_empty()) {
        return Err(RemakeError::NothingToRemove { image: typed.to_owned(), patterns: options.remove.clone() }.into());
    }
    let origin = Origin { found: look.found.clone(), image: look.image.clone() };
    let quarantine = Quarantine::new(&context.store, context.limits.clone())?;
    let kept = origin.some_layers(context, &quarantine, |place| plans[place].is_none(), progress)?;
    let contents = spool::spool(context, &look, &plans)?;
    let (mut layers, mut kept) = (Vec::with_capacity(plans.len()), kept.into_iter());
    for (place, plan) in plans.iter().enumerate() {
        layers.push(match plan {
            None => kept.next().expect("a layer that stays"),
            Some(plan) => KeptLayer::from(write::write(context, &look, place, plan, &contents, &quarantine, progress)?),
        });
    }
    let config = config(&origin, options);
    let (annotations, platform) = (origin.annotations(), origin.image.described_platform.clone());
    let made = Remade { config, layers, annotations, platform }.publish(quarantine, Some(name))?;
    Ok(Stripped { made, removal: removal(plans, options)? })
}

fn patterns(options: &StripOptions) -> Result<Patterns, Error> {
    rooted(&options.remove)
}

fn rooted<P: AsRef<[u8]>>(patterns: impl IntoIterator<Item = P>) -> Result<Patterns, Error> {
    Patterns::rooted(patterns).map_err(|error| RemakeError::Pattern { problem: error.to_string() }.into())
}

fn removal(plans: Vec<Option<LayerPlan>>, options: &StripOptions) -> Result<Removal, Error> {
    let layers: Vec<Vec<RemovedPath>> =
        plans.into_iter().map(|plan| plan.map(|plan| plan.removed).unwrap_or_default()).collect();
    let mut idle = Vec::new();
    for pattern in options.remove.iter().filter(|pattern| !pattern.starts_with('!')) {
        let alone = rooted([pattern])?;
        if !layers.iter().flatten().any(|removed| alone.excludes(removed.path.as_bytes())) {
            idle.push(pattern.clone());
        }
    }
    Ok(Removal { layers, idle })
}

/// What becomes of each layer; none of those that stay as they are.
fn plan_all(context: &Context, look: &Look, patterns: &Patterns) -> Result<Vec<Option<LayerPlan>>, Error> {
    let mut plans = Vec::with_capacity(look.image.layers.len());
    for layer in 0..look.image.layers.len() {
        let lower = || look.lower(context, layer);
        let planner = Planner::new(layer, patterns, &lower);
        plans.push(planner.plan(look.entries(context, layer)?)?);
    }
    Ok(plans)
}

/// The steps stay, and a last one says what was done.
fn config(origin: &Origin, options: &StripOptions) -> ImageConfig {
    let mut config = origin.image.config.value().clone();
    config.created = Some(options.stamp.created);
    config.history.push(options.stamp.step());
    forget_steps(&mut config);
    config
}
