//! `rmi`: names go, and with its last name an image, and with the images the layers that no other needs.

use std::collections::BTreeSet;

use super::{Context, Error, Found};
use crate::image::Image;
use crate::oci::{ChainId, Digest, ImageId, Reference};
use crate::store::{Catalog, Entry, Guard};

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
    /// What an image was committed on stays, also if it has no name.
    pub keep_parents: bool,
}

/// Removes each of the images that were typed; one that cannot be removed does not keep the others.
pub fn remove(context: &Context, typed: &[String], options: Options) -> Result<Vec<Result<Vec<Event>, Error>>, Error> {
    let alone = context.store.lock_exclusive()?;
    Ok(typed.iter().map(|typed| remove_one(context, &alone, typed, options)).collect())
}

fn remove_one(context: &Context, alone: &Guard, typed: &str, options: Options) -> Result<Vec<Event>, Error> {
    let before = context.store.catalog()?;
    let (names, targets) = aim(context, &before, typed, options)?;
    let mut after = before.clone();
    let mut events = Vec::new();
    if after.untag_foreign(typed) {
        events.push(Event::Untagged(typed.to_owned()));
    }
    for name in &names {
        after.untag(name, true);
        events.push(Event::Untagged(name.familiar()));
    }
    let mut deleted = false;
    for target in targets {
        let mut next = Some(target);
        while let Some(digest) = next {
            next = delete(context, &mut after, &digest, &mut events).filter(|_| !options.keep_parents);
            deleted |= !after.leads_to(&digest);
        }
    }
    // As long as an image that stays cannot be read, nobody knows what it needs, and all blobs stay.
    let reachable = context.store.reachable(&after).ok();
    context.store.replace(alone, &after)?;
    if let (true, Some(reachable)) = (deleted, reachable) {
        context.store.sweep(alone, &reachable)?;
    }
    Ok(events)
}

/// Deletes an image that has no name and on which no other was committed; gives what it was committed on itself, as that
/// may have been waiting for it.
fn delete(context: &Context, catalog: &mut Catalog, digest: &Digest, events: &mut Vec<Event>) -> Option<Digest> {
    let is_nameless = catalog.leading_to(digest).all(Entry::is_nameless);
    let entry = catalog.leading_to(digest).next().cloned()?;
    if !is_nameless || catalog.has_children(digest) {
        return None;
    }
    let before = catalog.clone();
    catalog.remove(digest);
    // One that is damaged has no id to tell, but can go.
    let tree = context.store.tree(&entry).ok();
    let image = tree.as_ref().and_then(|tree| tree.default_image(&context.host));
    // Another manifest may lead to the same image.
    let gone = image.map(Image::id).filter(|id| context.names_of(catalog, id).is_empty());
    events.extend(gone.map(Event::DeletedImage));
    events.extend(freed_chains(context, &before, catalog).into_iter().map(Event::DeletedLayer));
    entry.parent()
}

/// The names to take away, and the manifests and indexes that they lead to. An image that is called by its name need not be readable.
fn aim(
    context: &Context,
    catalog: &Catalog,
    typed: &str,
    options: Options,
) -> Result<(Vec<Reference>, Vec<Digest>), Error> {
    let name = typed.parse::<Reference>().ok().filter(|_| typed.parse::<Digest>().is_err());
    if let Some(entry) = name.and_then(|name| catalog.find(&name.with_default_tag())) {
        return Ok((entry.name.iter().cloned().collect(), vec![entry.descriptor.digest]));
    }
    if let Some(entry) = catalog.find_foreign(typed) {
        return Ok((Vec::new(), vec![entry.descriptor.digest]));
    }
    let found = context.find_in_store(catalog, typed)?;
    let id = found.image(None, &context.host)?.id();
    let targets: BTreeSet<Digest> =
        context.entries_of(catalog, &id).into_iter().map(|entry| entry.descriptor.digest).collect();
    let all_names = context.names_of(catalog, &id);
    Ok((doomed(&found, id, all_names, options)?, targets.into_iter().collect()))
}

/// The names to take away: the one that was typed, or all of an image that was typed by its id.
fn doomed(found: &Found, id: ImageId, names: Vec<Reference>, options: Options) -> Result<Vec<Reference>, Error> {
    if !found.names.is_empty() {
        return Ok(found.names.clone());
    }
    if names.len() > 1 && !options.force {
        return Err(Error::Conflict { id: id.short().to_string(), names });
    }
    Ok(names)
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
