//! Lists are made of images, and added to.

use super::list::{List, change, existing, list_name};
use super::member::members;
use crate::oci::Reference;
use crate::ops::manifest_error::ManifestError;
use crate::ops::{Context, Error};

/// Makes the list `list` of the images that were typed; with `amend`, they are added to an existing list. An image that
/// the store does not have is looked for in its registry.
pub fn create(context: &Context, list: &str, images: &[String], amend: bool) -> Result<Reference, Error> {
    let name = list_name(list)?;
    change(context, &name, |catalog, quarantine| {
        let mut list = match existing(context, catalog, &name)? {
            Some(_) if !amend => return Err(ManifestError::Exists.into()),
            Some(list) => list,
            None => List::default(),
        };
        for image in images {
            for (entry, source) in members(context, catalog, quarantine, image)? {
                list.put(entry, source);
            }
        }
        Ok(list)
    })?;
    Ok(name)
}
