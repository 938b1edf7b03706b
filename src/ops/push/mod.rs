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

mod event;

use std::sync::Mutex;

use super::sending::{Outbox, Plan, SendOptions, Sender, has_rest};
use super::several::{self, ImageProgress, InOrder};
use super::{Context, Error, FoundImage};
use crate::image::{ImageTree, Progress};
use crate::oci::{Descriptor, Reference};
use crate::registry::Repository;
pub use event::{LayerState, PushEvent, PushOptions, PushedImage, Tell};

/// Pushes the image of each name; several at once, with one pool of workers. What is told comes in the order of the
/// names; an error of one does not keep the others.
pub fn push(
    context: &Context,
    names: &[Reference],
    options: &PushOptions,
    tell: Tell<'_>,
    progress: &dyn Progress,
) -> Vec<Result<PushedImage, Error>> {
    let outbox = Outbox::new(context, SendOptions { compress: options.compress, jobs: options.jobs });
    let repository = Mutex::new(None);
    // Several tags of a repository are told below it.
    let tell = |(place, event)| match &event {
        PushEvent::Repository(name) => {
            let mut told = repository.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
            if told.replace(name.clone()).as_ref() != Some(name) {
                tell(place, event);
            }
        }
        _ => tell(place, event),
    };
    let order = InOrder::new(&tell);
    several::each(names, options.jobs, |place, name| {
        let progress = ImageProgress::new(progress, place, name.familiar(), "push");
        let tell = |event| order.tell(place, (place, event));
        tell(PushEvent::Begun);
        let pushed = push_one(&outbox, context, name, options, &tell, &progress);
        if let Ok(image) = &pushed {
            progress.is_done(&image.digest);
            tell(PushEvent::Pushed(image.clone()));
        }
        order.end(place);
        pushed
    })
}

/// Is told what happens to one image.
type TellOne<'a> = &'a (dyn Fn(PushEvent) + Sync);

fn push_one(
    outbox: &Outbox<'_>,
    context: &Context,
    name: &Reference,
    options: &PushOptions,
    tell: TellOne<'_>,
    progress: &dyn Progress,
) -> Result<PushedImage, Error> {
    several::check(context, &name.familiar())?;
    let found = find(context, name)?;
    let repository = context.registries.repository(name)?;
    tell(PushEvent::Repository(repository.name().clone()));
    let plan = plan(context, &found, name, options, &repository, tell)?;
    let tell_layer = |diff_id, state| tell(PushEvent::Layer(diff_id, state));
    let Descriptor { digest, size, .. } = Sender::new(outbox, &repository, &tell_layer, progress).send(&plan)?;
    Ok(PushedImage { name: name.clone(), digest, size })
}

/// All names of a repository in the store, for `--all-tags`.
pub fn all_tags(context: &Context, repository: &Reference) -> Result<Vec<Reference>, Error> {
    let catalog = context.store.catalog()?;
    let names = catalog.entries().iter().filter_map(|entry| entry.name.as_ref());
    let mut tags: Vec<Reference> =
        names.filter(|name| name.name() == repository.name() && name.tag().is_some()).cloned().collect();
    tags.sort();
    if tags.is_empty() {
        return Err(Error::NoLocalTag(repository.familiar_name()));
    }
    Ok(tags)
}

/// The image of that name in the store, in docker's words if there is none.
fn find(context: &Context, name: &Reference) -> Result<FoundImage, Error> {
    context.find(&name.canonical()).map_err(|error| match error {
        Error::NoSuchImage(_) => match all_tags(context, name) {
            Ok(_) => Error::NoSuchTag(name.familiar()),
            Err(error) => error,
        },
        other => other,
    })
}

/// Plans what goes out. Of an image for several platforms of which the store does not have all, and the registry
/// neither, only the one goes out that suits the host.
fn plan(
    context: &Context,
    found: &FoundImage,
    name: &Reference,
    options: &PushOptions,
    repository: &Repository,
    tell: TellOne<'_>,
) -> Result<Plan, Error> {
    let image = found.image(options.platform.as_ref(), &context.host)?;
    image.require_complete(|| found.shown())?;
    let index = match (&found.tree, &found.descriptor) {
        (ImageTree::Index { .. }, Some(descriptor)) if options.platform.is_none() => Some(descriptor),
        _ => None,
    };
    let whole = match index {
        Some(_) => has_rest(&found.tree, repository)?,
        None => false,
    };
    if let (Some(index), false, Some(manifest)) = (index, whole, &image.manifest) {
        tell(PushEvent::OnlyPlatform(index.digest, *manifest.digest()));
    }
    Plan::prepared(context, found, name, image, index.filter(|_| whole))
}
