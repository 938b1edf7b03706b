//! A root file system on disk: unpacked from a merged view, recorded in a snapshot, and compared with it later.
//!
//! ```text
//! overlay ──▶ unpack ──▶ DIR             the only writer of image files
//!               │         │
//!               ▼         ▼
//!            snapshot ▶ scan ──▶ changes ──▶ layer tar
//! ```
//!
//! What is copied into a directory of the user is unpacked beside its place and moved there ([`adopt`]).
//!
//! - Every path is opened beneath the directory's own descriptor without following symbolic links: nothing in the
//!   directory, even if modified meanwhile, can lead out of it.
//! - What could not be applied (an ordinary user's ownership, devices, privileged attributes) is in the snapshot: each
//!   [`PathRecord`] has the [`FileNode`] that the image means and the [`Stat`] that the disk shows. Only a difference
//!   from the [`Stat`] is a change.
//! - Paths are in walk order: a directory is directly followed by its content, and names are sorted by their bytes.

mod adopt;
mod beneath;
mod error;
mod holes;
mod layer_tar;
mod node;
mod order;
mod part;
mod record;
mod scan;
mod snapshot;
mod stat;
mod stubs;
mod unpack;
mod upper;
mod user;
mod walk;
mod xattr;

pub use adopt::adopt;
pub use beneath::Root;
pub use error::Error;
pub use holes::SparseContent;
pub use layer_tar::{LayerTar, PlacedContent};
pub use node::FileNode;
pub use order::walk_order;
pub use part::Part;
pub use record::{ContentSource, PathRecord, Xattrs};
pub use scan::{Changes, DiskChange, DiskChangeKind, Keep, ScanOptions, Skipped, StandIns, docker_changes, scan};
pub use snapshot::{
    Base, DirectoryIdentity, Sample, SamplePath, Sampler, SnapshotError, SnapshotHeader, SnapshotReader,
    SnapshotWriter, read_header,
};
pub use stat::{FreshStat, Seal, Stat};
pub use stubs::remove_stubs;
pub use unpack::{Lacking, UnpackOptions, Unpacked, expected, remove_tree, unpack, unpack_part};
pub use upper::{UpperOptions, upper_changes};
pub use user::ordinary_user;
