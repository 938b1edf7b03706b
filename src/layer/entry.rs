//! An entry of a layer: a tar member that obeys the rules of layers.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::checksum::Checksum;
use super::mtime::Mtime;
use super::path::{EntryPath, Escaped, PathError};
use super::reader::{RawEntry, RawKind};
use super::serde_bytes;
use super::sparse_map::SparseMap;
use super::whiteout::{Whiteout, WhiteoutName};

/// A member of a layer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// The path, normalised and inside the image.
    pub path: EntryPath,
    /// What it is.
    pub kind: EntryKind,
    /// The permission bits with setuid, setgid and sticky: never more than 0o7777.
    pub mode: u32,
    /// The owner.
    pub uid: u64,
    /// The group.
    pub gid: u64,
    /// The modification time.
    pub mtime: Mtime,
    /// A file's size in bytes with its holes; 0 for everything else.
    pub size: u64,
    /// Extended attributes, sorted by name, without duplicates. Values are bytes.
    #[serde(with = "serde_bytes::pairs")]
    pub xattrs: Vec<(Vec<u8>, Vec<u8>)>,
    /// The offset of its content in the uncompressed tar.
    pub content_offset: u64,
    /// The map of a sparse file; `None` for all others.
    pub sparse: Option<SparseMap>,
    /// The checksum of a file's stored content, without its holes; [`Checksum::EMPTY`] until the content was read, and
    /// for everything but files.
    pub checksum: Checksum,
}

/// What an [`Entry`] is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum EntryKind {
    /// A regular file.
    File,
    /// A directory.
    Directory,
    /// A symbolic link.
    Symlink {
        /// The target, unchanged; never empty, no NUL.
        #[serde(with = "serde_bytes")]
        target: Vec<u8>,
    },
    /// A hard link to a file of this or, in some archives, a lower layer.
    Hardlink {
        /// The target, relative to the image's root; never the root or the entry itself.
        target: EntryPath,
    },
    /// A character device.
    CharDevice {
        /// The major number.
        major: u32,
        /// The minor number.
        minor: u32,
    },
    /// A block device.
    BlockDevice {
        /// The major number.
        major: u32,
        /// The minor number.
        minor: u32,
    },
    /// A named pipe.
    Fifo,
}

/// Why a tar member cannot be in a layer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EntryError {
    /// Its name is not a path inside the image.
    #[error(transparent)]
    Path(#[from] PathError),
    /// The target of a hard link is not a path inside the image.
    #[error("hard link {path}: {source}")]
    LinkTarget {
        /// The link.
        path: EntryPath,
        /// What is wrong with its target.
        source: PathError,
    },
    /// An unsupported type of member.
    #[error("{path}: unhandled tar header type {typeflag}")]
    Type {
        /// Its path.
        path: EntryPath,
        /// The type flag of the header, printed as a number, as docker does.
        typeflag: u8,
    },
    /// The root of the image is not a directory.
    #[error("the root of the image is not a directory")]
    Root,
    /// A whiteout of nothing, `.` or `..`.
    #[error("{path}: whiteout without a name")]
    Whiteout {
        /// Its path.
        path: EntryPath,
    },
    /// A symbolic or hard link with an empty target.
    #[error("link {path} has no target")]
    EmptyTarget {
        /// The link.
        path: EntryPath,
    },
    /// A hard link to the root of the image.
    #[error("hard link {path} to a directory")]
    LinkToRoot {
        /// The link.
        path: EntryPath,
    },
    /// A path longer than `PATH_MAX`.
    #[error("path of {length} bytes exceeds the limit of {limit}")]
    TooLong {
        /// Its length in bytes.
        length: usize,
        /// The longest that is allowed.
        limit: usize,
    },
    /// A hard link to itself.
    #[error("hard link {path} to itself")]
    LinkToSelf {
        /// The link.
        path: EntryPath,
    },
    /// A number out of range.
    #[error("{path}: {field} {value} out of range")]
    Number {
        /// Its path.
        path: EntryPath,
        /// Which number.
        field: &'static str,
        /// Its value.
        value: i64,
    },
}

impl Entry {
    /// Converts a tar member by the rules of layers: its path must be inside the image, its type supported, and
    /// whiteouts and links must name something.
    pub fn try_from_raw(raw: RawEntry) -> Result<Self, EntryError> {
        let path = EntryPath::new(&raw.name)?;
        check_name(&path, raw.kind)?;
        let kind = kind(&raw, &path)?;
        Ok(Self {
            mode: u32::try_from(raw.mode & 0o7777).expect("twelve bits"),
            uid: number(&path, "uid", raw.uid)?,
            gid: number(&path, "gid", raw.gid)?,
            mtime: raw.mtime,
            size: if kind == EntryKind::File { raw.size } else { 0 },
            xattrs: raw.xattrs,
            content_offset: raw.content_offset,
            sparse: raw.sparse,
            checksum: Checksum::EMPTY,
            path,
            kind,
        })
    }

    /// What this entry hides in lower layers, if it is a whiteout. A whiteout is not created itself.
    pub fn whiteout(&self) -> Option<Whiteout> {
        self.path.file_name().and_then(Whiteout::of)
    }

    /// Whether this entry is AUFS metadata (a component `.wh..wh.*` other than the opaque marker): it is not created,
    /// and it hides nothing.
    pub fn is_reserved(&self) -> bool {
        self.path.components().any(|name| WhiteoutName::of(name) == WhiteoutName::Reserved)
    }
}

impl Entry {
    /// Whether it satisfies the rules of [`Entry::try_from_raw`]: an entry read from a file may have been tampered
    /// with.
    pub(crate) fn is_valid(&self) -> bool {
        let (size, is_file) = (self.size, self.kind == EntryKind::File);
        let kind = match &self.kind {
            EntryKind::Symlink { target } => !target.is_empty() && !target.contains(&0),
            EntryKind::Hardlink { target } => !target.is_root() && *target != self.path,
            _ => true,
        };
        let name = match self.path.file_name() {
            None => self.kind == EntryKind::Directory,
            Some(name) => WhiteoutName::of(name) != WhiteoutName::Invalid,
        };
        let content = size <= i64::MAX.cast_unsigned() && self.sparse.as_ref().is_none_or(|map| map.is_within(size));
        let numbers = self.mode <= 0o7777 && self.mtime.nanos < 1_000_000_000;
        kind && name && content && numbers && (is_file || size == 0 && self.sparse.is_none())
    }
}

/// The longest path that the kernel accepts: `PATH_MAX` without its NUL. Docker cannot extract longer paths either, and
/// walking such a tree would take time quadratic in its depth.
const LONGEST_PATH: usize = 4095;

fn check_name(path: &EntryPath, kind: RawKind) -> Result<(), EntryError> {
    match path.file_name() {
        _ if path.as_bytes().len() > LONGEST_PATH => {
            Err(EntryError::TooLong { length: path.as_bytes().len(), limit: LONGEST_PATH })
        }
        None if kind != RawKind::Directory => Err(EntryError::Root),
        Some(name) if WhiteoutName::of(name) == WhiteoutName::Invalid => {
            Err(EntryError::Whiteout { path: path.clone() })
        }
        _ => Ok(()),
    }
}

fn kind(raw: &RawEntry, path: &EntryPath) -> Result<EntryKind, EntryError> {
    let device = |field, value| {
        let refused = || EntryError::Number { path: path.clone(), field, value };
        u32::try_from(value).map_err(|_| refused())
    };
    Ok(match raw.kind {
        // Docker does not support GNU's old sparse format, but GNU tar still writes it.
        RawKind::File | RawKind::OldSparse => EntryKind::File,
        RawKind::Directory => EntryKind::Directory,
        RawKind::Fifo => EntryKind::Fifo,
        RawKind::CharDevice => EntryKind::CharDevice {
            major: device("device major", raw.device_major)?,
            minor: device("device minor", raw.device_minor)?,
        },
        RawKind::BlockDevice => EntryKind::BlockDevice {
            major: device("device major", raw.device_major)?,
            minor: device("device minor", raw.device_minor)?,
        },
        RawKind::Symlink if raw.link_name.is_empty() => return Err(EntryError::EmptyTarget { path: path.clone() }),
        RawKind::Symlink => EntryKind::Symlink { target: raw.link_name.clone() },
        RawKind::Hardlink => EntryKind::Hardlink { target: hardlink_target(raw, path)? },
        RawKind::Other => {
            return Err(EntryError::Type { path: path.clone(), typeflag: raw.typeflag });
        }
    })
}

fn hardlink_target(raw: &RawEntry, path: &EntryPath) -> Result<EntryPath, EntryError> {
    let path = || path.clone();
    if raw.link_name.is_empty() {
        return Err(EntryError::EmptyTarget { path: path() });
    }
    let target = EntryPath::new(&raw.link_name).map_err(|source| EntryError::LinkTarget { path: path(), source })?;
    if target.is_root() {
        return Err(EntryError::LinkToRoot { path: path() });
    }
    if target == path() {
        return Err(EntryError::LinkToSelf { path: path() });
    }
    Ok(target)
}

fn number(path: &EntryPath, field: &'static str, value: i64) -> Result<u64, EntryError> {
    u64::try_from(value).map_err(|_| EntryError::Number { path: path.clone(), field, value })
}

impl fmt::Display for Entry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.kind {
            EntryKind::Symlink { target } => write!(f, "{} -> {}", self.path, Escaped(target)),
            EntryKind::Hardlink { target } => write!(f, "{} link to {target}", self.path),
            _ => fmt::Display::fmt(&self.path, f),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn raw(typeflag: u8, name: &str, link_name: &str) -> RawEntry {
        let kind = match typeflag {
            b'0' => RawKind::File,
            b'1' => RawKind::Hardlink,
            b'2' => RawKind::Symlink,
            b'3' => RawKind::CharDevice,
            b'5' => RawKind::Directory,
            b'S' => RawKind::OldSparse,
            _ => RawKind::Other,
        };
        RawEntry {
            name: name.into(),
            kind,
            typeflag,
            link_name: link_name.into(),
            mode: 0o104_755,
            uid: 0,
            gid: 0,
            mtime: Mtime::default(),
            size: 3,
            device_major: 1,
            device_minor: 3,
            xattrs: Vec::new(),
            header_offset: 0,
            content_offset: 512,
            stored_size: 3,
            sparse: None,
        }
    }

    fn read(typeflag: u8, name: &str, link_name: &str) -> Result<Entry, EntryError> {
        Entry::try_from_raw(raw(typeflag, name, link_name))
    }

    #[test]
    fn members_become_entries() {
        let entry = read(b'0', "./usr//bin/env", "ignored").expect("a valid entry");
        assert_eq!(entry.path.as_bytes(), b"usr/bin/env");
        assert_eq!((entry.kind.clone(), entry.mode, entry.size), (EntryKind::File, 0o4755, 3));
        assert!(entry.is_valid());
        let target = EntryPath::new(b"a/b").expect("a valid path");
        let table = [
            (read(b'5', "./", ""), EntryKind::Directory),
            (read(b'1', "l", "/a/./b"), EntryKind::Hardlink { target }),
            (read(b'2', "l", "../../x"), EntryKind::Symlink { target: b"../../x".to_vec() }),
            (read(b'3', "null", ""), EntryKind::CharDevice { major: 1, minor: 3 }),
        ];
        for (entry, kind) in table {
            let entry = entry.expect("a valid entry");
            assert_eq!((entry.kind.clone(), entry.size), (kind, 0));
            assert!(entry.is_valid());
        }
    }

    #[test]
    fn what_no_image_has_is_refused() {
        let table = [
            (read(b'0', "../x", ""), "path \"../x\" leads outside the image"),
            (read(b'1', "l", "../x"), "hard link l: path \"../x\" leads outside the image"),
            (read(b'1', "l", "/"), "hard link l to a directory"),
            (read(b'1', "l", "./l"), "hard link l to itself"),
            (read(b'1', "l", ""), "link l has no target"),
            (read(b'2', "l", ""), "link l has no target"),
            (read(b'2', "a/..", "x"), "the root of the image is not a directory"),
            (read(b'0', "", ""), "the root of the image is not a directory"),
            (read(b'D', "s", ""), "s: unhandled tar header type 68"),
            (read(b'7', "c\u{1b}", ""), "c\\x1b: unhandled tar header type 55"),
            (read(b'0', "a/.wh.", ""), "a/.wh.: whiteout without a name"),
            (read(b'0', ".wh..", ""), ".wh..: whiteout without a name"),
            (read(b'5', "a/.wh.../", ""), "a/.wh...: whiteout without a name"),
            (Entry::try_from_raw(RawEntry { uid: -1, ..raw(b'0', "f", "") }), "f: uid -1 out of range"),
            (
                Entry::try_from_raw(RawEntry { device_major: 1 << 32, ..raw(b'3', "f", "") }),
                "f: device major 4294967296 out of range",
            ),
        ];
        for (result, expected) in table {
            assert_eq!(result.expect_err(expected).to_string(), expected);
        }
    }

    #[test]
    fn whiteouts_and_bookkeeping_are_told_apart() {
        let entry = |name| read(b'0', name, "").expect("a valid entry");
        assert_eq!(entry("a/.wh.b").whiteout(), Some(Whiteout::Entry(b"b".to_vec())));
        assert_eq!(entry("a/.wh..wh..opq").whiteout(), Some(Whiteout::Opaque));
        assert_eq!(entry("a/.wh.b/c").whiteout(), None);
        assert!(!entry("a/.wh..wh..opq").is_reserved());
        assert!(!entry("a/.wh.b").is_reserved());
        assert!(entry("a/.wh..wh.aufs").is_reserved());
        assert!(entry(".wh..wh.plnk/1.2").is_reserved());
    }
}
