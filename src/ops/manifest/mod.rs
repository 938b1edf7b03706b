//! `manifest`: one name for several images, each for another platform.
//!
//! ```text
//! create ─▶ members: of the store, or of a registry: its manifest and its config, no layer
//!              └─▶ List: an index in the store, with the bytes that docker's client would push ◀─ annotate
//! push ◀───────────┘     └─ and from where each of its images came
//! ```
//!
//! A manifest list is an index in the store under its name, as images for several platforms are that were loaded so:
//! it is listed, inspected, saved and removed like them. An image that only a registry has stands in it without its
//! layers, as a platform does that was not loaded: what needs them says so.

mod annotate;
mod create;
mod list;
mod member;
mod push;
mod show;

pub use super::manifest_error::ManifestError;
pub use annotate::{Annotation, annotate};
pub use create::create;
pub use list::forget;
pub use push::{ListOptions, Tell, push};
pub use show::{Shown, show};
