//! The content of a layer: a changeset as a tar, compressed or not.
//!
//! Bottom-up: [`limits`] bound everything that is read; [`compression`] decompresses, [`restart`] from the middle; [`reader`] reads raw tar members
//! ([`RawEntry`]), also of image archives; [`checksum`] detects damage; [`path`], [`whiteout`] and [`entry`] add the
//! rules of layers ([`Entry`]); [`index`] scans a layer once and keeps what later work needs; [`overlay`] merges
//! layers; [`mod@diff`] compares two stacks; [`writer`] writes tars.
//!
//! Nothing here writes to a file system: contents are streams, paths are values.

pub mod checksum;
pub mod compression;
mod decoder;
pub mod diff;
pub mod entry;
mod foreign;
pub mod index;
pub mod limits;
mod members;
pub mod mtime;
pub mod overlay;
pub mod path;
pub mod reader;
pub mod restart;
mod route;
pub(crate) mod serde_bytes;
pub mod sparse_map;
mod unpack;
pub mod whiteout;
pub mod writer;

pub use checksum::{Checksum, ChecksumMismatch, Checksummer};
pub use compression::Compression;
pub use entry::{Entry, EntryError, EntryKind};
pub use index::{
    IndexError, LayerIndex, LayerSummary, Outline, Scan, ScanError, TreeError, outline, read_summary, scan,
};
pub use limits::{LimitError, Limits};
pub use mtime::Mtime;
pub use overlay::{Overlay, OverlayError};
pub use path::{EntryPath, PathError};
pub use reader::{RawEntry, RawKind, TarError, TarReader};
pub use sparse_map::{Segment, SparseMap};
pub use whiteout::Whiteout;
pub use writer::{Meta, TarWriter};
