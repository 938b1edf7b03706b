//! The layers of images on their way out: as they are stored, or in another compression.

use std::collections::{HashMap, HashSet};
use std::io;
use std::sync::Arc;

use super::request::{OutgoingOptions, OutgoingRequest};
use super::{LayerForm, OutgoingError, OutgoingPart, PartKind, Recode, recode};
use crate::image::{Blob, Image, Layer, copy, work};
use crate::layer::Compression;
use crate::oci::{Descriptor, DiffId, Digest};

/// Identifies a layer: layers with equal keys are written alike.
type Key = (DiffId, Option<Digest>);

/// Layers that are ready to be written.
pub(super) struct Ready(HashMap<Key, OutgoingPart>);

impl Ready {
    /// The part that a layer becomes.
    pub(super) fn part(&self, layer: &Layer) -> &OutgoingPart {
        &self.0[&key(layer)]
    }
}

fn key(layer: &Layer) -> Key {
    (layer.diff_id, layer.descriptor.as_ref().map(|descriptor| descriptor.digest))
}

/// From this size on, a layer is compressed with all processors, one layer at a time.
const LARGE: u64 = 16 << 20;

/// Prepares the layers of all images, each once however many images share it.
pub(super) fn ready(requests: &[OutgoingRequest<'_>], options: &OutgoingOptions<'_>) -> Result<Ready, OutgoingError> {
    let mut seen = HashSet::new();
    let (mut small, mut large, mut known) = (Vec::new(), Vec::new(), Vec::new());
    let images = requests.iter().flat_map(|request| request.images().into_iter().map(move |image| (request, image)));
    for (request, image) in images {
        for (place, layer) in image.layers.iter().enumerate().filter(|(_, layer)| seen.insert(key(layer))) {
            let Some(task) = Task::new(request, image, place, layer, options)? else { continue };
            match task.recode {
                Some(Recode::Gzip(_) | Recode::Zstd(_)) if task.blob.size() >= LARGE => large.push(task),
                Some(Recode::Gzip(_) | Recode::Zstd(_)) => small.push(task),
                _ => known.push(task),
            }
        }
    }
    let mut parts = HashMap::with_capacity(seen.len());
    let bytes = small.iter().chain(&large).map(|task| task.blob.size()).sum();
    if bytes > 0 {
        options.progress.total(Some(bytes));
    }
    // Large layers go first, so that no thread is left alone with one at the end.
    for (tasks, at_a_time, threads) in
        [(large, 1, work::cores()), (small, work::threads(), 1), (known, work::threads(), 1)]
    {
        let done = work::for_each(&tasks, at_a_time, |place, task| task.run(place as u64, threads, options))?;
        parts.extend(tasks.iter().map(|task| key(task.layer)).zip(done));
    }
    Ok(Ready(parts))
}

/// A layer that is to be made ready.
struct Task<'a> {
    layer: &'a Layer,
    blob: &'a Blob,
    stored: Compression,
    recode: Option<Recode>,
    request: &'a OutgoingRequest<'a>,
    label: String,
}

impl<'a> Task<'a> {
    fn new(
        request: &'a OutgoingRequest<'a>,
        image: &Image,
        place: usize,
        layer: &'a Layer,
        options: &OutgoingOptions<'_>,
    ) -> Result<Option<Self>, OutgoingError> {
        let Some(blob) = layer.blob.as_ref() else { return Ok(None) };
        let label = format!("layer {}/{}", place + 1, image.layers.len());
        let what = || format!("{label} of {}", request.shown);
        let stored = blob.compression().map_err(|source| OutgoingError::Io { what: what(), source })?;
        let recode = wanted(options.form, stored).filter(|recode| recode.compression() != stored);
        Ok(Some(Self { layer, blob, stored, recode, request, label }))
    }

    fn run(&self, id: u64, threads: usize, options: &OutgoingOptions<'_>) -> Result<OutgoingPart, OutgoingError> {
        let io_error = |source| OutgoingError::Io { what: self.shown(), source };
        let part = |descriptor, blob, recode| {
            let (label, image) = (self.label.clone(), self.request.shown.clone());
            Ok(OutgoingPart { kind: PartKind::Blob, descriptor, label, image, blob, recode })
        };
        let Some(recode) = self.recode else {
            let descriptor = describe(self.layer, self.blob, self.stored).map_err(io_error)?;
            return part(descriptor, self.blob.clone(), None);
        };
        let media_type = recode.compression().media_type();
        if recode == Recode::Unpack {
            let size = (self.request.tar_size)(self.layer).map_err(io_error)?;
            let descriptor = Descriptor::new(media_type, *self.layer.diff_id.digest(), size);
            return part(descriptor, self.blob.clone(), Some(recode));
        }
        options.progress.start(id, &format!("{}: compressing", self.label), Some(self.blob.size()));
        let scratch = recode::scratch(options.scratch);
        let moved = |bytes| options.progress.advance(id, bytes);
        let packed = match &scratch {
            Some(file) => recode.pack(self.blob, &mut &*file, threads, &moved),
            None => recode.pack(self.blob, &mut io::sink(), threads, &moved),
        };
        options.progress.finish(id, "");
        let packed = packed.map_err(io_error)?;
        if packed.diff_id != self.layer.diff_id {
            let (expected, actual) = (self.layer.diff_id, packed.diff_id);
            return Err(OutgoingError::DiffId { what: self.shown(), expected, actual });
        }
        let descriptor = Descriptor::new(media_type, packed.digest, packed.size);
        match scratch {
            Some(file) => part(descriptor, Blob::range(Arc::new(file), 0, packed.size), None),
            None => part(descriptor, self.blob.clone(), Some(recode)),
        }
    }

    fn shown(&self) -> String {
        format!("{} of {}", self.label, self.request.shown)
    }
}

/// How a layer that is stored in this compression is recoded, if at all.
fn wanted(form: LayerForm, stored: Compression) -> Option<Recode> {
    match form {
        LayerForm::Recoded(recode) => Some(recode),
        LayerForm::AsStored if matches!(stored, Compression::Bzip2 | Compression::Xz) => Some(Recode::Unpack),
        LayerForm::AsStored => None,
    }
}

fn describe(layer: &Layer, blob: &Blob, stored: Compression) -> io::Result<Descriptor> {
    Ok(match &layer.descriptor {
        Some(descriptor) => descriptor.clone(),
        None if stored == Compression::None => {
            Descriptor::new(stored.media_type(), *layer.diff_id.digest(), blob.size())
        }
        // A compressed layer of a docker-archive: its digest is written nowhere.
        None => {
            let (digest, size) = copy::send(&mut blob.open()?, &mut io::sink(), &|_| {})?;
            Descriptor::new(stored.media_type(), digest, size)
        }
    })
}
