//! A few files deep in a gzip layer of the store, read from the nearest known place before them.

use std::io::{BufReader, Seek as _, SeekFrom};
use std::sync::PoisonError;

use super::Look;
use crate::image::Blob;
use crate::image::contents::Contents;
use crate::layer::Compression;
use crate::layer::restart::{FoundPoints, RestartReader};
use crate::oci::Digest;
use crate::ops::Context;

/// Where less is before the first file, nothing is gained.
const WORTH: u64 = 8 << 20;
/// More files than these are read from the beginning: the usual decoder is faster.
const FEW: usize = 64;
/// The same for their bytes.
const FEW_BYTES: u64 = 64 << 20;
/// How much of the blob is read at a time.
const BUFFER: usize = 256 << 10;

/// A layer that is read from a place in the middle.
pub(super) struct Restarted<'a> {
    /// Its contents.
    pub(super) contents: Contents<'a>,
    blob: Digest,
    points: FoundPoints,
}

impl Restarted<'_> {
    /// Opens a layer so, if that is possible and worth it. `first` is the offset of the first file, `files` how many
    /// there are and `bytes` how large they are.
    pub(super) fn open<'a>(
        look: &Look,
        context: &Context,
        layer: usize,
        blob: &'a Blob,
        (first, files, bytes): (u64, usize, u64),
    ) -> Option<Restarted<'a>> {
        let digest = look.image.layers[layer].descriptor.as_ref()?.digest;
        let is_worth_it = look.found.in_store() && first >= WORTH && files <= FEW && bytes <= FEW_BYTES;
        if !is_worth_it || !blob.is_range() || blob.compression().ok()? != Compression::Gzip {
            return None;
        }
        let (point, _) = context.store.restart_point(&digest, first);
        let mut packed = BufReader::with_capacity(BUFFER, blob.open().ok()?);
        let at = point.as_ref().map_or(0, |point| point.unpacked);
        if let Some(point) = &point {
            packed.seek(SeekFrom::Start(point.packed)).ok()?;
        }
        let reader = RestartReader::new(packed, point.as_ref());
        let points = reader.points();
        let contents = Contents::resumed(blob, Box::new(reader), at);
        Some(Restarted { contents, blob: digest, points })
    }

    /// Keeps the places that were come by for the next time; if reading failed, forgets all of them. A store that cannot
    /// be written does without.
    pub(super) fn keep(self, context: &Context, is_sound: bool) {
        if !is_sound {
            return context.store.forget_restart_points(&self.blob);
        }
        let points = self.points.lock().unwrap_or_else(PoisonError::into_inner);
        let _ = context.store.keep_restart_points(&self.blob, &points);
    }
}
