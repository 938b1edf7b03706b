//! A tar member as it was read.

use crate::layer::entry::{Mtime, SparseMap};

/// A tar member, with what PAX and GNU extensions say of it put in place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RawEntry {
    /// Its name as it was read, neither cleaned nor checked; no NUL.
    pub name: Vec<u8>,
    /// Its type.
    pub kind: RawKind,
    /// Its type as it stands in the header.
    pub typeflag: u8,
    /// What it links to, as it was read; no NUL.
    pub link_name: Vec<u8>,
    /// The mode field; more than the permission bits in some archives.
    pub mode: i64,
    /// The owner.
    pub uid: i64,
    /// The group.
    pub gid: i64,
    /// The time of last change.
    pub mtime: Mtime,
    /// How many bytes its content has, holes included; 0 for types without content, whatever their header says.
    pub size: u64,
    /// A device's major number.
    pub device_major: i64,
    /// A device's minor number.
    pub device_minor: i64,
    /// Extended attributes (`SCHILY.xattr.*`), sorted by name, each name once.
    pub xattrs: Vec<(Vec<u8>, Vec<u8>)>,
    /// Where its own header starts in the archive (after extension headers).
    pub header_offset: u64,
    /// Where its stored content starts in the archive.
    pub content_offset: u64,
    /// How many bytes of content are stored; less than `size` for sparse files, else the same.
    pub stored_size: u64,
    /// Where a sparse file's stored bytes belong.
    pub sparse: Option<SparseMap>,
}

/// What a tar member is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum RawKind {
    /// `0`, or NUL without a trailing `/`: a regular file, also one of the sparse formats in PAX headers.
    File,
    /// `1`.
    Hardlink,
    /// `2`.
    Symlink,
    /// `3`.
    CharDevice,
    /// `4`.
    BlockDevice,
    /// `5`, or NUL with a trailing `/`.
    Directory,
    /// `6`.
    Fifo,
    /// `S`: a sparse file of GNU's old format.
    OldSparse,
    /// Anything else; its content is skipped like a file's.
    Other,
}

impl RawKind {
    /// The kind of a member of this type and name.
    pub(super) fn of(typeflag: u8, name: &[u8]) -> Self {
        match typeflag {
            0 if name.ends_with(b"/") => Self::Directory, // before ustar, directories had no type
            0 | b'0' => Self::File,
            b'1' => Self::Hardlink,
            b'2' => Self::Symlink,
            b'3' => Self::CharDevice,
            b'4' => Self::BlockDevice,
            b'5' => Self::Directory,
            b'6' => Self::Fifo,
            b'S' => Self::OldSparse,
            _ => Self::Other,
        }
    }

    /// Whether content follows the header.
    pub fn has_content(self) -> bool {
        matches!(self, Self::File | Self::OldSparse | Self::Other)
    }
}
