//! `rebase`: the layers of an image above its base, on another base.
//!
//! ```text
//! IMAGE ─┬─ layers of the old base                       BASE ─── all layers ──┐
//!        ├─ its own layers, byte for byte ─────────────────────────────────────┴▶ the new image
//!        └─ config, history: what differs from the old base's ─▶ over BASE's ───▶
//! ```

mod config;
mod history;
mod traps;

pub use traps::Traps;

use super::base::{self, OldBase};
use super::remake::{Made, Origin, Remade, Stamp};
use super::remake_error::RemakeError;
use super::{Context, Error, naming};
use crate::image::Progress;
use crate::oci::{ANNOTATION_BASE_DIGEST, ANNOTATION_BASE_NAME, Annotations, DiffId, ImageConfig, Platform, Reference};
use crate::store::Quarantine;

/// Options of `rebase`.
#[derive(Debug, Clone)]
pub struct RebaseOptions {
    /// The platform of the image, if it has several.
    pub platform: Option<Platform>,
    /// The new base; by default, what the name of the old one leads to now.
    pub onto: Option<String>,
    /// The image that it was built on, or `scratch`; by default, what it says itself or its layers tell.
    pub from: Option<String>,
    /// Who made the image, and when.
    pub stamp: Stamp,
    /// Its name; by default the one that the image was found by.
    pub name: Option<Reference>,
}

/// What becomes of an image that is put on another base.
pub struct Rebasing {
    /// What it was built on.
    pub old: OldBase,
    /// The new base in messages.
    pub base: String,
    /// The layers of the new base, bottom first.
    pub base_layers: Vec<DiffId>,
    /// The image's own layers, bottom first.
    pub own_layers: Vec<DiffId>,
    /// Whether it stands on just that base already.
    pub is_same: bool,
    /// Settings that the image and the new base changed, each in its own way: those of the image are kept.
    pub clashes: Vec<String>,
    /// Whether the new base has instructions for images that are built on it, which are not carried out.
    pub has_triggers: bool,
    /// What of the files may be other than in an image that is built anew.
    pub traps: Traps,
    image: Origin,
    onto: Origin,
    config: ImageConfig,
    name: Option<Reference>,
}

impl Rebasing {
    /// Finds what would become of the image that was typed. Layers are read, and nothing is written.
    pub fn plan(
        context: &Context,
        typed: &str,
        options: &RebaseOptions,
        progress: &dyn Progress,
    ) -> Result<Self, Error> {
        let name = options.name.clone().map(naming::checked).transpose()?;
        let image = Origin::find(context, typed, options.platform.as_ref())?;
        let name = match name {
            Some(name) => Some(name),
            None => image.own_name()?,
        };
        let onto = new_base(context, &image, options.onto.as_deref())?;
        let old = match &options.from {
            Some(from) => base::typed(context, &image, from)?,
            None => base::find(context, &image, onto.name().as_ref(), true)?,
        };
        image.fetch(context, progress)?;
        onto.fetch(context, progress)?;
        let (ours, theirs) = (image.image.config.value(), onto.image.config.value());
        let (config, clashes) = config::config(ours, &old.config, theirs)?;
        let mut config = ImageConfig { created: Some(options.stamp.created), ..config };
        let mut step = options.stamp.step();
        step.created_by = format!("{} --onto {}", step.created_by, onto.shown());
        config.history.push(step);
        relabel(&mut config, &image, &old, &onto);
        let traps = Traps::find(context, &image, &onto, old.layers())?;
        Ok(Self {
            base: onto.shown(),
            base_layers: theirs.rootfs.diff_ids.clone(),
            own_layers: ours.rootfs.diff_ids[old.layers()..].to_vec(),
            is_same: old.config == *theirs,
            clashes,
            has_triggers: theirs.config.iter().filter_map(|run| run.on_build.as_ref()).any(|all| !all.is_empty()),
            traps,
            old,
            image,
            onto,
            config,
            name,
        })
    }

    /// Makes the image.
    pub fn make(self, context: &Context, progress: &dyn Progress) -> Result<Made, Error> {
        let Self { old, image, onto, config, name, .. } = self;
        let quarantine = Quarantine::new(&context.store, context.limits.clone())?;
        let mut layers = onto.layers(context, &quarantine, progress)?;
        layers.extend(image.some_layers(context, &quarantine, |place| place >= old.layers(), progress)?);
        let mut annotations = image.annotations();
        annotate(&mut annotations, &onto);
        let platform = image.image.described_platform.clone();
        Remade { config, layers, annotations, platform }.publish(quarantine, name)
    }
}

/// The new base: what was typed, or what the name of the base leads to now. It must be for what the image is for.
fn new_base(context: &Context, image: &Origin, typed: Option<&str>) -> Result<Origin, Error> {
    let platform = image.platform();
    let found = if let Some(typed) = typed {
        Origin::find(context, typed, platform.as_ref())
    } else {
        let claim = base::claim(image)?.and_then(|claim| claim.moving_name());
        let name = claim.ok_or_else(|| RemakeError::NoNewBase { image: image.shown() })?;
        base::now(context, image, &name, false)
    };
    found.map_err(|error| match error {
        Error::OtherPlatform { image: base, wanted, found } => {
            RemakeError::BasePlatform { image: image.shown(), platform: wanted, base, found }.into()
        }
        other => other,
    })
}

/// Names the base in the annotations of a manifest.
fn annotate(annotations: &mut Annotations, base: &Origin) {
    annotations.remove(ANNOTATION_BASE_NAME);
    annotations.remove(ANNOTATION_BASE_DIGEST);
    annotations.extend(names(base));
}

/// What names a base: its name in full, and the digest of the manifest or index that it leads to, as far as it has them.
fn names(base: &Origin) -> impl Iterator<Item = (String, String)> {
    let name = base.name().map(|name| if name.tag().is_some() { name.without_digest() } else { name });
    let name = name.map(|name| (ANNOTATION_BASE_NAME.to_owned(), name.canonical()));
    let digest = base.found.descriptor.as_ref();
    let digest = digest.map(|found| (ANNOTATION_BASE_DIGEST.to_owned(), found.digest.to_string()));
    name.into_iter().chain(digest)
}

/// If the image itself named its base in labels, they name the new one.
fn relabel(config: &mut ImageConfig, image: &Origin, old: &OldBase, base: &Origin) {
    let of = |config: &ImageConfig, name: &str| {
        config.config.as_ref().and_then(|run| run.labels.as_ref()).and_then(|labels| labels.get(name)).cloned()
    };
    let own = [ANNOTATION_BASE_NAME, ANNOTATION_BASE_DIGEST].into_iter().any(|name| {
        let said = of(image.image.config.value(), name);
        said.is_some() && said != of(&old.config, name)
    });
    if own {
        let labels = config.config.get_or_insert_default().labels.get_or_insert_default();
        annotate(labels, base);
    }
}
