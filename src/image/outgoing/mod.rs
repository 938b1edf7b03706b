//! An image on its way out. Archives, layouts and registries are written from it.
//!
//! ```text
//! images that were found ──▶ prepare ──▶ Outgoing ─┬─ parts    blobs, then configs, manifests, indexes
//!                          (the form of            │           a part is a descriptor and bytes to open
//!                           each layer)            └─ listed   the one image that docker's manifest.json lists
//! ```
//!
//! Digest and size of each part are known before the first byte is written, as a tar and a registry need them. What
//! leads to other parts comes after them, so that a receiver that checks references can take the parts in their order.

mod index;
mod layers;
mod prepare;
mod recode;

use std::io::{self, Read};

use crate::image::Blob;
use crate::oci::{Descriptor, DiffId, Digest, Document, ImageConfig, Reference};

pub use prepare::{Options, Request, prepare};
pub use recode::Recode;

/// Why an image cannot be made ready to go out.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A layer cannot be read or compressed.
    #[error("{what}")]
    Io {
        /// Which layer of which image.
        what: String,
        /// The system's error.
        #[source]
        source: io::Error,
    },
    /// A layer has other content than its config says.
    #[error("{what} is damaged: its diff ID is {actual} instead of {expected}; load the image again")]
    DiffId {
        /// Which layer of which image.
        what: String,
        /// What the config says.
        expected: DiffId,
        /// What was found.
        actual: DiffId,
    },
}

/// The form that layers take on their way out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LayerForm {
    /// As they are, but for compressions that have no media type: those are undone.
    AsStored,
    /// Compressed so, or not at all.
    Recoded(Recode),
}

/// An image, or several under one index, ready to be written.
#[derive(Debug, Clone)]
pub struct Outgoing {
    /// Its names; none if it was asked for by ID.
    pub names: Vec<Reference>,
    /// The manifest or index that its names lead to.
    pub descriptor: Descriptor,
    /// The one image that `manifest.json` lists; of several platforms the one that suits the host.
    pub listed: Listed,
    parts: Vec<Part>,
}

/// An image as `manifest.json` lists it.
#[derive(Debug, Clone)]
pub struct Listed {
    /// Its config.
    pub config: Document<ImageConfig>,
    /// The blobs of its layers, bottom first, with their diff IDs.
    pub layers: Vec<(DiffId, Digest)>,
}

impl Outgoing {
    /// All that the descriptor leads to, and what it describes, each once: blobs, configs, manifests, indexes.
    pub fn parts(&self) -> &[Part] {
        &self.parts
    }

    /// The names that docker's own documents can hold: those with a tag, and without a digest.
    pub fn tagged_names(&self) -> impl Iterator<Item = (&Reference, &str)> {
        self.names.iter().filter(|name| name.digest().is_none()).filter_map(|name| Some((name, name.tag()?)))
    }
}

/// What a part is, in the order in which receivers want them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum PartKind {
    /// A layer, or a blob of an artifact.
    Blob,
    /// The config of an image.
    Config,
    /// A manifest.
    Manifest,
    /// An index.
    Index,
}

/// One blob or document of an image on its way out. Cloning is cheap.
#[derive(Debug, Clone)]
pub struct Part {
    /// What it is.
    pub kind: PartKind,
    /// Its media type, digest and size as it is written.
    pub descriptor: Descriptor,
    /// What it is called on a progress bar: `layer 3/8`.
    pub label: String,
    /// The image that it belongs to, for messages.
    pub image: String,
    blob: Blob,
    recode: Option<Recode>,
}

impl Part {
    /// Its bytes as they are written. Whoever reads them compares their digest with the descriptor's.
    pub fn open(&self) -> io::Result<Box<dyn Read + Send>> {
        match self.recode {
            Some(recode) => recode.open(&self.blob),
            None => Ok(Box::new(self.blob.open()?)),
        }
    }

    /// The blob, if it is written as it is.
    pub fn as_stored(&self) -> Option<&Blob> {
        if self.recode.is_none() { Some(&self.blob) } else { None }
    }

    /// What it is called in messages: `layer 3/8 of demo:1`.
    pub fn shown(&self) -> String {
        format!("{} of {}", self.label, self.image)
    }
}

/// The parts of an image while they are collected, each once.
#[derive(Default)]
struct Parts {
    seen: std::collections::HashSet<Digest>,
    parts: Vec<Part>,
}

impl Parts {
    fn add(&mut self, part: Part) {
        if self.seen.insert(part.descriptor.digest) {
            self.parts.push(part);
        }
    }

    fn add_document(&mut self, kind: PartKind, descriptor: Descriptor, bytes: &[u8], image: &str) {
        let label = match kind {
            PartKind::Blob => "blob",
            PartKind::Config => "config",
            PartKind::Manifest => "manifest",
            PartKind::Index => "index",
        };
        let (label, image, blob) = (label.to_owned(), image.to_owned(), Blob::bytes(bytes));
        self.add(Part { kind, descriptor, label, image, blob, recode: None });
    }

    fn add_stored(&mut self, descriptor: &Descriptor, blob: Option<&Blob>, label: String, image: &str) {
        if let Some(blob) = blob {
            let (descriptor, image, blob) = (descriptor.clone(), image.to_owned(), blob.clone());
            self.add(Part { kind: PartKind::Blob, descriptor, label, image, blob, recode: None });
        }
    }

    /// Inner indexes were added before those that name them, and stay there.
    fn in_order(mut self) -> Vec<Part> {
        self.parts.sort_by_key(|part| part.kind);
        self.parts
    }
}
