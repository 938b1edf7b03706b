//! `rmi`: removes names, images with their last name, and the layers that no other image needs.
//!
//! A name is removed whatever it leads to; the image stays if it has other names or children. An ID means the image
//! with all its names: it is refused if the image has children, and without `force` if it has more than one name.

pub use super::family::RemovalEvent;
use super::family::{Family, MemberId};
use super::find::no_such_image;
use super::{Context, Error};
use crate::oci::{Digest, Reference};
use crate::store::{Catalog, Guard, Links};

/// Options of `rmi`.
#[derive(Debug, Clone, Copy, Default)]
pub struct RemoveOptions {
    /// Remove an image even if it has names in several repositories.
    pub force: bool,
    /// Keep parents without a name.
    pub keep_parents: bool,
    /// Report what would be removed, without removing it.
    pub dry_run: bool,
}

/// Removes each of the images that were typed; one that cannot be removed does not stop the others. All are removed in
/// one step.
pub fn remove(
    context: &Context,
    typed: &[String],
    options: RemoveOptions,
) -> Result<Vec<Result<Vec<RemovalEvent>, Error>>, Error> {
    let is_there = context.store.root().exists();
    let alone = if is_there && !options.dry_run { Some(context.store.lock_exclusive()?) } else { None };
    let mut catalog = Catalog::clone(&*context.store.catalog()?);
    let mut family = Family::read(context, &catalog);
    let mut results: Vec<Result<Vec<RemovalEvent>, Error>> =
        typed.iter().map(|typed| remove_one(&mut family, typed, options)).collect();
    for (typed, result) in typed.iter().zip(&mut results) {
        // An image that was refused may have been removed along with the others since.
        let went_along = |family: &Family| matches!(aim(family, typed), Ok(Aim::Id(place)) if family.went_along(place));
        if matches!(result, Err(Error::DependentChildren { .. })) && went_along(&family) {
            *result = Ok(Vec::new());
        }
    }
    let before = catalog.clone();
    family.apply(&mut catalog);
    if family.deletes() {
        // What is about an image goes with it. If a manifest cannot be read, it is not known what that is.
        let gone = context.store.collect_referrers(&Links::default(), &before, &mut catalog).unwrap_or_default();
        let last = results.iter_mut().rev().find_map(|result| result.as_mut().ok());
        if let Some(events) = last {
            events.extend(gone.iter().map(|name| RemovalEvent::Untagged(name.familiar())));
        }
    }
    if let Some(alone) = alone {
        carry_out(context, &alone, &catalog, family.deletes())?;
    }
    Ok(results)
}

fn carry_out(context: &Context, alone: &Guard, after: &Catalog, deletes: bool) -> Result<(), Error> {
    // If an image that stays cannot be read, the blobs that it needs are unknown, and all blobs stay.
    let reachable = if deletes { context.store.reachable(after).ok() } else { None };
    context.store.replace(alone, after)?;
    if let Some(reachable) = reachable {
        context.store.sweep(alone, &reachable)?;
    }
    Ok(())
}

/// What a person typed to be removed.
enum Aim {
    /// Names of one image.
    Names(MemberId, Vec<Reference>),
    /// A name from another tool.
    Foreign(MemberId),
    /// An image by its ID.
    Id(MemberId),
}

fn remove_one(family: &mut Family, typed: &str, options: RemoveOptions) -> Result<Vec<RemovalEvent>, Error> {
    let mut events = Vec::new();
    let place = match aim(family, typed)? {
        Aim::Names(place, names) => {
            for name in &names {
                family.untag(name, &mut events);
            }
            place
        }
        Aim::Foreign(place) => {
            family.untag_foreign(typed, &mut events);
            place
        }
        // It may have been removed with its last child.
        Aim::Id(place) if family.went_along(place) => return Ok(events),
        Aim::Id(place) => {
            check_conflicts(family, place, options)?;
            family.untag_all(place, &mut events);
            place
        }
    };
    family.delete(place, options.keep_parents, &mut events);
    Ok(events)
}

/// Checks what prevents the removal of an image by its ID.
fn check_conflicts(family: &Family, place: MemberId, options: RemoveOptions) -> Result<(), Error> {
    let id = family.short_id(place);
    let children = family.children(place);
    if !children.is_empty() {
        return Err(Error::DependentChildren { id, children });
    }
    let mut names: Vec<String> = family.names(place).iter().map(Reference::familiar).collect();
    names.extend(family.foreign_names(place));
    if names.len() > 1 && !options.force {
        return Err(Error::Conflict { id, names });
    }
    Ok(())
}

/// Finds what is meant as [`Context::find_in_store`] does: a whole ID, then a name, then the beginning of an ID. By
/// name, even an unreadable image is found.
fn aim(family: &Family, typed: &str) -> Result<Aim, Error> {
    let missing = || no_such_image(typed);
    if let Ok(digest) = typed.parse::<Digest>() {
        return family.by_hex(&digest.hex(), typed)?.map(Aim::Id).ok_or_else(missing);
    }
    let parsed = typed.parse::<Reference>();
    if let Ok(name) = &parsed {
        let tagged = name.clone().with_default_tag();
        if let Some(place) = family.named(&tagged) {
            return Ok(Aim::Names(place, vec![tagged]));
        }
        let names = name.digest().map(|digest| family.names_at(name, digest)).unwrap_or_default();
        if let Some(place) = names.first().and_then(|name| family.named(name)) {
            return Ok(Aim::Names(place, names));
        }
    }
    let hex = typed.strip_prefix("sha256:").unwrap_or(typed);
    // An annotation that says the ID of another image leads nobody to this one.
    if let Ok(id) = format!("sha256:{hex}").parse::<Digest>()
        && let Some(place) = family.by_hex(&id.hex(), typed)?
    {
        return Ok(Aim::Id(place));
    }
    if let Some(place) = family.foreign(typed) {
        return Ok(Aim::Foreign(place));
    }
    if (1..=64).contains(&hex.len()) && hex.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f')) {
        return family.by_hex(hex, typed)?.map(Aim::Id).ok_or_else(missing);
    }
    parsed?;
    Err(missing())
}
