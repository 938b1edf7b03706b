//! An OCI bundle: an image's file system, and how a runtime starts it.

use std::path::Path;

use super::unpack::{Options, Report, unpack};
use super::{Context, Error};
use crate::image::Progress;

/// Unpacks an image to `target`/rootfs, and writes `target`/config.json.
pub fn bundle(
    context: &Context,
    typed: &str,
    target: &Path,
    options: &Options,
    progress: &dyn Progress,
) -> Result<Report, Error> {
    unpack(context, typed, &target.join("rootfs"), options, progress)
}
