//! `rmi`: names go, and with its last name an image, and with the images the layers that no other needs.

use std::collections::BTreeSet;

use super::{Context, Error, Found};
use crate::oci::{ChainId, Descriptor, Digest, ImageId, Reference};
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
    /// An image that loses its last name stays.
    pub keep_untagged: bool,
    /// Nothing is removed, but all is told.
    pub dry_run: bool,
}

/// Removes each of the images that were typed; one that cannot be removed does not keep the others.
pub fn remove(context: &Context, typed: &[String], options: Options) -> Result<Vec<Result<Vec<Event>, Error>>, Error> {
    if options.dry_run {
        let mut catalog = context.store.catalog()?;
        return Ok(typed
            .iter()
            .map(|typed| plan(context, &mut catalog, typed, options).map(|plan| plan.events))
            .collect());
    }
    let alone = context.store.lock_exclusive()?;
    Ok(typed.iter().map(|typed| remove_one(context, &alone, typed, options)).collect())
}

fn remove_one(context: &Context, alone: &Guard, typed: &str, options: Options) -> Result<Vec<Event>, Error> {
    let mut after = context.store.catalog()?;
    let Plan { events, deletes } = plan(context, &mut after, typed, options)?;
    // As long as an image that stays cannot be read, nobody knows what it needs, and all blobs stay.
    let reachable = context.store.reachable(&after).ok();
    context.store.replace(alone, &after)?;
    if let (true, Some(reachable)) = (deletes, reachable) {
        context.store.sweep(alone, &reachable)?;
    }
    Ok(events)
}

/// What removing one image comes to.
struct Plan {
    events: Vec<Event>,
    /// Whether blobs are not needed any more.
    deletes: bool,
}

/// Removes an image from a catalog.
fn plan(context: &Context, catalog: &mut Catalog, typed: &str, options: Options) -> Result<Plan, Error> {
    let (names, descriptor) = aim(context, catalog, typed, options)?;
    let mut events = Vec::new();
    if catalog.untag_foreign(typed) {
        events.push(Event::Untagged(typed.to_owned()));
    }
    for name in &names {
        catalog.untag(name, true);
        events.push(Event::Untagged(name.familiar()));
    }
    let mut deletes = false;
    let mut next = descriptor.filter(|_| !options.keep_untagged).map(|descriptor| descriptor.digest);
    while let Some(digest) = next {
        next = delete(context, catalog, &digest, &mut events);
        deletes |= !catalog.leads_to(&digest);
    }
    Ok(Plan { events, deletes })
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
    events.extend(image.map(|image| Event::DeletedImage(image.id())));
    events.extend(freed_chains(context, &before, catalog).into_iter().map(Event::DeletedLayer));
    entry.parent()
}

/// The names to take away, and what they lead to. An image that is called by its name need not be readable.
fn aim(
    context: &Context,
    catalog: &Catalog,
    typed: &str,
    options: Options,
) -> Result<(Vec<Reference>, Option<Descriptor>), Error> {
    let name = typed.parse::<Reference>().ok().filter(|_| typed.parse::<Digest>().is_err());
    if let Some(entry) = name.and_then(|name| catalog.find(&name.with_default_tag())) {
        return Ok((entry.name.iter().cloned().collect(), Some(entry.descriptor.clone())));
    }
    if let Some(entry) = catalog.find_foreign(typed) {
        return Ok((Vec::new(), Some(entry.descriptor.clone())));
    }
    let found = context.find_in_store(catalog, typed)?;
    Ok((doomed(&found, options)?, found.descriptor))
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
