//! `push`: images of the store go to their registries.
//!
//! ```text
//! a name ─▶ the image under it ─▶ outgoing::prepare ─▶ blobs, several at a time ─▶ manifests ─▶ index
//!                                                        HEAD, mount, or upload
//! ```
//!
//! Blobs go as they are stored. But layers that are stored uncompressed, as those of images that came from docker's
//! archives, are compressed on their way; what they become is remembered. The manifest that imgtool has made around them
//! is then made anew; one that came from elsewhere goes out byte for byte.

mod blobs;
mod event;
mod plan;

use super::{Context, Error};
use crate::image::Progress;
use crate::oci::{Digest, Reference};
use crate::registry::Repository;
use blobs::Sender;
pub use event::{LayerState, PushEvent, PushOptions, PushedImage, Tell};
use plan::Plan;

/// Pushes the image of each name.
pub fn push(
    context: &Context,
    names: &[Reference],
    options: &PushOptions,
    tell: Tell<'_>,
    progress: &dyn Progress,
) -> Result<Vec<PushedImage>, Error> {
    let mut pushed = Vec::new();
    let mut told = None;
    for name in names {
        let found = plan::find(context, name)?;
        let repository = context.registries.repository(name)?;
        if told.as_ref() != Some(repository.name()) {
            tell(PushEvent::Repository(repository.name().clone()));
            told = Some(repository.name().clone());
        }
        let plan = Plan::of(context, &found, name, options, &repository, tell)?;
        let image = push_planned(context, &plan, options, &repository, tell, progress)?;
        tell(PushEvent::Pushed(image.clone()));
        pushed.push(image);
    }
    Ok(pushed)
}

/// All names of a repository in the store, for `--all-tags`.
pub fn all_tags(context: &Context, repository: &Reference) -> Result<Vec<Reference>, Error> {
    let catalog = context.store.catalog()?;
    let names = catalog.entries().iter().filter_map(|entry| entry.name.as_ref());
    let mut tags: Vec<Reference> =
        names.filter(|name| name.name() == repository.name() && name.tag().is_some()).cloned().collect();
    tags.sort();
    if tags.is_empty() {
        return Err(Error::NotInRepository(repository.familiar_name()));
    }
    Ok(tags)
}

fn push_planned(
    context: &Context,
    plan: &Plan,
    options: &PushOptions,
    repository: &Repository,
    tell: Tell<'_>,
    progress: &dyn Progress,
) -> Result<PushedImage, Error> {
    let sender = Sender::new(context, repository, options, tell, progress)?;
    let sent = sender.send(plan)?;
    let is_root = |digest: &Digest| *digest == plan.outgoing.descriptor.digest;
    let mut root = plan.outgoing.descriptor.clone();
    for part in plan.documents() {
        let name = if is_root(&part.descriptor.digest) {
            plan.name.clone()
        } else {
            repository.name().with_digest(part.descriptor.digest)
        };
        let (descriptor, bytes) = plan.document(part, &sent)?;
        let name = if name.tag().is_none() { repository.name().with_digest(descriptor.digest) } else { name };
        repository.put_manifest(&name, &descriptor.media_type, &bytes)?;
        if is_root(&part.descriptor.digest) {
            root = descriptor;
        }
    }
    Ok(PushedImage { name: plan.name.clone(), digest: root.digest, size: root.size })
}
