//! The image that another one was built on.

use super::claim::{BaseClaim, Said, claim};
use super::lower::{lowest_layers, nearest};
use super::place::{in_registry, in_store};
use crate::oci::{Descriptor, DiffId, Digest, Document, ImageConfig, ImageId, Reference};
use crate::ops::find::no_such_image;
use crate::ops::remake::Origin;
use crate::ops::{Context, Error, RemakeError};

/// What an image without a base is built on.
pub const SCRATCH: &str = "scratch";

/// How a base was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FoundBy {
    /// It was typed.
    Typed,
    /// The annotations of the manifest name it.
    Annotations,
    /// It was built on it in this store.
    Build,
    /// The labels of the config name it.
    Labels,
    /// It was committed on it.
    Parent,
    /// Its layers are the lowest of the image.
    Layers,
}

/// The image that another one was built on.
#[derive(Debug, Clone)]
pub struct OldBase {
    /// How it was found.
    pub by: FoundBy,
    /// Whether it is sure to be that one, and not another one of its name with the same layers.
    pub is_certain: bool,
    /// Its name in messages.
    pub shown: String,
    /// Its name, if it has one.
    pub name: Option<Reference>,
    /// The digest of its manifest or index; none of an image in a docker-archive, and of `scratch`.
    pub digest: Option<Digest>,
    /// The digest of its config.
    pub id: ImageId,
    /// Its config.
    pub config: ImageConfig,
}

impl OldBase {
    /// How many of the image's layers are the base's.
    pub fn layers(&self) -> usize {
        self.config.rootfs.diff_ids.len()
    }

    fn of(base: &Origin, by: FoundBy) -> Self {
        Self {
            by,
            is_certain: true,
            shown: base.shown(),
            name: base.name(),
            digest: base.found.descriptor.as_ref().map(|descriptor| descriptor.digest),
            id: base.image.id(),
            config: base.image.config.value().clone(),
        }
    }

    /// One that an image names, and that may have lost that name.
    fn earlier(base: &Origin, claim: &BaseClaim) -> Self {
        let known = Self::of(base, claim.by.into());
        match &claim.name {
            Some(name) if base.name().is_none() => Self { shown: format!("an earlier {}", name.familiar()), ..known },
            _ => known,
        }
    }

    fn scratch() -> Self {
        let config = Document::make(ImageConfig::default());
        let id = ImageId::new(*config.digest());
        let (shown, config) = (SCRATCH.to_owned(), config.value().clone());
        Self { by: FoundBy::Typed, is_certain: true, shown, name: None, digest: None, id, config }
    }
}

impl From<Said> for FoundBy {
    fn from(said: Said) -> Self {
        match said {
            Said::Annotations => Self::Annotations,
            Said::Build => Self::Build,
            Said::Labels => Self::Labels,
        }
    }
}

impl FoundBy {
    /// How it was found, in one word.
    pub fn word(self) -> &'static str {
        match self {
            Self::Typed => "given",
            Self::Annotations => "annotations",
            Self::Build => "build",
            Self::Labels => "labels",
            Self::Parent => "parent",
            Self::Layers => "layers",
        }
    }

    /// How it was found, in words.
    pub fn words(self) -> &'static str {
        match self {
            Self::Typed => "as given",
            Self::Annotations => "as its annotations say",
            Self::Build => "which it was built on here",
            Self::Labels => "as its labels say",
            Self::Parent => "which it was committed on",
            Self::Layers => "by its layers",
        }
    }
}

/// The base that was typed, whose layers must be the lowest of the image.
pub fn typed(context: &Context, image: &Origin, typed: &str) -> Result<OldBase, Error> {
    if typed == SCRATCH {
        return Ok(OldBase::scratch());
    }
    let base = Origin::find(context, typed, image.platform().as_ref())?;
    require_lowest(image, &base)?;
    Ok(OldBase::of(&base, FoundBy::Typed))
}

/// The base that the image names, else the one that it was committed on, or that its layers tell. `onto` is the repository
/// of the base to come: of several images below, the one of that name is meant. The registry of the name is asked if that
/// `asks`.
pub fn find(context: &Context, image: &Origin, onto: Option<&Reference>, asks: bool) -> Result<OldBase, Error> {
    let claim = claim(image)?;
    let problem = match &claim {
        None => None,
        Some(claim) => match named(context, image, claim, asks) {
            Ok(base) => return Ok(base),
            Err(error @ Error::Remake(RemakeError::NotTheBase { .. })) => return Err(error),
            Err(error) => Some(format!("{}: {}", claim.shown(), sentence(&error))),
        },
    };
    if let Some(parent) = image.found.descriptor.as_ref().and_then(Descriptor::parent)
        && let Ok(base) = in_store(context, &parent.to_string(), image.platform().as_ref())
        && require_lowest(image, &base).is_ok()
    {
        return Ok(OldBase::of(&base, FoundBy::Parent));
    }
    match nearest(context, image, onto)? {
        Some(base) => Ok(OldBase::of(&base, FoundBy::Layers)),
        None => Err(RemakeError::NoBase { image: image.shown(), problem }.into()),
    }
}

/// The base that an image names, as it was when the image was built: by its digest in the store, or by its name there if
/// it still has the same layers, or else, if that `asks`, by its digest in its registry.
pub fn named(context: &Context, image: &Origin, claim: &BaseClaim, asks: bool) -> Result<OldBase, Error> {
    let (platform, by) = (image.platform(), claim.by.into());
    if let Some(digest) = &claim.digest
        && let Ok(base) = in_store(context, &digest.to_string(), platform.as_ref())
    {
        require_lowest(image, &base)?;
        return Ok(OldBase::earlier(&base, claim));
    }
    let unknown = || no_such_image(&claim.shown());
    let name = claim.name.as_ref().ok_or_else(unknown)?;
    let tagged = claim.moving_name().unwrap_or_else(|| name.clone());
    if let Ok(base) = in_store(context, &tagged.canonical(), platform.as_ref())
        && require_lowest(image, &base).is_ok()
    {
        return Ok(OldBase { is_certain: false, ..OldBase::of(&base, by) });
    }
    let digest = claim.digest.filter(|_| asks).ok_or_else(unknown)?;
    let base = in_registry(context, image, &name.without_tag().with_digest(digest), platform.as_ref())?;
    require_lowest(image, &base)?;
    Ok(OldBase::earlier(&base, claim))
}

/// An error and its causes.
pub fn sentence(error: &Error) -> String {
    let mut text = error.to_string();
    let mut cause = std::error::Error::source(error);
    while let Some(error) = cause {
        let more = error.to_string();
        if !text.contains(&more) {
            text = format!("{text}: {more}");
        }
        cause = error.source();
    }
    text
}

/// Refuses a base whose layers are not the lowest of the image.
fn require_lowest(image: &Origin, base: &Origin) -> Result<(), RemakeError> {
    let diff_ids = |origin: &Origin| -> Vec<DiffId> { origin.image.config.value().rootfs.diff_ids.clone() };
    let (ours, theirs) = (diff_ids(image), diff_ids(base));
    let same = lowest_layers(&ours, &theirs);
    match theirs.get(same) {
        None => Ok(()),
        Some(theirs) => Err(RemakeError::NotTheBase {
            image: image.shown(),
            base: base.shown(),
            layer: same + 1,
            ours: ours.get(same).copied(),
            theirs: *theirs,
        }),
    }
}
