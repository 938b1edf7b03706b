//! The layer tar of a set of changes, generated while it is read.

use std::fs::File;
use std::io::{self, Read};
use std::os::fd::AsFd as _;

use rustix::fs::OFlags;

use super::holes::SparseContent;
use super::order::walk_key;
use super::scan::{DiskChange, DiskChangeKind};
use super::{Error, FreshStat, Root};
use crate::layer::path::split_last;
use crate::layer::whiteout::Whiteout;
use crate::layer::writer::{header_bytes, padding};
use crate::layer::{EntryKind, EntryPath, Meta, Mtime};

/// The end of a tar: two zero blocks.
const END: usize = 1024;

/// A tar of changes: directories before their content, whiteouts before their siblings, names sorted. Files are read
/// from disk as the stream reaches them; one that was modified since the scan is an error.
///
/// A sparse file is written with its holes as zeros: docker 20.10 loads and runs a layer with GNU's sparse entries, but
/// cannot save it again (its tar-split reassembles it with zeros and gets another digest). The zeros are neither read
/// from disk nor stored.
pub struct LayerTar<'a> {
    root: &'a Root,
    changes: &'a [DiskChange],
    /// The indexes of the tar's members among the changes, in reverse.
    members: Vec<u32>,
    /// The modification time of whiteouts.
    time: Mtime,
    position: u64,
    part: TarPart<'a>,
    placed: Vec<PlacedContent>,
    ended: bool,
    error: Option<Error>,
}

/// The place of a file's content in the tar.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PlacedContent {
    /// The file, by its index among the changes.
    pub change: usize,
    /// The offset of its content.
    pub offset: u64,
}

/// The part of the tar being read.
enum TarPart<'a> {
    /// Prepared bytes, how many of them were read, and the file that follows.
    Bytes(Vec<u8>, usize, Option<u32>),
    /// A file.
    File { content: SparseContent, change: &'a DiskChange },
    /// Nothing.
    End,
}

impl<'a> LayerTar<'a> {
    /// The tar of all changes; `time` is the modification time of whiteouts.
    pub fn new(root: &'a Root, changes: &'a [DiskChange], time: Mtime) -> Self {
        let mut members = visible(changes);
        let key = |place: &u32| key(&changes[*place as usize]);
        members.sort_by(|one, other| key(other).cmp(key(one)));
        let part = TarPart::Bytes(Vec::new(), 0, None);
        Self { root, changes, members, time, position: 0, part, placed: Vec::new(), ended: false, error: None }
    }

    /// The error behind a failed read, if there was one.
    pub fn take_error(&mut self) -> Option<Error> {
        self.error.take()
    }

    /// The places of the contents, in the order of the tar, once all of it was read.
    pub fn into_placed(self) -> Vec<PlacedContent> {
        self.placed
    }

    /// The part after one that was fully read.
    fn next_part(&mut self, after: TarPart<'a>) -> Result<TarPart<'a>, Error> {
        Ok(match after {
            TarPart::Bytes(_, _, Some(place)) => self.open(place)?,
            TarPart::File { content, change } => {
                check_unchanged(content.file(), change)?;
                TarPart::Bytes(vec![0; padding(change.content_size())], 0, None)
            }
            TarPart::Bytes(_, _, None) => match self.members.pop() {
                Some(place) => {
                    let change = &self.changes[place as usize];
                    let content = (change.content_size() > 0).then_some(place);
                    TarPart::Bytes(headers(change, self.time), 0, content)
                }
                None if !self.ended => {
                    self.ended = true;
                    TarPart::Bytes(vec![0; END], 0, None)
                }
                None => TarPart::End,
            },
            TarPart::End => TarPart::End,
        })
    }

    fn open(&mut self, place: u32) -> Result<TarPart<'a>, Error> {
        let change = &self.changes[place as usize];
        let flags = OFlags::RDONLY | OFlags::NONBLOCK;
        let file = match self.root.open_beneath(change.path.as_bytes(), flags) {
            Ok(file) => File::from(file),
            Err(error) if error.kind() == io::ErrorKind::PermissionDenied => {
                return Err(Error::Unreadable { paths: vec![change.path.clone()] });
            }
            Err(error) => return Err(Error::while_reading(&change.path)(error)),
        };
        check_unchanged(&file, change)?;
        self.placed.push(PlacedContent { change: place as usize, offset: self.position });
        Ok(TarPart::File { content: SparseContent::new(file, change.content_size()), change })
    }

    fn read_part(&mut self, into: &mut [u8]) -> Result<usize, Error> {
        match &mut self.part {
            TarPart::Bytes(bytes, done, _) => {
                let want = into.len().min(bytes.len() - *done);
                into[..want].copy_from_slice(&bytes[*done..*done + want]);
                *done += want;
                Ok(want)
            }
            TarPart::File { content, .. } if content.left() == 0 => Ok(0),
            TarPart::File { content, change } => {
                let got = content.read(into).map_err(Error::at(change.path.as_bytes()))?;
                if got == 0 { Err(changed(change)) } else { Ok(got) }
            }
            TarPart::End => Ok(0),
        }
    }

    fn advance(&mut self, into: &mut [u8]) -> Result<usize, Error> {
        loop {
            let got = self.read_part(into)?;
            if got > 0 || matches!(self.part, TarPart::End) {
                self.position += got as u64;
                return Ok(got);
            }
            let after = std::mem::replace(&mut self.part, TarPart::End);
            self.part = self.next_part(after)?;
        }
    }
}

impl Read for LayerTar<'_> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        if into.is_empty() {
            return Ok(0);
        }
        self.advance(into).map_err(|error| {
            let text = error.to_string();
            self.error = Some(error);
            io::Error::other(text)
        })
    }
}

/// The indexes of the changes that need a member: deletions in an opaque directory are implied by it, and an unchanged
/// root needs none.
fn visible(changes: &[DiskChange]) -> Vec<u32> {
    let mut opaque: Option<&EntryPath> = None;
    let mut places = Vec::with_capacity(changes.len());
    for (place, change) in (0_u32..).zip(changes) {
        opaque =
            if change.is_opaque { Some(&change.path) } else { opaque.filter(|above| change.path.starts_with(above)) };
        let is_said = opaque.is_some() && change.kind == DiskChangeKind::Deleted;
        let is_plain_root = change.path.is_root() && change.kind == DiskChangeKind::Parent;
        if !is_said && !is_plain_root {
            places.push(place);
        }
    }
    places
}

/// The header of a change's member.
fn headers(change: &DiskChange, time: Mtime) -> Vec<u8> {
    let mut headers = header_bytes(&meta(change, time));
    if change.is_opaque {
        let name = [change.path.as_bytes(), b"/", &Whiteout::Opaque.file_name()].concat();
        headers.extend(header_bytes(&Meta::file(&name, 0, 0o600, time)));
    }
    headers
}

fn meta(change: &DiskChange, time: Mtime) -> Meta {
    let path = &change.path;
    match (&change.node, &change.link) {
        (None, _) => Meta::file(&whiteout(path), 0, 0o600, time),
        (Some(node), Some(target)) => {
            let kind = EntryKind::Hardlink { target: (**target).clone() };
            Meta { kind, size: 0, ..node.meta(path.as_bytes().to_vec()) }
        }
        (Some(node), None) if path.is_root() => node.meta(b".".to_vec()),
        (Some(node), None) => node.meta(path.as_bytes().to_vec()),
    }
}

/// The sort key of changes: walk order, but whiteouts before the other names of their directory.
fn key(change: &DiskChange) -> impl Iterator<Item = u8> + use<'_> {
    let (parent, name) = split_last(change.path.as_bytes());
    let between: &[u8] = match (change.kind, parent.is_empty()) {
        (DiskChangeKind::Deleted, true) => b"/",
        (DiskChangeKind::Deleted, false) => b"//",
        (_, true) => b"",
        (_, false) => b"/",
    };
    walk_key(parent).chain(walk_key(between)).chain(walk_key(name))
}

/// The whiteout of a path.
fn whiteout(path: &EntryPath) -> Vec<u8> {
    let (parent, name) = split_last(path.as_bytes());
    let name = Whiteout::Entry(name.to_vec()).file_name();
    if parent.is_empty() { name } else { [parent, b"/", &name].concat() }
}

fn changed(change: &DiskChange) -> Error {
    Error::Changed { path: change.path.clone() }
}

/// Checks that an open file was not modified since the scan.
fn check_unchanged(file: &File, change: &DiskChange) -> Result<(), Error> {
    let now = FreshStat::of(file.as_fd()).map_err(Error::at(change.path.as_bytes()))?.stat;
    let is_as_long = now.size == change.content_size();
    if now.seal() == change.seal && now.is_file() && is_as_long { Ok(()) } else { Err(changed(change)) }
}
