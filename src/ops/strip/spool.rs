//! The contents that links took over: they stand before the links in their layers, or in other layers, and compressed
//! layers are read forwards only.

use std::collections::{BTreeMap, HashMap};
use std::fs::File;
use std::io::{self, Seek as _, Write as _};

use super::plan::LayerPlan;
use crate::image::contents::{Contents, Piece};
use crate::layer::Entry;
use crate::layer::overlay::ContentRange;
use crate::ops::look::{Look, Place};
use crate::ops::{Context, Error};

/// Contents in a file without a name.
#[derive(Default)]
pub(super) struct SpooledContents {
    file: Option<File>,
    places: HashMap<Place, u64>,
}

impl SpooledContents {
    /// The file that has a content, and where it begins in it.
    pub(super) fn find(&self, place: Place) -> Option<(&File, u64)> {
        Some((self.file.as_ref()?, *self.places.get(&place)?))
    }
}

/// Copies the contents, each layer read once.
pub(super) fn spool(context: &Context, look: &Look, plans: &[Option<LayerPlan>]) -> Result<SpooledContents, Error> {
    let mut wanted: BTreeMap<Place, &Entry> = BTreeMap::new();
    for member in plans.iter().flatten().flat_map(|plan| &plan.members) {
        wanted.extend(member.taken_over.filter(|_| member.entry.size > 0).map(|place| (place, &member.entry)));
    }
    if wanted.is_empty() {
        return Ok(SpooledContents::default());
    }
    let failed = |source| Error::Io { what: "temporary file beside the store".to_owned(), source };
    std::fs::create_dir_all(context.store.root()).map_err(failed)?;
    let mut file = tempfile::tempfile_in(context.store.root()).map_err(failed)?;
    let (wanted, mut places): (Vec<_>, _) = (wanted.into_iter().collect(), HashMap::new());
    for group in wanted.chunk_by(|one, other| one.0.layer == other.0.layer) {
        let layer = group[0].0.layer;
        let blob = look.image.layers[layer].blob.as_ref().expect("a view was made of the layer");
        let mut contents = Contents::open(blob, &context.limits).map_err(|error| look.names.of_layer(layer, error))?;
        for (place, entry) in group {
            places.insert(*place, file.stream_position().map_err(failed)?);
            let copied = context.store.job().check().and_then(|()| copy(&mut contents, *place, entry, &mut file));
            copied.map_err(|error| look.names.of_content(layer, entry.path.as_bytes(), error))?;
        }
    }
    Ok(SpooledContents { file: Some(file), places })
}

fn copy(contents: &mut Contents<'_>, place: Place, entry: &Entry, file: &mut File) -> io::Result<()> {
    contents.read(range(place, entry), |piece| match piece {
        Piece::Hole(size) => {
            let end = file.stream_position()? + size;
            file.set_len(end)?;
            file.seek(io::SeekFrom::Start(end)).map(drop)
        }
        Piece::Data(mut data) => io::copy(&mut data, file).and_then(|_| file.flush()),
    })
}

/// The content of an entry at its place.
pub(super) fn range(place: Place, entry: &Entry) -> ContentRange<'_> {
    ContentRange {
        layer: place.layer,
        content_offset: place.offset,
        size: entry.size,
        sparse: entry.sparse.as_ref(),
        checksum: entry.checksum,
    }
}
