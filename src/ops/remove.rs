//! `rmi`: names go, and with its last name an image, and with the images the layers that no other needs.

use std::collections::BTreeSet;

use super::{Context, Error, Found};
use crate::oci::{ChainId, ImageId, Reference};
use crate::store::{Catalog, Guard};

/// What happened, in order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// An image lost this name.
    Untagged(String),
    /// An image is gone.
    DeletedImage(ImageId),
    /// A stack of layers is gone with it.
    DeletedLayer(ChainId),
}

/// How much may be removed.
#[derive(Debug, Clone, Copy, Default)]
pub struct Options {
    /// An image that several repositories name goes, too.
    pub force: bool,
    /// An image that loses its last name stays.
    pub keep_untagged: bool,
}

/// Removes each of the images that were typed; one that cannot be removed does not keep the others.
pub fn remove(context: &Context, typed: &[String], options: Options) -> Result<Vec<Result<Vec<Event>, Error>>, Error> {
    let alone = context.store.lock_exclusive()?;
    Ok(typed.iter().map(|typed| remove_one(context, &alone, typed, options)).collect())
}

fn remove_one(context: &Context, alone: &Guard, typed: &str, options: Options) -> Result<Vec<Event>, Error> {
    let before = context.store.catalog()?;
    let found = context.find_in_store(&before, typed)?;
    let names = doomed(&found, options)?;
    let mut after = before.clone();
    let mut events = Vec::new();
    for name in &names {
        after.untag(name, true);
        events.push(Event::Untagged(name.familiar()));
    }
    let Some(descriptor) = &found.descriptor else { return Ok(events) };
    let nameless = after.leading_to(&descriptor.digest).all(|entry| entry.name.is_none());
    if nameless && !options.keep_untagged {
        after.remove(&descriptor.digest);
    }
    let freed = freed_chains(context, &before, &after);
    // As long as an image that stays cannot be read, nobody knows what it needs, and all blobs stay.
    let reachable = context.store.reachable(&after).ok();
    context.store.replace(alone, &after)?;
    if nameless && !options.keep_untagged {
        if let Some(image) = found.tree.default_image(&context.host) {
            events.push(Event::DeletedImage(image.id()));
        }
        events.extend(freed.into_iter().map(Event::DeletedLayer));
        reachable.map(|reachable| context.store.sweep(alone, &reachable)).transpose()?;
    }
    Ok(events)
}

/// The names to take away: the one that was typed, or all of an image that was typed by its id.
fn doomed(found: &Found, options: Options) -> Result<Vec<Reference>, Error> {
    if !found.names.is_empty() {
        return Ok(found.names.clone());
    }
    if found.all_names.len() > 1 && !options.force {
        let id = found.tree.images().first().map(|image| image.id().short().to_string()).unwrap_or_default();
        return Err(Error::Conflict { id, names: found.all_names.clone() });
    }
    Ok(found.all_names.clone())
}

/// The stacks of layers that only images of `before` have, the tallest first.
pub(super) fn freed_chains(context: &Context, before: &Catalog, after: &Catalog) -> Vec<ChainId> {
    let chains = |catalog: &Catalog| {
        let (mut chains, mut seen) = (Vec::new(), BTreeSet::new());
        for entry in catalog.entries().iter().filter(|entry| seen.insert(entry.descriptor.digest)) {
            let Ok(tree) = context.store.tree(entry) else { continue };
            for image in tree.images() {
                chains.push(ChainId::of(&image.config.value().rootfs.diff_ids));
            }
        }
        chains
    };
    let kept: BTreeSet<ChainId> = chains(after).into_iter().flatten().collect();
    let mut freed = Vec::new();
    for chain in chains(before) {
        for stack in chain.into_iter().rev() {
            if !kept.contains(&stack) && !freed.contains(&stack) {
                freed.push(stack);
            }
        }
    }
    freed
}
