//! `tag`: another name for an image.

use super::naming::checked;
use super::{Context, Error};
use crate::oci::Reference;

/// Points `target` to the image that `source` names.
pub fn tag(context: &Context, source: &str, target: &str) -> Result<(), Error> {
    let named = |typed: &str| -> Result<Reference, Error> {
        typed.parse().map_err(|source| Error::NotATag { typed: typed.to_owned(), source })
    };
    let target = checked(named(target)?)?;
    if source.is_empty() {
        named(source)?;
    }
    context.store.update(|catalog| {
        let found = context.find_in_store(catalog, source).map_err(|error| match error {
            Error::Reference(why) => Error::NotATag { typed: source.to_owned(), source: why },
            other => other,
        })?;
        if let Some(descriptor) = &found.descriptor {
            catalog.tag(&target, descriptor, false);
        }
        Ok(())
    })?
}
