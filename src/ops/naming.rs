//! Names that images are given.

use super::Error;
use crate::oci::Reference;

/// A name that an image can be given, with its tag.
pub fn checked(name: Reference) -> Result<Reference, Error> {
    if name.digest().is_some() {
        return Err(Error::TagWithDigest);
    }
    if name.familiar_name() == "sha256" {
        return Err(Error::AmbiguousTag);
    }
    Ok(name.with_default_tag())
}
