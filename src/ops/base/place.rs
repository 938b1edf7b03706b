//! Where the base is that an image names.

use std::net::IpAddr;

use crate::oci::{Platform, Reference};
use crate::ops::find::no_such_image;
use crate::ops::remake::Origin;
use crate::ops::{Context, Error, RemakeError};
use crate::registry::RegistryHost;

/// The image that a name which an image gave leads to now: in the store, or else, and if `asks` at once, in its registry.
pub fn now(context: &Context, image: &Origin, name: &Reference, asks: bool) -> Result<Origin, Error> {
    let platform = image.platform();
    if !asks {
        match in_store(context, &name.canonical(), platform.as_ref()) {
            Err(Error::NoSuchImage(_)) => {}
            other => return other,
        }
    }
    in_registry(context, image, name, platform.as_ref())
}

/// The image of a name that an image gave, in the store.
pub fn in_store(context: &Context, name: &str, platform: Option<&Platform>) -> Result<Origin, Error> {
    let mut found = context.find_held(|catalog| Ok(vec![context.find_in_store(catalog, name)?]))?;
    Origin::of(found.pop().ok_or_else(|| no_such_image(name))?, platform, context)
}

/// The image of a name that an image gave, in the registry of that name.
pub(super) fn in_registry(
    context: &Context,
    image: &Origin,
    name: &Reference,
    platform: Option<&Platform>,
) -> Result<Origin, Error> {
    if !may_be_asked(image, name) {
        return Err(RemakeError::NotAsked { registry: name.registry().to_owned() }.into());
    }
    Origin::of(context.find_in_registry(&name.canonical(), platform)?, platform, context)
}

/// Whether a registry may be asked because an image names it: not one at an address or on this machine, which may be any
/// server, unless the image itself is of it.
fn may_be_asked(image: &Origin, name: &Reference) -> bool {
    let host = RegistryHost::of(name);
    let is_own = image.found.names.iter().chain(&image.found.all_names).any(|own| RegistryHost::of(own) == host);
    let bare = host.as_str().rsplit_once(':').map_or(host.as_str(), |(bare, _)| bare);
    let is_address = host.as_str().starts_with('[') || bare.parse::<IpAddr>().is_ok();
    is_own || !(host.is_loopback() || is_address)
}
