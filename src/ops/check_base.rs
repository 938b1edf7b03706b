//! `check-base`: whether the image that another one was built on is still what its name leads to.

use super::base::{self, BaseClaim, FoundBy, OldBase, lowest_layers};
use super::remake::Origin;
use super::remake_error::RemakeError;
use super::{Context, Error, ImagePlace};
use crate::oci::{Created, Digest, ImageConfig, ImageId, Platform, Reference};

/// Options of `check-base`.
#[derive(Debug, Clone, Default)]
pub struct CheckBaseOptions {
    /// The platform of the image, if it has several.
    pub platform: Option<Platform>,
    /// The base; by default what the image says itself, or its layers tell.
    pub base: Option<String>,
    /// Whether the registry is asked what the name of the base leads to, also if the store has that name.
    pub remote: bool,
}

/// What an image stands on, and what its base is now.
#[derive(Debug, Clone)]
pub struct BaseCheck {
    /// The image.
    pub image: String,
    /// The base.
    pub base: String,
    /// How it was found.
    pub by: FoundBy,
    /// The base that the image was built on, as far as that is known.
    pub built_on: BaseState,
    /// The base as it is now.
    pub now: BaseState,
    /// Where that is.
    pub place: ImagePlace,
    /// How many layers the image has.
    pub layers: usize,
    /// How many of the lowest layers of the image are the lowest of the base now.
    pub shared: usize,
    /// Whether the image does not stand on the base as it is now.
    pub is_outdated: bool,
}

/// A base at one time.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct BaseState {
    /// The digest of its manifest or index.
    pub digest: Option<Digest>,
    /// The digest of its config.
    pub id: Option<ImageId>,
    /// When it was made.
    pub created: Option<Created>,
    /// How many layers it has.
    pub layers: Option<usize>,
}

impl BaseCheck {
    /// How many of the image's layers are its own, if it is known where they begin.
    pub fn own_layers(&self) -> Option<usize> {
        let of_base = self.built_on.layers.or((Some(self.shared) == self.now.layers).then_some(self.shared));
        of_base.map(|of_base| self.layers - of_base)
    }
}

/// Looks up what an image stands on, and what that is now. Only documents are read.
pub fn check_base(context: &Context, typed: &str, options: &CheckBaseOptions) -> Result<BaseCheck, Error> {
    let image = Origin::find(context, typed, options.platform.as_ref())?;
    let Parties { by, shown, claim, now, old } = match &options.base {
        Some(base) => given(context, &image, base)?,
        None => match base::claim(&image)? {
            Some(claim) => claimed(context, &image, claim, options.remote)?,
            None => unnamed(context, &image, options.remote)?,
        },
    };
    let (ours, theirs) = (image.image.config.value(), now.image.config.value());
    let shared = lowest_layers(&ours.rootfs.diff_ids, &theirs.rootfs.diff_ids);
    let digest = claim.and_then(|claim| claim.digest);
    let is_same = digest.is_some_and(|digest| leads_to(&now, &digest)) || is_same(ours, old.as_ref(), theirs, digest);
    let built_on = BaseState {
        digest: digest.or(old.as_ref().and_then(|old| old.digest)),
        id: old.as_ref().map(|old| old.id),
        created: old.as_ref().and_then(|old| old.config.created),
        layers: old.as_ref().map(OldBase::layers),
    };
    Ok(BaseCheck {
        image: image.shown(),
        base: shown,
        by,
        built_on,
        now: BaseState {
            digest: now.found.descriptor.as_ref().map(|descriptor| descriptor.digest),
            id: Some(now.image.id()),
            created: theirs.created,
            layers: Some(theirs.rootfs.diff_ids.len()),
        },
        place: now.found.place,
        layers: ours.rootfs.diff_ids.len(),
        shared,
        is_outdated: !(is_same && shared == theirs.rootfs.diff_ids.len()),
    })
}

/// A base as it was and as it is.
struct Parties {
    by: FoundBy,
    shown: String,
    claim: Option<BaseClaim>,
    now: Origin,
    old: Option<OldBase>,
}

/// The base that was typed. What the image says counts if it is about that one.
fn given(context: &Context, image: &Origin, typed: &str) -> Result<Parties, Error> {
    let now = Origin::find(context, typed, image.platform().as_ref())?;
    let is_about = |claim: &BaseClaim| match (&claim.name, now.name()) {
        (Some(said), Some(name)) => said.name() == name.name(),
        _ => false,
    };
    // One that cannot be read is about nothing.
    let claim = base::claim(image).ok().flatten().filter(is_about);
    let old = claim.as_ref().and_then(|claim| base::named(context, image, claim, is_far(&now)).ok());
    let shown = now.name().map_or_else(|| typed.to_owned(), |name| name.familiar());
    Ok(Parties { by: FoundBy::Typed, shown, claim, now, old })
}

/// The base that the image names.
fn claimed(context: &Context, image: &Origin, claim: BaseClaim, remote: bool) -> Result<Parties, Error> {
    let name =
        claim.moving_name().ok_or_else(|| RemakeError::FixedBase { image: image.shown(), base: claim.shown() })?;
    let now = look_up(context, image, &name, remote)?;
    let old = base::find(context, image, Some(&name), is_far(&now)).ok();
    // What is not found as it is named may be another one with the same layers.
    let old = old.map(|old| OldBase { is_certain: old.is_certain && old.by == claim.by.into(), ..old });
    Ok(Parties { by: claim.by.into(), shown: name.familiar(), claim: Some(claim), now, old })
}

/// The image of the store that it was committed on, or that has its lowest layers.
fn unnamed(context: &Context, image: &Origin, remote: bool) -> Result<Parties, Error> {
    let old = base::find(context, image, None, false)?;
    let fixed = || RemakeError::FixedBase { image: image.shown(), base: old.shown.clone() };
    let name = old.name.clone().ok_or_else(fixed)?;
    let now = look_up(context, image, &name, remote)?;
    Ok(Parties { by: old.by, shown: name.familiar(), claim: None, now, old: Some(old) })
}

fn look_up(context: &Context, image: &Origin, name: &Reference, remote: bool) -> Result<Origin, Error> {
    base::now(context, image, name, remote).map_err(|error| {
        let (image, base, problem) = (image.shown(), name.familiar(), base::sentence(&error));
        RemakeError::NotLookedUp { image, base, problem }.into()
    })
}

/// Whether a registry has been asked for it.
fn is_far(now: &Origin) -> bool {
    now.found.place == ImagePlace::Registry
}

/// Whether a digest is that of what was found: of its index, or of its manifest.
fn leads_to(found: &Origin, digest: &Digest) -> bool {
    let manifest = found.image.manifest.as_ref().map(|manifest| *manifest.digest());
    found.found.descriptor.as_ref().map(|descriptor| descriptor.digest) == Some(*digest) || manifest == Some(*digest)
}

/// Whether the base with the same layers is the same one: its settings may have changed.
fn is_same(image: &ImageConfig, old: Option<&OldBase>, now: &ImageConfig, digest: Option<Digest>) -> bool {
    match old.filter(|old| old.is_certain) {
        Some(old) => old.config == *now,
        // An image that was built on it begins with its history, with all times in it.
        None => digest.is_none() || (!now.history.is_empty() && image.history.starts_with(&now.history)),
    }
}
