//! `tag`: another name for an image.

use super::{Context, Error};
use crate::oci::Reference;

/// Lets `target` lead to the image that `source` names.
pub fn tag(context: &Context, source: &str, target: &str) -> Result<(), Error> {
    let target: Reference = target.parse()?;
    if target.digest().is_some() {
        return Err(Error::TagWithDigest);
    }
    if target.familiar_name() == "sha256" {
        return Err(Error::AmbiguousTag);
    }
    let target = target.with_default_tag();
    context.store.update(|catalog| {
        let found = context.find_in_store(catalog, source)?;
        if let Some(descriptor) = &found.descriptor {
            catalog.tag(&target, descriptor, false);
        }
        Ok(())
    })?
}
