//! The files of an image go into a directory among others that are there.

use std::fs;
use std::path::Path;

use crate::cancel::Undo;
use crate::image::Progress;
use crate::ops::damage::LayerNames;
use crate::ops::{Context, Error, FoundImage};
use crate::rootfs::{Lacking, Root, UnpackOptions, adopt, ordinary_user, unpack};

/// Writes the files of an image into a directory, which is made if it is missing; they belong to who runs this. What is
/// there and is not in the image stays. Returns what could not be applied.
///
/// The files are unpacked beside what is there first, and compared with it: a layer that cannot be read changes nothing,
/// nor does a directory where a file is to be.
pub fn unpack_into(
    context: &Context,
    found: &FoundImage,
    target: &Path,
    progress: &dyn Progress,
) -> Result<Lacking, Error> {
    let image = found.image(None, &context.host)?;
    context.fetch(found, &[image], progress)?;
    let (overlay, layers) = (context.overlay(found, image)?, context.layers(found, image)?);
    let failed = |source| Error::Io { what: target.display().to_string(), source };
    let job = context.store.job();
    fs::create_dir_all(target).map_err(failed)?;
    // A cancelled job waits until what is beside the target is gone.
    let _undo = Undo::begin(job).map_err(failed)?;
    let beside = tempfile::Builder::new().prefix(".imgtool-").tempdir_in(target).map_err(failed)?;
    let tree = beside.path().join("tree");
    let how = UnpackOptions { devices: ordinary_user().is_none(), owners: false };
    let names = LayerNames::of(found, image);
    let unpacked = unpack(&overlay, &layers, &tree, how, progress, job).map_err(|error| names.of_rootfs(error))?;
    let opened = |path: &Path| Root::open(path).map_err(failed);
    let (from, to) = (opened(&tree)?, opened(target)?);
    job.finish().map_err(failed)?;
    adopt(&from, b"", &to, None, false).map_err(|error| names.of_rootfs(error))?;
    // What follows can be cancelled again.
    job.go_on();
    beside.close().map_err(failed)?;
    Ok(unpacked.lacking)
}
