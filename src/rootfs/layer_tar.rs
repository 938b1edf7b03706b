//! The layer that changes make, as a stream that is made while it is read.

use std::cmp::Ordering;
use std::collections::VecDeque;
use std::fs::File;
use std::io::{self, Read};
use std::os::fd::AsFd as _;

use rustix::fs::OFlags;

use super::scan::{Change, ChangeKind};
use super::{Error, Root, Seen, walk_order};
use crate::layer::path::split_last;
use crate::layer::whiteout::Whiteout;
use crate::layer::writer::{header_bytes, padding};
use crate::layer::{EntryKind, EntryPath, Meta, Mtime};

/// The end of a tar: two empty blocks.
const END: usize = 1024;

/// A tar of changes: directories before what is in them, whiteouts before their siblings, names sorted. Files are read
/// from the disk when it is their turn; one that is not what it was when it was found is an error.
pub struct LayerTar<'a> {
    root: &'a Root,
    members: VecDeque<&'a Change>,
    /// The time of whiteouts.
    time: Mtime,
    position: u64,
    part: Part<'a>,
    placed: Vec<Placed>,
    ended: bool,
    error: Option<Error>,
}

/// Where a file's content is in the tar.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Placed {
    /// The file.
    pub path: EntryPath,
    /// Where its content starts.
    pub offset: u64,
}

/// What is read next.
enum Part<'a> {
    /// Bytes that are ready, how many of them are read, and the file that follows.
    Bytes(Vec<u8>, usize, Option<&'a Change>),
    /// A file, and how much of it is left.
    File { file: File, left: u64, change: &'a Change },
    /// Nothing.
    End,
}

impl<'a> LayerTar<'a> {
    /// The tar of all changes; `time` is that of whiteouts.
    pub fn new(root: &'a Root, changes: &'a [Change], time: Mtime) -> Self {
        let mut members: Vec<&Change> = changes.iter().collect();
        members.sort_by_cached_key(|change| Key(key(change)));
        let part = Part::Bytes(Vec::new(), 0, None);
        let members = VecDeque::from(members);
        Self { root, members, time, position: 0, part, placed: Vec::new(), ended: false, error: None }
    }

    /// What went wrong in this tar, if it ended with an error of its own.
    pub fn take_error(&mut self) -> Option<Error> {
        self.error.take()
    }

    /// Where the contents are, in the order of the tar, once all of it was read.
    pub fn into_placed(self) -> Vec<Placed> {
        self.placed
    }

    /// What comes after a part that is read to its end.
    fn next_part(&mut self, after: Part<'a>) -> Result<Part<'a>, Error> {
        Ok(match after {
            Part::Bytes(_, _, Some(change)) => self.open(change)?,
            Part::File { file, change, .. } => {
                check_unchanged(&file, change)?;
                let size = change.stat.map_or(0, |stat| stat.size);
                Part::Bytes(vec![0; padding(size)], 0, None)
            }
            Part::Bytes(_, _, None) => match self.members.pop_front() {
                Some(change) => {
                    let meta = meta(change, self.time);
                    let content = (meta.content_size() > 0).then_some(change);
                    Part::Bytes(header_bytes(&meta), 0, content)
                }
                None if !self.ended => {
                    self.ended = true;
                    Part::Bytes(vec![0; END], 0, None)
                }
                None => Part::End,
            },
            Part::End => Part::End,
        })
    }

    fn open(&mut self, change: &'a Change) -> Result<Part<'a>, Error> {
        let flags = OFlags::RDONLY | OFlags::NONBLOCK;
        let file = match self.root.open_beneath(change.path.as_bytes(), flags) {
            Ok(file) => File::from(file),
            Err(error) if error.kind() == io::ErrorKind::PermissionDenied => {
                return Err(Error::Unreadable { paths: vec![change.path.clone()] });
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Err(changed(change)),
            Err(error) => return Err(Error::at(change.path.as_bytes())(error)),
        };
        check_unchanged(&file, change)?;
        self.placed.push(Placed { path: change.path.clone(), offset: self.position });
        Ok(Part::File { file, left: change.stat.map_or(0, |stat| stat.size), change })
    }

    fn read_part(&mut self, into: &mut [u8]) -> Result<usize, Error> {
        match &mut self.part {
            Part::Bytes(bytes, done, _) => {
                let want = into.len().min(bytes.len() - *done);
                into[..want].copy_from_slice(&bytes[*done..*done + want]);
                *done += want;
                Ok(want)
            }
            Part::File { file, left, change } => {
                let want = into.len().min(usize::try_from(*left).unwrap_or(usize::MAX));
                if want == 0 {
                    return Ok(0);
                }
                let got = file.read(&mut into[..want]).map_err(Error::at(change.path.as_bytes()))?;
                if got == 0 {
                    return Err(changed(change));
                }
                *left -= got as u64;
                Ok(got)
            }
            Part::End => Ok(0),
        }
    }

    fn advance(&mut self, into: &mut [u8]) -> Result<usize, Error> {
        loop {
            let got = self.read_part(into)?;
            if got > 0 || matches!(self.part, Part::End) {
                self.position += got as u64;
                return Ok(got);
            }
            let after = std::mem::replace(&mut self.part, Part::End);
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

/// What the layer says of a change.
fn meta(change: &Change, time: Mtime) -> Meta {
    let path = &change.path;
    match (&change.node, &change.link) {
        (None, _) => Meta::file(&whiteout(path), 0, 0o600, time),
        (Some(node), Some(target)) => {
            let kind = EntryKind::Hardlink { target: target.clone() };
            Meta { kind, size: 0, ..node.meta(path.as_bytes().to_vec()) }
        }
        (Some(node), None) if path.is_root() => node.meta(b".".to_vec()),
        (Some(node), None) => node.meta(path.as_bytes().to_vec()),
    }
}

/// Paths in walk order.
#[derive(PartialEq, Eq)]
struct Key(Vec<u8>);

impl Ord for Key {
    fn cmp(&self, other: &Self) -> Ordering {
        walk_order(&self.0, &other.0)
    }
}

impl PartialOrd for Key {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

/// By which changes are sorted: whiteouts come before the other names of their directory.
fn key(change: &Change) -> Vec<u8> {
    let path = change.path.as_bytes();
    if change.kind != ChangeKind::Deleted {
        return path.to_vec();
    }
    let (parent, name) = split_last(path);
    if parent.is_empty() { [b"\0", name].concat() } else { [parent, b"/\0", name].concat() }
}

/// The name in a layer that takes a path away.
fn whiteout(path: &EntryPath) -> Vec<u8> {
    let (parent, name) = split_last(path.as_bytes());
    let name = Whiteout::Entry(name.to_vec()).file_name();
    if parent.is_empty() { name } else { [parent, b"/", &name].concat() }
}

fn changed(change: &Change) -> Error {
    Error::Changed { path: change.path.clone() }
}

/// Whether an open file is still what was found.
fn check_unchanged(file: &File, change: &Change) -> Result<(), Error> {
    let now = Seen::of(file.as_fd()).map_err(Error::at(change.path.as_bytes()))?.stat;
    if Some(now) == change.stat { Ok(()) } else { Err(changed(change)) }
}
