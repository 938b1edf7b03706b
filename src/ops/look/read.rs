//! The contents of files of an image, in the order that costs least.

use std::collections::{BTreeMap, HashMap};
use std::io::{self, Read};

use super::Look;
use super::restart::Restarted;
use crate::image::Progress;
use crate::image::contents::{Contents, Piece};
use crate::image::copy::CHUNK;
use crate::image::work::{for_each, threads};
use crate::layer::overlay::{ContentRange, ViewNode};
use crate::oci::{Digest, Hasher};
use crate::ops::{Context, Error};

/// Where a content is: in which layer from the bottom, and at which offset of its tar. All names of one file have the
/// same.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Place {
    /// The layer, counted from the bottom, from 0.
    pub layer: usize,
    /// The offset in the uncompressed tar.
    pub offset: u64,
}

impl Place {
    /// That of a file; nothing else has contents.
    pub fn of(file: ViewNode<'_>) -> Option<Self> {
        file.source().map(|source| Self { layer: source.layer, offset: source.content_offset })
    }
}

/// Takes the contents of files as they are read.
pub trait Take<'v> {
    /// The next bytes of a file, holes as zeros. They are not verified yet.
    fn bytes(&mut self, file: ViewNode<'v>, bytes: &[u8]) -> io::Result<()>;

    /// All bytes of the file were taken, and are what they should be.
    fn verified(&mut self, file: ViewNode<'v>) -> io::Result<()>;
}

impl Look {
    /// Reads the contents of files in the order of their layers and offsets, so that each compressed layer is
    /// decompressed once, and up to its last such file. Of several names of one file only one is read; of names that
    /// are no files none.
    pub fn read<'v>(
        &self,
        context: &Context,
        files: impl IntoIterator<Item = ViewNode<'v>>,
        take: &mut dyn Take<'v>,
    ) -> Result<(), Error> {
        let places = in_order(files);
        let mut buffer = vec![0; CHUNK];
        for group in places.chunk_by(|one, other| one.0.layer == other.0.layer) {
            self.read_layer(context, group, take, &mut buffer)?;
        }
        Ok(())
    }

    /// The contents of files that have at most `most` bytes, by their places; the larger ones are left out.
    pub fn contents<'v>(
        &self,
        context: &Context,
        files: impl IntoIterator<Item = ViewNode<'v>>,
        most: u64,
    ) -> Result<HashMap<Place, Vec<u8>>, Error> {
        let mut kept = Kept { contents: HashMap::new(), current: Vec::new() };
        self.read(context, files.into_iter().filter(|file| file.size() <= most), &mut kept)?;
        Ok(kept.contents)
    }

    /// The SHA-256 of the contents of files, by their places. Layers are read side by side.
    pub fn digests<'v>(
        &self,
        context: &Context,
        files: impl IntoIterator<Item = ViewNode<'v>>,
        progress: &dyn Progress,
    ) -> Result<HashMap<Place, Digest>, Error> {
        let places = in_order(files);
        let groups: Vec<&[Placed<'_>]> = places.chunk_by(|one, other| one.0.layer == other.0.layer).collect();
        let digests = for_each(&groups, threads(), |_, group| {
            let mut digests = Digests { done: Vec::with_capacity(group.len()), hasher: Hasher::new(), progress };
            self.read_layer(context, group, &mut digests, &mut vec![0; CHUNK]).map(|()| digests.done)
        })?;
        Ok(digests.into_iter().flatten().collect())
    }

    fn read_layer<'v>(
        &self,
        context: &Context,
        files: &[Placed<'v>],
        take: &mut dyn Take<'v>,
        buffer: &mut [u8],
    ) -> Result<(), Error> {
        let Some((place, _)) = files.first() else { return Ok(()) };
        let layer = &self.image.layers[place.layer];
        let blob = layer.blob.as_ref().expect("a view was made of the layer");
        let failed = |error| self.names.of_layer(place.layer, error);
        let bytes = files.iter().map(|(_, file)| file.size()).fold(0, u64::saturating_add);
        let wanted = (place.offset, files.len(), bytes);
        if let Some(mut restarted) = Restarted::open(self, context, place.layer, blob, wanted) {
            let read = self.read_files(context, files, &mut restarted.contents, take, buffer);
            restarted.keep(context, read.is_ok());
            return read;
        }
        let mut contents = Contents::scattered(blob, &context.limits).map_err(failed)?;
        self.read_files(context, files, &mut contents, take, buffer)
    }

    fn read_files<'v>(
        &self,
        context: &Context,
        files: &[Placed<'v>],
        contents: &mut Contents<'_>,
        take: &mut dyn Take<'v>,
        buffer: &mut [u8],
    ) -> Result<(), Error> {
        for (place, file) in files {
            let source = file.source().expect("only files have a place");
            let read = context.store.job().check().and_then(|()| read_one(contents, *file, source, take, buffer));
            read.map_err(|error| self.names.of_content(place.layer, &file.path_bytes(), error))?;
            take.verified(*file).map_err(|source| Error::Io { what: "output".to_owned(), source })?;
        }
        Ok(())
    }
}

/// A file and its place.
type Placed<'v> = (Place, ViewNode<'v>);

/// One file of each place, sorted.
fn in_order<'v>(files: impl IntoIterator<Item = ViewNode<'v>>) -> Vec<Placed<'v>> {
    let placed: BTreeMap<Place, ViewNode<'v>> =
        files.into_iter().filter_map(|file| Some((Place::of(file)?, file))).collect();
    placed.into_iter().collect()
}

fn read_one<'v>(
    contents: &mut Contents<'_>,
    file: ViewNode<'v>,
    source: ContentRange<'_>,
    take: &mut dyn Take<'v>,
    buffer: &mut [u8],
) -> io::Result<()> {
    contents.read(source, |piece| {
        let (mut hole, mut data);
        let reader: &mut dyn Read = match piece {
            Piece::Hole(size) => {
                hole = io::repeat(0).take(size);
                &mut hole
            }
            Piece::Data(stored) => {
                data = stored;
                &mut data
            }
        };
        loop {
            match reader.read(buffer)? {
                0 => return Ok(()),
                got => take.bytes(file, &buffer[..got])?,
            }
        }
    })
}

/// Keeps contents in memory.
struct Kept {
    contents: HashMap<Place, Vec<u8>>,
    current: Vec<u8>,
}

impl<'v> Take<'v> for Kept {
    fn bytes(&mut self, _: ViewNode<'v>, bytes: &[u8]) -> io::Result<()> {
        self.current.extend_from_slice(bytes);
        Ok(())
    }

    fn verified(&mut self, file: ViewNode<'v>) -> io::Result<()> {
        let content = std::mem::take(&mut self.current);
        self.contents.extend(Place::of(file).map(|place| (place, content)));
        Ok(())
    }
}

/// Hashes contents.
struct Digests<'p> {
    done: Vec<(Place, Digest)>,
    hasher: Hasher,
    progress: &'p dyn Progress,
}

impl<'v> Take<'v> for Digests<'_> {
    fn bytes(&mut self, _: ViewNode<'v>, bytes: &[u8]) -> io::Result<()> {
        self.hasher.update(bytes);
        self.progress.advance(0, bytes.len() as u64);
        Ok(())
    }

    fn verified(&mut self, file: ViewNode<'v>) -> io::Result<()> {
        let digest = std::mem::replace(&mut self.hasher, Hasher::new()).finish();
        self.done.extend(Place::of(file).map(|place| (place, digest)));
        Ok(())
    }
}
