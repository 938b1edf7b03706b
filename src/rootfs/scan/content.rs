//! Suspects: files whose content is read to know whether it changed.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Read};

use rustix::fs::{Access, AtFlags, OFlags, accessat};
use rustix::io::Errno;

use super::{Item, Skipped, State};
use crate::layer::EntryKind;
use crate::rootfs::beneath::Parents;
use crate::rootfs::layers::{CHUNK, Expanded, stored};
use crate::rootfs::{Error, Layers, Root, Source};

/// Compares the content of all suspects with that of their layers' entries: each compressed layer is read once.
///
/// A file that this user may not read is as it was if all else is: so is a copy (not `in_place`) of such a file, and one
/// that only its youth makes suspect.
pub(super) fn resolve(
    root: &Root,
    items: &mut [Item],
    layers: &Layers,
    in_place: bool,
    skipped: &mut Skipped,
) -> Result<(), Error> {
    let mut by_layer: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
    for (place, item) in items.iter_mut().enumerate().filter(|(_, item)| item.state == State::Suspect) {
        match item.source() {
            Some(source) => by_layer.entry(source.layer as usize).or_default().push(place),
            // Nobody knows what it was.
            None => item.state = State::Changed,
        }
    }
    let mut verdicts = Verdicts::new();
    for (layer, mut places) in by_layer {
        places.sort_by_key(|place| items[*place].source().map(|source| source.offset));
        let comparer = Comparer { root, layers, items };
        verdicts.extend(if layers.is_plain(layer) {
            comparer.plain(&places)?
        } else {
            comparer.stream(layer, &places)?
        });
    }
    for (place, verdict) in verdicts {
        let item = &mut items[place];
        item.state = if verdict == Some(false) { State::Changed } else { State::Same };
        let is_known = !in_place || item.past.as_ref().is_some_and(|past| past.is_same);
        if verdict.is_none() && !is_known {
            skipped.unreadable.push(item.path.clone());
        }
    }
    find_unreadable(root, items, skipped)
}

/// Finds the files that would have to be in the layer and cannot be read, and lets them be as they were.
fn find_unreadable(root: &Root, items: &mut [Item], skipped: &mut Skipped) -> Result<(), Error> {
    let mut parents = Parents::new(root);
    for item in items.iter_mut().filter(|item| matches!(item.state, State::Added | State::Changed)) {
        let is_file = item.node.as_ref().is_some_and(|node| node.kind == EntryKind::File && node.size > 0);
        if !is_file {
            continue;
        }
        let (parent, name) = parents.of(item.path.as_bytes()).map_err(Error::while_reading(&item.path))?;
        if accessat(parent, name, Access::READ_OK, AtFlags::EACCESS) == Err(Errno::ACCESS) {
            item.state = State::Same;
            item.past.iter_mut().for_each(|past| past.inode = None);
            skipped.unreadable.push(item.path.clone());
        }
    }
    Ok(())
}

struct Comparer<'a> {
    root: &'a Root,
    layers: &'a Layers,
    items: &'a [Item],
}

/// Each suspect, and whether it is the same; none if it cannot be read.
type Verdicts = Vec<(usize, Option<bool>)>;

impl Comparer<'_> {
    fn plain(&self, places: &[usize]) -> Result<Verdicts, Error> {
        let mut verdicts = Verdicts::new();
        for &place in places {
            let (source, size) = self.source(place);
            let mut expected = self.layers.content(source, size).map_err(layer_error(source))?;
            verdicts.push((place, self.is_same(place, &mut expected)?));
        }
        Ok(verdicts)
    }

    fn stream(&self, layer: usize, places: &[usize]) -> Result<Verdicts, Error> {
        let mut verdicts = Verdicts::new();
        let failed = |source| Error::Layer { layer, source };
        let (mut tar, mut at) = (self.layers.stream(layer).map_err(failed)?, 0);
        let mut rest = places;
        while let Some(&place) = rest.first() {
            let (source, size) = self.source(place);
            // All names of one file have one content in the layer.
            let names = rest.iter().take_while(|other| self.source(**other).0.offset == source.offset).count();
            let ahead = source.offset.checked_sub(at).ok_or_else(|| failed(io::ErrorKind::InvalidData.into()))?;
            io::copy(&mut tar.by_ref().take(ahead), &mut io::sink()).map_err(failed)?;
            let mut content = tar.by_ref().take(stored(source, size));
            let verdict = self.is_same(place, &mut Expanded::new(&mut content, source, size))?;
            io::copy(&mut content, &mut io::sink()).map_err(failed)?;
            at = source.offset + stored(source, size);
            verdicts.push((place, verdict));
            for &other in &rest[1..names] {
                // Another inode with the same origin (a copied tree) is compared with the first.
                verdicts.push((other, if verdict == Some(true) { self.is_twin(place, other)? } else { verdict }));
            }
            rest = &rest[names..];
        }
        Ok(verdicts)
    }

    fn source(&self, place: usize) -> (&Source, u64) {
        let item = &self.items[place];
        (item.source().expect("suspects without a source were settled"), item.size())
    }

    /// Whether a file on the disk has that content; none if it cannot be read.
    fn is_same(&self, place: usize, expected: &mut dyn Read) -> Result<Option<bool>, Error> {
        let Some(mut file) = self.open(place)? else { return Ok(None) };
        let failed = Error::at(self.items[place].path.as_bytes());
        equal(&mut file, expected).map(Some).map_err(failed)
    }

    fn is_twin(&self, place: usize, other: usize) -> Result<Option<bool>, Error> {
        if self.items[place].seal.ino == self.items[other].seal.ino {
            return Ok(Some(true));
        }
        let Some(mut file) = self.open(place)? else { return Ok(None) };
        self.is_same(other, &mut file)
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

fn layer_error(source: &Source) -> impl FnOnce(io::Error) -> Error {
    let layer = source.layer as usize;
    move |source| Error::Layer { layer, source }
}

/// Whether two readers give the same bytes.
fn equal(one: &mut dyn Read, other: &mut dyn Read) -> io::Result<bool> {
    let (mut left, mut right) = (vec![0; CHUNK], vec![0; CHUNK]);
    loop {
        let (got, wanted) = (fill(one, &mut left)?, fill(other, &mut right)?);
        if left[..got] != right[..wanted] {
            return Ok(false);
        }
        if got < CHUNK {
            return Ok(true);
        }
    }
}

/// Reads until the buffer is full or the end is there.
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
