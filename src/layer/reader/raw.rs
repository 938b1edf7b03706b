//! Raw tar members.

use crate::layer::mtime::Mtime;
use crate::layer::sparse_map::SparseMap;

/// A tar member with its PAX and GNU extensions applied.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RawEntry {
    /// Its name, neither normalised nor checked; no NUL.
    pub name: Vec<u8>,
    /// Its type.
    pub kind: RawKind,
    /// The type flag of its header.
    pub typeflag: u8,
    /// Its link target, unchanged; no NUL.
    pub link_name: Vec<u8>,
    /// The mode field; in some archives more than the permission bits.
    pub mode: i64,
    /// The owner.
    pub uid: i64,
    /// The group.
    pub gid: i64,
    /// The modification time.
    pub mtime: Mtime,
    /// The size of its content, holes included; 0 for types without content, whatever their header says.
    pub size: u64,
    /// A device's major number.
    pub device_major: i64,
    /// A device's minor number.
    pub device_minor: i64,
    /// Extended attributes (`SCHILY.xattr.*`), sorted by name, each name once.
    pub xattrs: Vec<(Vec<u8>, Vec<u8>)>,
    /// The offset of its own header in the archive (after extension headers).
    pub header_offset: u64,
    /// The offset of its stored content in the archive.
    pub content_offset: u64,
    /// The size of the stored content; for sparse files less than `size`.
    pub stored_size: u64,
    /// The map of a sparse file.
    pub sparse: Option<SparseMap>,
}

/// The kind of a tar member.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum RawKind {
    /// `0`, or NUL without a trailing `/`: a regular file, also in the PAX sparse formats.
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
