//! Lists go to registries.
//!
//! ```text
//! each image ─┬─ there already ──────────────────────────────────── nothing
//!             ├─ whole in the store ─────────── sent as push does ─┐
//!             └─ in another repository there ── mounted, or copied ┴─▶ the list, under its name
//! ```
//!
//! Nothing is sent before all images of the list are known to be somewhere.

use std::io::{self, Read};
use std::path::Path;
use std::sync::Arc;

use super::list::{Sources, list_name};
use crate::image::outgoing::Recode;
use crate::image::{Blob, Child, ImageTree, Progress, Reopen};
use crate::oci::{Descriptor, Digest, Document, Index, Reference};
use crate::ops::manifest_error::ManifestError;
use crate::ops::sending::{Outbox, Plan, SendOptions, Sender, has_manifest};
use crate::ops::{Context, Error, Location};
use crate::registry::{RegistryHost, Repository};

/// How lists are pushed.
#[derive(Debug, Clone, Copy)]
pub struct ListOptions {
    /// How many blobs are sent at a time.
    pub jobs: usize,
}

/// Is told of each image that is in the repository now: its repository and digest.
pub type Tell<'a> = &'a dyn Fn(&Reference);

/// Pushes a list to its registry, or under the name `to`. Returns its digest.
pub fn push(
    context: &Context,
    list: &str,
    to: Option<&str>,
    options: &ListOptions,
    tell: Tell<'_>,
    progress: &dyn Progress,
) -> Result<Digest, Error> {
    let name = list_name(list)?;
    // What it finds is held until all is sent.
    let _held = context.find(&name.canonical()).map_err(|error| match error {
        Error::NoSuchImage(_) => ManifestError::NoList(name.canonical()).into(),
        other => other,
    })?;
    let catalog = context.store.catalog()?;
    let entry = catalog.find(&name).ok_or_else(|| ManifestError::NoList(name.canonical()))?;
    let ImageTree::Index { document, children } = &context.store.documents(entry)? else {
        return Err(ManifestError::NotAList(name.familiar()).into());
    };
    let descriptor = &entry.descriptor;
    let target = to.map_or(Ok(name.clone()), destination)?;
    let sources = Sources::of(descriptor);
    let routes = children.iter().map(|child| Ok((child, Route::of(child, &sources, &target)?)));
    let routes: Vec<(&Child, Route)> = routes.collect::<Result<_, Error>>()?;
    // Layers go as they are stored.
    let outbox = Outbox::new(context, SendOptions { compress: Recode::Unpack, jobs: options.jobs });
    let push = Push { context, outbox, repository: context.registries.repository(&target)?, progress };
    let there = routes.iter().map(|(child, route)| push.is_there(child, route));
    let there: Vec<bool> = there.collect::<Result<_, Error>>()?;
    for ((child, route), is_there) in routes.iter().zip(there) {
        if !is_there {
            push.send(child, route, &name)?;
        }
        let is_own = sources.get(&child.descriptor.digest).is_some_and(|source| source.name.name() == target.name());
        if !(is_there && is_own) {
            tell(&target.without_tag().with_digest(child.descriptor.digest));
        }
    }
    push.list(document, descriptor, &target)?;
    Ok(descriptor.digest)
}

/// The name in a registry that was typed as the destination.
fn destination(typed: &str) -> Result<Reference, Error> {
    match Location::parse(typed, Path::exists) {
        Location::Registry(name) | Location::Store(name) => list_name(&name),
        _ => Err(ManifestError::Destination(typed.to_owned()).into()),
    }
}

/// From where an image comes that is not in the repository yet.
enum Route {
    /// From the store, which has all of it.
    Store,
    /// From another repository of the registry.
    Repository(Reference),
    /// From nowhere: it has to be there.
    Nowhere,
}

impl Route {
    /// As docker, refuses an image of another registry, unless the store has it.
    fn of(child: &Child, sources: &Sources, target: &Reference) -> Result<Self, Error> {
        let source = sources.get(&child.descriptor.digest);
        if let Some(source) = source
            && child.descriptor.platform.as_ref().is_none_or(crate::oci::Platform::is_blank)
        {
            return Err(ManifestError::NoPlatform(source.name.canonical()).into());
        }
        match source.map(|source| &source.name) {
            _ if child.tree.is_whole() => Ok(Self::Store),
            None => Ok(Self::Nowhere),
            Some(source) if RegistryHost::of(source) != RegistryHost::of(target) => Err(ManifestError::OtherRegistry {
                source_registry: source.registry().to_owned(),
                target: target.registry().to_owned(),
            }
            .into()),
            Some(source) if source.name() == target.name() => Ok(Self::Nowhere),
            Some(source) => Ok(Self::Repository(source.clone())),
        }
    }
}

/// A list on its way.
struct Push<'a> {
    context: &'a Context,
    outbox: Outbox<'a>,
    repository: Repository,
    progress: &'a dyn Progress,
}

impl Push<'_> {
    /// Whether an image is in the repository. One that comes from nowhere has to be.
    fn is_there(&self, child: &Child, route: &Route) -> Result<bool, Error> {
        let digest = child.descriptor.digest;
        let is_there = has_manifest(&self.repository, &digest)?;
        if !is_there && matches!(route, Route::Nowhere) {
            let repository = self.repository.name().familiar();
            return Err(ManifestError::NotHere { image: digest.to_string(), repository }.into());
        }
        Ok(is_there)
    }

    /// Sends an image, byte for byte.
    fn send(&self, child: &Child, route: &Route, list: &Reference) -> Result<(), Error> {
        let shown = format!("{} of {}", child.descriptor.digest.short(), list.familiar());
        let mut sender = Sender::new(&self.outbox, &self.repository, &|_, _| {}, self.progress);
        let mut tree = child.tree.clone();
        if let Route::Repository(source) = route {
            sender = sender.coming_from(source);
            complete(&mut tree, &self.context.registries.repository(source)?);
        }
        let name = self.repository.name();
        let plan = Plan::unchanged(self.context, &shown, name, (&child.descriptor, &tree));
        sender.send(&plan).map(drop)
    }

    /// Puts the list under its name, if it is not there.
    fn list(&self, document: &Document<Index>, list: &Descriptor, target: &Reference) -> Result<(), Error> {
        if self.repository.digest(target).is_ok_and(|there| there == Some(list.digest)) {
            return Ok(());
        }
        Ok(self.repository.put_manifest(target, &list.media_type, document.bytes())?)
    }
}

/// Lets what is missing of an image come from a repository.
fn complete(tree: &mut ImageTree, source: &Repository) {
    let far = |descriptor: &Descriptor| {
        let blob = Far { source: source.clone(), descriptor: descriptor.clone() };
        Blob::stream(Arc::new(blob), descriptor.size)
    };
    match tree {
        ImageTree::Image(image) => {
            for layer in image.layers.iter_mut().filter(|layer| layer.blob.is_none()) {
                layer.blob = layer.descriptor.as_ref().map(far);
            }
        }
        ImageTree::Artifact { blobs, .. } => {
            for (descriptor, blob) in blobs.iter_mut().filter(|(_, blob)| blob.is_none()) {
                *blob = Some(far(descriptor));
            }
        }
        ImageTree::Index { .. } | ImageTree::Other(_) | ImageTree::Absent => {}
    }
}

/// A blob of another repository, which is fetched only if it cannot be mounted.
struct Far {
    source: Repository,
    descriptor: Descriptor,
}

impl Reopen for Far {
    fn reopen(&self) -> io::Result<Box<dyn Read + Send>> {
        self.pass_on(0)
    }

    fn pass_on(&self, offset: u64) -> io::Result<Box<dyn Read + Send>> {
        let stream = self.source.blob(&self.descriptor, offset).map_err(io::Error::other)?;
        Ok(Box::new(stream))
    }
}
