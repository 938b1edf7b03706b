//! Where images are copied to.

use std::path::{Path, PathBuf};

use super::source::{SourceImage, named};
use crate::oci::Reference;
use crate::ops::Error;
use crate::ops::copy_error::CopyError;
use crate::ops::location::{Location, Pick};
use crate::ops::naming::checked;

/// Where images are copied to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Destination {
    Registry(Names),
    Store(Names),
    DockerArchive(PathBuf, Option<Reference>),
    OciArchive(PathBuf, Option<Reference>),
    /// The name is what skopeo calls a reference: any text.
    Layout(PathBuf, Option<String>),
}

/// The names that images get.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Names {
    /// This one.
    One(Reference),
    /// Each its own tag in this repository.
    Repository(Reference),
    /// Each the last component of its own name, and its tag, below this.
    Below(String),
}

impl Destination {
    /// Reads what was typed. With `all_tags`, each image keeps its tag.
    pub(super) fn parse(typed: &str, all_tags: bool) -> Result<Self, Error> {
        match Location::parse(typed, Path::exists) {
            Location::Registry(name) => Ok(Self::Registry(Names::parse(&name, typed, all_tags)?)),
            Location::Store(name) => Ok(Self::Store(Names::parse(&name, typed, all_tags)?)),
            Location::DockerArchive(path, pick) => {
                Ok(Self::DockerArchive(path_of(path, typed)?, name_of(&pick, typed, all_tags)?))
            }
            Location::OciArchive(path, pick) => {
                Ok(Self::OciArchive(path_of(path, typed)?, name_of(&pick, typed, all_tags)?))
            }
            Location::Layout(path, pick) => {
                let name = match pick {
                    Pick::Only => None,
                    Pick::Name(_) if all_tags => return Err(CopyError::Tagged { to: typed.to_owned() }.into()),
                    Pick::Name(name) => Some(name),
                    Pick::At(_) => return Err(CopyError::Place { typed: typed.to_owned() }.into()),
                };
                Ok(Self::Layout(path_of(path, typed)?, name))
            }
            Location::Path(..) => Err(CopyError::WhichKind { typed: typed.to_owned() }.into()),
        }
    }

    /// The archive, if it is one.
    pub(super) fn archive(&self) -> Option<&Path> {
        match self {
            Self::DockerArchive(path, _) | Self::OciArchive(path, _) => Some(path),
            Self::Registry(_) | Self::Store(_) | Self::Layout(..) => None,
        }
    }

    /// Whether it can take so many images.
    pub(super) fn check_count(&self, count: usize, typed: &str) -> Result<(), Error> {
        let takes_one = match self {
            Self::Registry(Names::One(_)) | Self::Store(Names::One(_)) => true,
            Self::DockerArchive(_, name) | Self::OciArchive(_, name) => name.is_some(),
            Self::Layout(_, name) => name.is_some(),
            Self::Registry(_) | Self::Store(_) => false,
        };
        if takes_one && count > 1 {
            return Err(CopyError::Several { count, to: typed.to_owned() }.into());
        }
        Ok(())
    }
}

impl Names {
    fn parse(name: &str, typed: &str, all_tags: bool) -> Result<Self, Error> {
        if let Some(above) = name.strip_suffix('/') {
            // Whatever comes below, this has to be the beginning of a name.
            named(&format!("{above}/x"), typed)?;
            return Ok(Self::Below(above.to_owned()));
        }
        let name = named(name, typed)?;
        if all_tags && !name.is_name_only() {
            return Err(CopyError::Tagged { to: typed.to_owned() }.into());
        }
        Ok(if all_tags { Self::Repository(name) } else { Self::One(name.with_default_tag()) })
    }

    /// The name that an image gets. Without a tag of its own, it is put there by its digest.
    pub(super) fn of(&self, source: &SourceImage) -> Result<Reference, Error> {
        let own = || source.name().ok_or_else(|| Error::from(CopyError::Nameless { from: source.shown() }));
        let repository = match self {
            Self::One(name) => return Ok(name.clone()),
            Self::Repository(repository) => repository.clone(),
            Self::Below(above) => {
                let last = own()?.repository().rsplit('/').next().unwrap_or_default().to_owned();
                format!("{above}/{last}").parse()?
            }
        };
        match (own()?.tag(), own()?.digest()) {
            (Some(tag), _) => Ok(repository.with_tag(tag)?),
            (None, _) => Ok(repository),
        }
    }

    /// The same for the store, where a name has a tag.
    pub(super) fn in_store(&self, source: &SourceImage) -> Result<Reference, Error> {
        checked(self.of(source)?)
    }
}

fn path_of(path: PathBuf, typed: &str) -> Result<PathBuf, Error> {
    if path.as_os_str().is_empty() {
        return Err(CopyError::NoPath { typed: typed.to_owned() }.into());
    }
    Ok(path)
}

fn name_of(pick: &Pick, typed: &str, all_tags: bool) -> Result<Option<Reference>, Error> {
    match pick {
        Pick::Only => Ok(None),
        Pick::Name(_) if all_tags => Err(CopyError::Tagged { to: typed.to_owned() }.into()),
        Pick::Name(name) => Ok(Some(checked(named(name, typed)?)?)),
        Pick::At(_) => Err(CopyError::Place { typed: typed.to_owned() }.into()),
    }
}
