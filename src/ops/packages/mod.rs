//! `packages`: what is installed in an image, as a list or as a bill of materials.

pub mod bill;
mod cyclonedx;
mod spdx;

pub use bill::Bill;
pub use cyclonedx::document as cyclonedx;
pub use spdx::document as spdx;

use super::glob;
use super::installed::{Installed, installed};
use super::look::Look;
use super::{Context, Error};
use crate::image::Progress;
use crate::oci::Platform;
use crate::packages::Kind;

/// Which packages.
#[derive(Debug, Clone, Default)]
pub struct PackagesOptions {
    /// The types; all if there are none.
    pub kinds: Vec<Kind>,
    /// Patterns for names, of which one must match; all if there are none.
    pub names: Vec<String>,
}

/// The packages of the image that was typed, and the image.
pub fn packages(
    context: &Context,
    typed: &str,
    platform: Option<&Platform>,
    options: &PackagesOptions,
    progress: &dyn Progress,
) -> Result<(Look, Installed), Error> {
    if !options.names.iter().all(|pattern| glob::is_pattern(pattern)) {
        return Err(Error::Pattern);
    }
    let look = Look::open(context, typed, platform, progress)?;
    let mut found = installed(context, &look, &options.kinds, progress)?;
    let is_wanted = |name: &str| options.names.iter().any(|pattern| glob::matches(pattern, name));
    found.packages.retain(|found| options.names.is_empty() || is_wanted(&found.package.name));
    Ok((look, found))
}
