//! Layers on their way out: as they are stored, or in another compression.

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::{Format, Preparer};
use crate::archive::output::{Content, Recode};
use crate::image::{Blob, Image, Layer, copy};
use crate::layer::Compression;
use crate::oci::Descriptor;
use crate::ops::{Error, Found};

/// A layer as it will be written.
pub(super) struct Ready {
    pub(super) descriptor: Descriptor,
    pub(super) content: Content,
}

impl Preparer<'_> {
    /// Makes all layers ready, several at a time where they have to be compressed to be measured.
    pub(super) fn recode_all(&self, found: &Found, image: &Image) -> Result<Vec<Ready>, Error> {
        let (next, results) = (AtomicUsize::new(0), Mutex::new(BTreeMap::new()));
        let work = || {
            loop {
                let place = next.fetch_add(1, Ordering::Relaxed);
                let Some(layer) = image.layers.get(place) else { return };
                let ready = self.recode(found, layer, place);
                results.lock().expect("no thread panics while it holds the lock").insert(place, ready);
            }
        };
        std::thread::scope(|scope| {
            for _ in 0..copy::threads().min(image.layers.len()) {
                scope.spawn(work);
            }
        });
        results.into_inner().expect("no thread panics while it holds the lock").into_values().collect()
    }

    fn recode(&self, found: &Found, layer: &Layer, place: usize) -> Result<Ready, Error> {
        let io_error = |source| Error::Io { what: format!("layer {}", layer.diff_id), source };
        let blob = layer.blob.as_ref().expect("only complete images are prepared");
        let stored = blob.compression().map_err(io_error)?;
        let Some(recode) = self.wanted(stored).filter(|recode| recode.compression() != stored) else {
            return as_stored(layer, blob, stored).map_err(io_error);
        };
        let (digest, size) = if recode == Recode::Unpack {
            (*layer.diff_id.digest(), self.context.layer_size(found, layer)?.tar)
        } else {
            let id = u64::MAX - place as u64;
            self.progress.start(id, &format!("{}: Compressing", layer.diff_id.short()), None);
            let measured = recode.measure(blob, &|bytes| self.progress.advance(id, bytes));
            self.progress.finish(id, "");
            let (digest, size, actual) = measured.map_err(io_error)?;
            if actual != layer.diff_id {
                return Err(Error::DiffId { layer: place, expected: layer.diff_id, actual });
            }
            (digest, size)
        };
        let descriptor = Descriptor::new(recode.compression().media_type(), digest, size);
        Ok(Ready { descriptor, content: Content::Recoded { blob: blob.clone(), recode, digest, size } })
    }

    /// What is to be done to a layer that is stored so; nothing in an OCI archive, which has a word for what it holds.
    fn wanted(&self, stored: Compression) -> Option<Recode> {
        let has_media_type = !matches!(stored, Compression::Bzip2 | Compression::Xz);
        match (self.options.compress, self.options.format) {
            (Some(recode), Format::Docker | Format::Oci) => Some(recode),
            (None, Format::Oci) if has_media_type => None,
            _ => Some(Recode::Unpack),
        }
    }
}

fn as_stored(layer: &Layer, blob: &Blob, stored: Compression) -> std::io::Result<Ready> {
    let descriptor = match &layer.descriptor {
        Some(descriptor) => descriptor.clone(),
        None if stored == Compression::None => {
            Descriptor::new(stored.media_type(), *layer.diff_id.digest(), blob.size())
        }
        // A compressed layer of a docker-archive: its digest is written nowhere.
        None => {
            let (digest, size) = copy::send(&mut blob.open()?, &mut std::io::sink(), &|_| {})?;
            Descriptor::new(stored.media_type(), digest, size)
        }
    };
    Ok(Ready { content: Content::Blob(blob.clone(), descriptor.digest), descriptor })
}
