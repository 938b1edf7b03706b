//! What an image stands on: what it says of its base, and where that is found.
//!
//! ```text
//! annotations, labels ─▶ claim ─┬─ its digest in the store, its name there, its digest in its registry ─┐
//!                               └─ nothing said: images of the store with the image's lowest layers ────┴▶ OldBase
//! ```
//!
//! What an image says may be anything. It is only ever taken for the name of an image in the store or in a registry, and a
//! registry at an address, or on this machine, is not asked because of it.

mod claim;
mod lower;
mod old;
mod place;

pub use claim::{BaseClaim, Said, claim};
pub use lower::lowest_layers;
pub use old::{FoundBy, OldBase, SCRATCH, find, named, sentence, typed};
pub use place::{in_store, now};
