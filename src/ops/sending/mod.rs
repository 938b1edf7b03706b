//! The way of images into registries: what goes out is planned, its blobs are sent, then its documents.
//!
//! ```text
//! an image that was found ─▶ Plan ─▶ Sender: blobs, several at a time ─▶ manifests ─▶ indexes, the tag last
//!                             │        └─ there already, mounted, streamed, or compressed on their way
//!                             └─ byte for byte, but for manifests of ours around layers that are compressed
//! ```

mod blobs;
mod elsewhere;
mod event;
mod meter;
mod plan;

pub use blobs::Sender;
pub use elsewhere::Elsewhere;
pub use event::LayerState;
pub use event::{SendOptions, TellLayer};
pub use plan::{Plan, has_rest};
