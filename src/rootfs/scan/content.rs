//! Suspects: files whose content is compared to find out whether it changed.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Read};

use rustix::fs::{Access, AtFlags, OFlags, accessat};
use rustix::io::Errno;

use super::change::Skipped;
use super::item::{ScanItem, ScanState};
use crate::image::contents::{Contents, LayerStack, Piece};
use crate::layer::EntryKind;
use crate::rootfs::beneath::Parents;
use crate::rootfs::{ContentSource, Error, Root};

/// Compares the content of all suspects with that of their layers' entries: each compressed layer is read once.
///
/// A file that this user may not read counts as unchanged if everything else is: so does a copy (not `in_place`) of
/// such a file, and one that is suspect only because it is recent.
pub(super) fn resolve(
    root: &Root,
    items: &mut [ScanItem],
    layers: &LayerStack,
    in_place: bool,
    skipped: &mut Skipped,
) -> Result<(), Error> {
    let mut by_layer: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
    for (place, item) in items.iter_mut().enumerate().filter(|(_, item)| item.state == ScanState::Suspect) {
        match item.source() {
            Some(source) => by_layer.entry(source.layer as usize).or_default().push(place),
            // The original content is unknown.
            None => item.state = ScanState::Changed,
        }
    }
    let mut verdicts = Verdicts::new();
    for (layer, mut places) in by_layer {
        places.sort_by_key(|place| items[*place].source().map(|source| source.offset));
        verdicts.extend(Comparer { root, layers, items }.layer(layer, &places)?);
    }
    for (place, verdict) in verdicts {
        let item = &mut items[place];
        item.state = if verdict == Some(false) { ScanState::Changed } else { ScanState::Same };
        let is_known = !in_place || item.past.as_ref().is_some_and(|past| past.is_same);
        if verdict.is_none() && !is_known {
            skipped.unreadable.push(item.path.clone());
        }
    }
    find_unreadable(root, items, skipped)
}

/// Finds the files that belong in the layer but cannot be read, and treats them as unchanged.
fn find_unreadable(root: &Root, items: &mut [ScanItem], skipped: &mut Skipped) -> Result<(), Error> {
    let mut parents = Parents::new(root);
    for item in items.iter_mut().filter(|item| matches!(item.state, ScanState::Added | ScanState::Changed)) {
        let is_file = item.node.as_ref().is_some_and(|node| node.kind == EntryKind::File && node.size > 0);
        if !is_file {
            continue;
        }
        let (parent, name) = parents.of(item.path.as_bytes()).map_err(Error::while_reading(&item.path))?;
        if accessat(parent, name, Access::READ_OK, AtFlags::EACCESS) == Err(Errno::ACCESS) {
            item.state = ScanState::Same;
            item.past.iter_mut().for_each(|past| past.inode = None);
            skipped.unreadable.push(item.path.clone());
        }
    }
    Ok(())
}

struct Comparer<'a> {
    root: &'a Root,
    layers: &'a LayerStack,
    items: &'a [ScanItem],
}

/// Each suspect, and whether it is unchanged; `None` if it cannot be read.
type Verdicts = Vec<(usize, Option<bool>)>;

impl Comparer<'_> {
    /// Compares the suspects of one layer, sorted by the offsets of their contents.
    fn layer(&self, layer: usize, places: &[usize]) -> Result<Verdicts, Error> {
        let mut contents = self.layers.open(layer).map_err(|source| Error::Layer { layer, source })?;
        let is_plain = self.layers.is_plain(layer);
        let mut verdicts = Verdicts::new();
        for names in places.chunk_by(|one, other| self.source(*one).0.offset == self.source(*other).0.offset) {
            let place = names[0];
            let verdict = self.is_same(place, &mut contents)?;
            verdicts.push((place, verdict));
            for &other in &names[1..] {
                // All names of a file share one content in the layer; another inode of the same origin (in a copied
                // tree) is compared with the first.
                let verdict = match verdict {
                    Some(true) => self.is_twin(place, other)?,
                    _ if is_plain => self.is_same(other, &mut contents)?,
                    _ => verdict,
                };
                verdicts.push((other, verdict));
            }
        }
        Ok(verdicts)
    }

    fn source(&self, place: usize) -> (&ContentSource, u64) {
        let item = &self.items[place];
        (item.source().expect("suspects without a source were settled"), item.size())
    }

    /// Whether a file on disk has the same content as in the layer; `None` if it cannot be read.
    fn is_same(&self, place: usize, contents: &mut Contents<'_>) -> Result<Option<bool>, Error> {
        let Some(mut file) = self.open(place)? else { return Ok(None) };
        let (source, size) = self.source(place);
        let layer = source.layer as usize;
        let failed = Error::in_layer(layer, self.items[place].path.as_bytes());
        let mut same = true;
        let compared = self.layers.source(layer, source.offset, size, source.sparse.as_ref()).and_then(|source| {
            contents.read(source, |piece| {
                // Once they differ, the rest is read only to verify that the layer is intact.
                same = same
                    && match piece {
                        Piece::Hole(size) => begins_with(&mut file, &mut io::repeat(0).take(size))?,
                        Piece::Data(mut data) => begins_with(&mut file, &mut data)?,
                    };
                Ok(())
            })?;
            Ok(same && file.read(&mut [0])? == 0)
        });
        compared.map(Some).map_err(failed)
    }

    fn is_twin(&self, place: usize, other: usize) -> Result<Option<bool>, Error> {
        if self.items[place].seal.ino == self.items[other].seal.ino {
            return Ok(Some(true));
        }
        let Some(mut file) = self.open(place)? else { return Ok(None) };
        let Some(mut twin) = self.open(other)? else { return Ok(None) };
        let same = begins_with(&mut twin, &mut file).and_then(|same| Ok(same && twin.read(&mut [0])? == 0));
        same.map(Some).map_err(Error::at(self.items[other].path.as_bytes()))
    }

    fn open(&self, place: usize) -> Result<Option<File>, Error> {
        let path = &self.items[place].path;
        match self.root.open_beneath(path.as_bytes(), OFlags::RDONLY | OFlags::NONBLOCK) {
            Ok(file) => Ok(Some(File::from(file))),
            Err(error) if error.kind() == io::ErrorKind::PermissionDenied => Ok(None),
            Err(error) => Err(Error::while_reading(path)(error)),
        }
    }
}

/// How much is read at a time.
const CHUNK: usize = 128 << 10;

/// Whether the next bytes of a file equal those of a reader, up to the reader's end.
fn begins_with(file: &mut File, expected: &mut dyn Read) -> io::Result<bool> {
    let (mut left, mut right) = (vec![0; CHUNK], vec![0; CHUNK]);
    loop {
        let wanted = fill(expected, &mut right)?;
        let got = fill(file, &mut left[..wanted])?;
        if left[..got] != right[..wanted] {
            return Ok(false);
        }
        if wanted < CHUNK {
            return Ok(true);
        }
    }
}

/// Reads until the buffer is full or the input ends.
fn fill(reader: &mut dyn Read, buffer: &mut [u8]) -> io::Result<usize> {
    let mut filled = 0;
    while filled < buffer.len() {
        match reader.read(&mut buffer[filled..]) {
            Ok(0) => break,
            Ok(got) => filled += got,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(filled)
}
