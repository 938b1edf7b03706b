//! `image prune`: what nobody names goes.

use std::collections::BTreeSet;

use super::filter::Filters;
use super::images::images;
use super::remove::{Event, Stacks};
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

/// Removes all images without a name, or with `all` the others, too, as far as the filters mean them, and whatever no
/// image needs. As long as an image that stays cannot be read, nobody knows what it needs, and nothing is removed.
pub fn prune(context: &Context, all: bool, filters: &Filters) -> Result<Report, Error> {
    let alone = context.store.lock_exclusive()?;
    let before = context.store.catalog()?;
    let mut after = before.clone();
    let mut stacks = Stacks::of(context, &before);
    let mut events = Vec::new();
    let dangling_only = filters.dangling().unwrap_or(!all);
    for record in images(context)?.images {
        let (id, targets): (_, BTreeSet<Digest>) = (record.id, record.targets.iter().copied().collect());
        // What others were committed on goes with the last of them.
        if dangling_only && (!record.is_dangling() || record.is_intermediate) {
            continue;
        }
        let names = record.names.clone();
        if filters.apply(record).is_some() {
            events.extend(names.iter().map(|(name, _)| Event::Untagged(name.familiar())));
            events.push(Event::DeletedImage(id));
            for target in &targets {
                after.remove(target);
                events.extend(stacks.free(target).into_iter().map(Event::DeletedLayer));
            }
        }
    }
    let reachable = context.store.reachable(&after)?;
    context.store.replace(&alone, &after)?;
    let garbage = context.store.sweep(&alone, &reachable)?;
    Ok(Report { events, bytes: garbage.bytes })
}
