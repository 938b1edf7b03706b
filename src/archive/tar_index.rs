//! The members of an outer tar, by their cleaned names: read from headers, never extracted.
//!
//! Links are followed inside this table and nowhere else. Rules P1 and P2: a name that climbs out, two members of one
//! name with different bytes, or a member below a link make the whole archive invalid; devices and FIFOs are an error
//! only if they are read.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, Read};

use crate::archive::Error;
use crate::image::Blob;
use crate::layer::path::Escaped;
use crate::layer::{EntryPath, RawEntry, RawKind, TarError, TarReader};

/// How many links may lead to one member.
const MAX_LINKS: usize = 16;
/// Limit on the number of members; the largest real archives, with a folder per layer, have some thousands.
const MAX_MEMBERS: usize = 100_000;

/// Limit on the length of a member's name in bytes: `PATH_MAX` of Linux.
const MAX_NAME: usize = 4096;
/// Limit on the total length of all names in bytes.
const MAX_NAME_BYTES: usize = 16 << 20;

/// Folders at the root of a system.
const ROOT_FOLDERS: [&[u8]; 15] = [
    b"bin", b"boot", b"dev", b"etc", b"home", b"lib", b"mnt", b"opt", b"proc", b"root", b"sbin", b"sys", b"tmp",
    b"usr", b"var",
];

#[derive(Debug, Clone)]
enum IndexedMember {
    File(Blob),
    Folder,
    /// Relative to the folder of the link, or from the top of the archive.
    Symlink(Vec<u8>),
    /// From the top of the archive.
    Hardlink(Vec<u8>),
    /// A device, a FIFO, or an unknown type.
    Special,
}

/// The table of an archive's members.
#[derive(Debug, Default)]
pub struct TarIndex {
    members: BTreeMap<EntryPath, IndexedMember>,
    name_bytes: usize,
    ended: bool,
}

impl TarIndex {
    /// Reads all headers; `take` is given each regular file and says where its bytes are.
    pub fn read<R: Read>(
        tar: &mut TarReader<R>,
        take: impl FnMut(&RawEntry, &mut TarReader<R>) -> Result<Blob, Error>,
    ) -> Result<Self, Error> {
        let mut index = Self::default();
        match index.fill(tar, take) {
            Ok(()) => Ok(index),
            // A root file system may have members that an image archive must not have.
            Err(
                Error::Duplicate { .. }
                | Error::ThroughLink { .. }
                | Error::TooManyMembers { .. }
                | Error::NameTooLong { .. },
            ) if index.looks_like_a_root() => Err(Error::RootFs),
            Err(error) => Err(error),
        }
    }

    fn fill<R: Read>(
        &mut self,
        tar: &mut TarReader<R>,
        mut take: impl FnMut(&RawEntry, &mut TarReader<R>) -> Result<Blob, Error>,
    ) -> Result<(), Error> {
        let mut last: Option<EntryPath> = None;
        while let Some(entry) = tar.next().map_err(|error| in_member(error.into(), last.as_ref()))? {
            let path = EntryPath::new(&entry.name)?;
            let member = match entry.kind {
                RawKind::File if entry.sparse.is_none() => {
                    IndexedMember::File(take(&entry, tar).map_err(|error| in_member(error, Some(&path)))?)
                }
                RawKind::Directory => IndexedMember::Folder,
                RawKind::Symlink => IndexedMember::Symlink(entry.link_name),
                RawKind::Hardlink => IndexedMember::Hardlink(entry.link_name),
                _ => IndexedMember::Special,
            };
            last = Some(path.clone());
            self.insert(path, member)?;
        }
        self.ended = tar.has_end_mark();
        self.check_parents()
    }

    fn insert(&mut self, path: EntryPath, member: IndexedMember) -> Result<(), Error> {
        self.name_bytes += path.as_bytes().len();
        if self.members.len() == MAX_MEMBERS || self.name_bytes > MAX_NAME_BYTES {
            return Err(Error::TooManyMembers { limit: MAX_MEMBERS });
        }
        if path.as_bytes().len() > MAX_NAME {
            return Err(Error::NameTooLong { limit: MAX_NAME });
        }
        let Some(old) = self.members.get(&path) else {
            self.members.insert(path, member);
            return Ok(());
        };
        let same = match (old, &member) {
            (IndexedMember::File(old), IndexedMember::File(new)) => same_bytes(old, new).map_err(Error::Read)?,
            (IndexedMember::Folder, IndexedMember::Folder) => true,
            (IndexedMember::Symlink(old), IndexedMember::Symlink(new))
            | (IndexedMember::Hardlink(old), IndexedMember::Hardlink(new)) => old == new,
            _ => false,
        };
        if same { Ok(()) } else { Err(Error::Duplicate { name: path.to_string() }) }
    }

    /// Checks that no member lies below one that is not a directory.
    fn check_parents(&self) -> Result<(), Error> {
        let is_in_the_way =
            |folder: &[u8]| self.members.get(folder).is_some_and(|member| !matches!(member, IndexedMember::Folder));
        for path in self.members.keys() {
            let bytes = path.as_bytes();
            let slashes = bytes.iter().enumerate().filter(|(_, byte)| **byte == b'/');
            if let Some((at, _)) = slashes.into_iter().find(|(at, _)| is_in_the_way(&bytes[..*at])) {
                let link = Escaped(&bytes[..at]).to_string();
                return Err(Error::ThroughLink { name: path.to_string(), link });
            }
        }
        Ok(())
    }

    /// The regular file that `name` leads to; `None` if there is no member of that name.
    pub fn file(&self, name: &str) -> Result<Option<&Blob>, Error> {
        let mut path = EntryPath::new(name.as_bytes())?;
        for _ in 0..=MAX_LINKS {
            let Some((target, rest)) = self.first_link(&path) else {
                return match self.members.get(&path) {
                    Some(IndexedMember::File(blob)) => Ok(Some(blob)),
                    Some(_) => Err(Error::NotAFile { name: path.to_string() }),
                    None => Ok(None),
                };
            };
            let mut joined = target;
            for component in rest {
                joined.push(b'/');
                joined.extend_from_slice(component);
            }
            path = EntryPath::new(&joined)?;
        }
        Err(Error::TooManyLinks { name: name.to_owned() })
    }

    /// The first link on the way to `path`: where it leads from the top of the archive, and what of the path is left.
    fn first_link<'p>(&self, path: &'p EntryPath) -> Option<(Vec<u8>, Vec<&'p [u8]>)> {
        let components: Vec<&[u8]> = path.components().collect();
        for depth in 1..=components.len() {
            let so_far = EntryPath::new(&components[..depth].join(&b'/')).ok()?;
            let target = match self.members.get(&so_far) {
                Some(IndexedMember::Hardlink(target)) => target.clone(),
                Some(IndexedMember::Symlink(target)) if target.starts_with(b"/") => target.clone(),
                Some(IndexedMember::Symlink(target)) => {
                    let mut joined = components[..depth - 1].join(&b'/');
                    joined.push(b'/');
                    joined.extend_from_slice(target);
                    joined
                }
                _ => continue,
            };
            return Some((target, components[depth..].to_vec()));
        }
        None
    }

    /// Whether there is a member of that name, of whatever kind.
    pub fn has(&self, name: &str) -> bool {
        EntryPath::new(name.as_bytes()).is_ok_and(|path| self.members.contains_key(&path))
    }

    /// The names of the members that are called `file_name` and lie one folder deep, by the folder's name.
    pub fn folders_with(&self, file_name: &str) -> Vec<String> {
        let one_deep = |path: &EntryPath| {
            let parts: Vec<&[u8]> = path.components().collect();
            match parts[..] {
                [folder, file] if file == file_name.as_bytes() => String::from_utf8(folder.to_vec()).ok(),
                _ => None,
            }
        };
        self.members.keys().filter_map(one_deep).collect()
    }

    /// Whether the archive has its end-of-archive mark; without it, the archive may be truncated.
    pub fn has_end_mark(&self) -> bool {
        self.ended
    }

    /// Whether the members look like a root file system, not like an image archive.
    pub fn looks_like_a_root(&self) -> bool {
        let top = self.members.keys().filter_map(|path| path.components().next());
        let found: BTreeSet<&[u8]> = top.filter(|name| ROOT_FOLDERS.contains(name)).collect();
        found.len() > 1 && !self.has("manifest.json") && !self.has("index.json")
    }

    /// Whether there is nothing in the archive.
    pub fn is_empty(&self) -> bool {
        self.members.is_empty()
    }
}

/// Adds the name of the member in which an archive is truncated or unreadable.
fn in_member(error: Error, member: Option<&EntryPath>) -> Error {
    match (error, member) {
        (
            source @ (Error::Tar(TarError::Truncated { .. } | TarError::Io(_)) | Error::Read(_) | Error::Take(_)),
            Some(member),
        ) => Error::Member { name: member.to_string(), source: Box::new(source) },
        (error, _) => error,
    }
}

fn same_bytes(one: &Blob, two: &Blob) -> io::Result<bool> {
    if one.size() != two.size() {
        return Ok(false);
    }
    if let (Some(one), Some(two)) = (one.held(), two.held()) {
        return Ok(one.digest == two.digest);
    }
    let digest = |blob: &Blob| {
        let sent = crate::image::copy::send(&mut blob.open()?, &mut io::sink(), &|_| {})?;
        Ok::<_, io::Error>(sent.0)
    };
    Ok(digest(one)? == digest(two)?)
}
