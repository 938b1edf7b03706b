//! The changes in a directory as a layer.

use crate::image::Progress;
use crate::layer::Mtime;
use crate::oci::Created;
use crate::ops::Error;
use crate::rootfs::{DiskChange, LayerTar, PlacedContent, Root};
use crate::store::{Quarantine, VerifiedLayer};

/// Clamps times to `latest`, so that the same content gives the same layer.
pub fn limit_times(changes: &mut [DiskChange], latest: Option<i64>) {
    let Some(latest) = latest else { return };
    let latest = Mtime { seconds: latest, nanos: 0 };
    for node in changes.iter_mut().filter_map(|change| change.node.as_mut()) {
        node.mtime = node.mtime.min(latest);
    }
}

/// Writes the changes as a layer, whose whiteouts were made at `created`; none if nothing changed.
pub fn keep_changes(
    root: &Root,
    quarantine: &Quarantine,
    changes: &[DiskChange],
    created: Created,
    progress: &dyn Progress,
) -> Result<Option<(VerifiedLayer, Vec<PlacedContent>)>, Error> {
    if changes.is_empty() {
        return Ok(None);
    }
    let total = changes.iter().map(DiskChange::content_size).sum();
    progress.total(Some(total));
    progress.start(0, "Committing", Some(total));
    let time = Mtime { seconds: created.unix_seconds(), nanos: 0 };
    let mut tar = LayerTar::new(root, changes, time);
    let kept = quarantine.keep_layer_once(&mut tar, "the new layer", &|bytes| progress.advance(0, bytes));
    if let Some(error) = tar.take_error() {
        return Err(error.into());
    }
    progress.finish(0, "");
    Ok(Some((kept?, tar.into_placed())))
}
