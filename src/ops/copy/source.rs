//! The images that are copied: found where they are, those of registries only when their turn comes.

use std::path::Path;

use super::event::CopyOptions;
use crate::image::{Image, ImageTree, select};
use crate::oci::{Descriptor, Digest, Platform, Reference};
use crate::ops::copy_error::CopyError;
use crate::ops::location::Pick;
use crate::ops::{Context, Error, FoundImage, ImagePlace, Location};
use crate::registry::Choice;

/// An image that is to be copied.
pub(super) enum SourceImage {
    /// Of a registry, by its name.
    Remote(Reference),
    /// Of any other place, as it was found, and as it was typed.
    Found(Box<FoundImage>, String),
}

/// What is copied of an image.
pub(super) struct Chosen<'a> {
    /// The manifest or index that leads to it; docker-archives have none.
    pub(super) descriptor: Option<&'a Descriptor>,
    pub(super) tree: &'a ImageTree,
    /// One of its images; an artifact has none.
    pub(super) image: Option<&'a Image>,
}

impl SourceImage {
    /// The images that were typed. Those that are not in registries have been found then.
    pub(super) fn all(context: &Context, typed: &[String], options: &CopyOptions) -> Result<Vec<Self>, Error> {
        let mut sources = Vec::new();
        for typed in typed {
            let location = Location::parse(typed, Path::exists);
            match location {
                _ if options.all_tags => sources.extend(Self::tags(context, typed, location)?),
                Location::Registry(name) => {
                    let name = named(&name, typed)?;
                    let is_exact = name.digest().is_some();
                    let name = if is_exact { name } else { name.with_default_tag() };
                    sources.push(Self::Remote(name));
                }
                _ => {
                    let found = context.find_for(typed, options.platform.as_ref());
                    let mut found = found.map_err(|error| match error {
                        Error::Reference(why) => CopyError::Name { typed: typed.clone(), why }.into(),
                        other => other,
                    })?;
                    keep_asked(&mut found, &location);
                    sources.push(Self::Found(Box::new(found), typed.clone()));
                }
            }
        }
        Ok(sources)
    }

    /// All tags of a repository, or all names in an archive or layout.
    fn tags(context: &Context, typed: &str, location: Location) -> Result<Vec<Self>, Error> {
        if let Location::Registry(name) = location {
            let repository = repository_of(&name)?;
            let tags = context.registries.repository(&repository)?.tags()?;
            return tags.iter().map(|tag| Ok(Self::Remote(repository.with_tag(tag)?))).collect();
        }
        if let Location::Store(name) = &location {
            repository_of(name)?;
        }
        let mut sources = Vec::new();
        for found in context.find_all(typed, None)? {
            for name in &found.names {
                let found = FoundImage { names: vec![name.clone()], ..found.clone() };
                sources.push(Self::Found(Box::new(found), name.familiar()));
            }
        }
        if sources.is_empty() {
            return Err(CopyError::Nameless { from: typed.to_owned() }.into());
        }
        Ok(sources)
    }

    /// The image, with what is chosen of it.
    pub(super) fn found(&self, context: &Context, options: &CopyOptions) -> Result<FoundImage, Error> {
        match self {
            Self::Found(found, _) => Ok((**found).clone()),
            Self::Remote(name) => {
                let choice = match &options.platform {
                    _ if options.all => Choice::All,
                    Some(platform) => Choice::Is(platform.clone()),
                    None => Choice::Fits(context.host.clone()),
                };
                context.find_chosen(&name.canonical(), &choice)
            }
        }
    }

    /// The first of its names.
    pub(super) fn name(&self) -> Option<&Reference> {
        match self {
            Self::Remote(name) => Some(name),
            Self::Found(found, _) => found.names.first(),
        }
    }

    /// Its name in a registry, if that is where it is.
    pub(super) fn remote(&self) -> Option<&Reference> {
        match self {
            Self::Remote(name) => Some(name),
            Self::Found(..) => None,
        }
    }

    /// Its name in messages.
    pub(super) fn shown(&self) -> String {
        match self {
            Self::Remote(name) => format!("docker://{}", name.familiar()),
            Self::Found(_, typed) => typed.clone(),
        }
    }
}

impl<'a> Chosen<'a> {
    /// What is copied of an image: all of an index, or the image for a platform with its manifest only.
    pub(super) fn of(found: &'a FoundImage, options: &CopyOptions, host: &Platform) -> Result<Self, Error> {
        if found.is_only_listed() && !options.all {
            return Err(Error::OnlyListed(found.shown()));
        }
        let descriptor = found.descriptor.as_ref();
        let is_index = matches!(found.tree, ImageTree::Index { .. });
        if found.tree.images().is_empty() || (options.all && is_index) {
            let image = found.tree.default_image(host);
            return Ok(Self { descriptor, tree: &found.tree, image });
        }
        let image = match &options.platform {
            None if is_index && found.place != ImagePlace::Registry => suitable(found, host)?,
            None => found.image(None, host)?,
            Some(platform) => found.image(Some(platform), host)?,
        };
        image.require_complete(|| found.shown())?;
        let digest = image.manifest.as_ref().map(|manifest| *manifest.digest());
        match digest.and_then(|digest| below(&found.tree, &digest)) {
            Some((descriptor, tree)) => Ok(Self { descriptor: Some(descriptor), tree, image: Some(image) }),
            None => Ok(Self { descriptor, tree: &found.tree, image: Some(image) }),
        }
    }

    /// The digest of the first manifest or layer that is not there.
    pub(super) fn missing(&self) -> Option<Digest> {
        self.descriptor.and_then(|descriptor| missing(descriptor, self.tree))
    }
}

/// Of the names that an image has in an archive or layout, the one by which it was asked for.
fn keep_asked(found: &mut FoundImage, location: &Location) {
    let Pick::Name(name) = location.pick() else { return };
    let asked = name.parse::<Reference>().map(Reference::with_default_tag);
    if let Some(asked) = asked.ok().filter(|asked| found.names.contains(asked)) {
        found.names = vec![asked];
    }
}

/// The image of an index that suits the host.
fn suitable<'a>(found: &'a FoundImage, host: &Platform) -> Result<&'a Image, Error> {
    let images = found.tree.images();
    let complete: Vec<&Image> = images.iter().copied().filter(|image| image.is_complete()).collect();
    // What is there alone is what is meant.
    let only = if complete.len() == 1 { complete.first().copied() } else { None };
    select(&complete, host).or(only).ok_or_else(|| Error::OtherPlatform {
        image: found.shown(),
        wanted: Box::new(host.clone()),
        found: images.iter().map(|image| image.platform()).collect(),
    })
}

/// The descriptor in an index that leads to a manifest.
fn below<'a>(tree: &'a ImageTree, digest: &Digest) -> Option<(&'a Descriptor, &'a ImageTree)> {
    let ImageTree::Index { children, .. } = tree else { return None };
    children.iter().find_map(|child| {
        if child.descriptor.digest == *digest {
            return Some((&child.descriptor, &child.tree));
        }
        below(&child.tree, digest)
    })
}

/// The digest of the first manifest or layer below a descriptor that is not there.
pub(super) fn missing(descriptor: &Descriptor, tree: &ImageTree) -> Option<Digest> {
    match tree {
        ImageTree::Absent => Some(descriptor.digest),
        ImageTree::Image(image) => {
            let layer = image.layers.iter().find(|layer| layer.blob.is_none())?;
            Some(layer.descriptor.as_ref().map_or(descriptor.digest, |descriptor| descriptor.digest))
        }
        ImageTree::Index { children, .. } => children.iter().find_map(|child| missing(&child.descriptor, &child.tree)),
        ImageTree::Artifact { blobs, .. } => {
            blobs.iter().find(|(_, blob)| blob.is_none()).map(|(descriptor, _)| descriptor.digest)
        }
        ImageTree::Other(_) => None,
    }
}

/// A name, as part of what was typed.
pub(super) fn named(name: &str, typed: &str) -> Result<Reference, CopyError> {
    name.parse().map_err(|why| CopyError::Name { typed: typed.to_owned(), why })
}

/// A repository: a name without tag and digest.
fn repository_of(typed: &str) -> Result<Reference, Error> {
    let name = typed.parse::<Reference>()?;
    if name.is_name_only() {
        return Ok(name);
    }
    Err(Error::NotARepository { typed: typed.to_owned(), repository: name.familiar_name() })
}
