//! `COPY` and `ADD`: from a context, or from another image's merged view, to a layer, without unpacking anything.
//!
//! ```text
//! CopyRequest ─▶ select ─▶ Selection ─▶ key      what the step's result depends on
//!                              │
//!              below (view) ─▶ write ─▶ Draft ─▶ tar ─▶ Quarantine
//! ```

//! The steps, in the order in which a builder calls them:
//!
//! - `select(Origin, &CopyRequest, below: Layers, &Tools) -> Result<Selection, CopyError>` finds the sources; patterns
//!   are matched, names of owners are looked up in the layers below, URLs are fetched.
//! - `Selection::key(&self, &mut ContentHashes) -> Result<Digest, CopyError>` hashes them; unchanged files are not
//!   opened.
//! - `Selection::write(&self, below: Layers, &Tools, &Quarantine, what, moved) -> Result<VerifiedLayer, CopyError>`
//!   makes the layer and keeps it.

mod archive;
mod content;
mod directory;
mod download;
mod draft;
mod error;
mod key;
mod layer;
mod mode;
mod owner;
mod pick;
mod place;
mod request;
mod select;
mod tree;

pub use directory::make_directory;
pub use error::CopyError;
pub use request::{CopyRequest, Layers, Origin, Times, Tools};
pub use select::{Selection, select};

#[cfg(test)]
mod tests;
