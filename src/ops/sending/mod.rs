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
mod outbox;
mod plan;

pub use blobs::Sender;
pub use event::LayerState;
pub use event::{SendOptions, TellLayer};
pub use outbox::Outbox;
pub use plan::{Plan, has_manifest, has_rest};
