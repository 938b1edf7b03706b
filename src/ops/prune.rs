//! `image prune`: what nobody names goes.

use super::remove::{Event, freed_chains, sweep};
use super::{Context, Error};
use crate::oci::Digest;

/// What `image prune` did.
#[derive(Debug, Default)]
pub struct Report {
    /// What is gone, in order.
    pub events: Vec<Event>,
    /// How many bytes are free now.
    pub bytes: u64,
}

/// Removes all images for which `doomed` says so, given their top digests, and whatever no image needs.
pub fn prune(context: &Context, doomed: impl Fn(&Digest, bool) -> bool) -> Result<Report, Error> {
    let alone = context.store.lock_exclusive()?;
    let before = context.store.catalog()?;
    let mut after = before.clone();
    let mut events = Vec::new();
    for entry in before.entries() {
        let digest = &entry.descriptor.digest;
        let dangling = before.leading_to(digest).all(|entry| entry.name.is_none()) && !before.has_children(digest);
        if !doomed(&entry.descriptor.digest, dangling) {
            continue;
        }
        if let Some(name) = &entry.name {
            events.push(Event::Untagged(name.familiar()));
        }
        if after.leading_to(&entry.descriptor.digest).next().is_some() {
            after.remove(&entry.descriptor.digest);
            let tree = context.store.tree(entry)?;
            events.extend(tree.default_image(&context.host).map(|image| Event::DeletedImage(image.id())));
        }
    }
    events.extend(freed_chains(context, &before, &after).into_iter().map(Event::DeletedLayer));
    context.store.replace(&alone, &after)?;
    let garbage = sweep(context, &alone, &after)?;
    Ok(Report { events, bytes: garbage.bytes })
}
