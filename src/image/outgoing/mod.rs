//! An image on its way out. Archives, layouts and registries are written from it.
//!
//! ```text
//! images that were found ──▶ prepare ──▶ Outgoing ─┬─ parts    blobs, then configs, manifests, indexes
//!                          (the form of            │           a part is a descriptor and bytes to open
//!                           each layer)            └─ listed   the one image that docker's manifest.json lists
//! ```
//!
//! Digest and size of each part are known before the first byte is written, as a tar and a registry need them. Parts
//! come after those that they refer to, so that a receiver that checks references can take them in order.

mod gzip;
mod index;
mod layers;
mod prepare;
mod recode;
mod request;
mod single;
mod unchanged;

use std::collections::HashSet;
use std::io::{self, Read};

use crate::image::Blob;
use crate::oci::{Descriptor, DiffId, Digest, Document, ImageConfig, Reference};

pub use prepare::prepare;
pub use recode::Recode;
pub use request::{OutgoingOptions, OutgoingRequest};
pub use unchanged::unchanged;

/// Why an image cannot be prepared for writing.
#[derive(Debug, thiserror::Error)]
pub enum OutgoingError {
    /// A layer cannot be read or compressed.
    #[error("{what}")]
    Io {
        /// Which layer of which image.
        what: String,
        /// The system's error.
        #[source]
        source: io::Error,
    },
    /// The diff ID of a layer is not the one in the config.
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
    /// As stored; but compressions without a media type are undone.
    AsStored,
    /// Recompressed, or uncompressed.
    Recoded(Recode),
}

/// An image, or several under one index, ready to be written.
#[derive(Debug, Clone)]
pub struct Outgoing {
    /// Its names; none if it was asked for by ID.
    pub names: Vec<Reference>,
    /// The manifest or index that its names lead to.
    pub descriptor: Descriptor,
    /// The one image that `manifest.json` lists; of several platforms the one that suits the host. An artifact has none.
    pub listed: Option<Listed>,
    parts: Vec<OutgoingPart>,
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
    /// What the descriptor describes and everything it leads to, each once: blobs, configs, manifests, indexes.
    pub fn parts(&self) -> &[OutgoingPart] {
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
pub struct OutgoingPart {
    /// What it is.
    pub kind: PartKind,
    /// Its media type, digest and size as it is written.
    pub descriptor: Descriptor,
    /// Its label on a progress bar: `layer 3/8`.
    pub label: String,
    /// The image that it belongs to, for messages.
    pub image: String,
    blob: Blob,
    recode: Option<Recode>,
}

impl OutgoingPart {
    /// Its bytes as they are written. The caller has to compare their digest with the descriptor's.
    pub fn open(&self) -> io::Result<Box<dyn Read + Send>> {
        match self.recode {
            Some(recode) => recode.open(&self.blob),
            None => self.open_from(0),
        }
    }

    /// The same bytes from `offset` on.
    pub fn open_from(&self, offset: u64) -> io::Result<Box<dyn Read + Send>> {
        if self.recode.is_none() {
            return Ok(Box::new(self.blob.pass_on(offset)?));
        }
        let mut stream = self.open()?;
        io::copy(&mut stream.by_ref().take(offset), &mut io::sink())?;
        Ok(stream)
    }

    /// The blob, if it is written as it is.
    pub fn as_stored(&self) -> Option<&Blob> {
        if self.recode.is_none() { Some(&self.blob) } else { None }
    }

    /// Its name in messages: `layer 3/8 of demo:1`.
    pub fn shown(&self) -> String {
        format!("{} of {}", self.label, self.image)
    }
}

/// The parts of an image while they are collected, each once.
#[derive(Default)]
struct UniqueParts {
    seen: HashSet<Digest>,
    parts: Vec<OutgoingPart>,
}

impl UniqueParts {
    fn add(&mut self, part: OutgoingPart) {
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
        self.add(OutgoingPart { kind, descriptor, label, image, blob, recode: None });
    }

    fn add_stored(&mut self, descriptor: &Descriptor, blob: Option<&Blob>, label: String, image: &str) {
        if let Some(blob) = blob {
            let (descriptor, image, blob) = (descriptor.clone(), image.to_owned(), blob.clone());
            self.add(OutgoingPart { kind: PartKind::Blob, descriptor, label, image, blob, recode: None });
        }
    }

    /// Nested indexes were added before those that list them; the sort is stable.
    fn in_order(mut self) -> Vec<OutgoingPart> {
        self.parts.sort_by_key(|part| part.kind);
        self.parts
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::image::{Child, Image, ImageTree, Layer, Silent, edit, manifest};
    use crate::layer::Compression;
    use crate::oci::{Index, MediaType, Platform};

    fn image(text: &str) -> Image {
        let diff_id = DiffId::new(Digest::of(text.as_bytes()));
        let mut config = edit::scratch(&Platform::new("linux", "amd64"));
        config.rootfs.diff_ids = vec![diff_id];
        let descriptor = Descriptor::new(MediaType::OCI_LAYER_TAR, *diff_id.digest(), text.len() as u64);
        let (blob, described) = (Some(Blob::bytes(text.as_bytes())), Some(descriptor.clone()));
        let layers = vec![Layer { diff_id, descriptor: described, blob }];
        let mut image = Image { manifest: None, config: Document::make(config), layers, described_platform: None };
        image.manifest = Some(image.manifest_with(vec![descriptor]));
        image
    }

    fn index(trees: Vec<ImageTree>) -> ImageTree {
        let describe = |tree: &ImageTree| match tree {
            ImageTree::Image(image) => manifest::descriptor(image.manifest.as_ref().expect("it was made with one")),
            ImageTree::Index { document, .. } => document.descriptor(MediaType::OCI_INDEX),
            _ => unreachable!("no other trees are made here"),
        };
        let children: Vec<Child> = trees.into_iter().map(|tree| Child { descriptor: describe(&tree), tree }).collect();
        let manifests = children.iter().map(|child| child.descriptor.clone()).collect();
        ImageTree::Index { document: Document::make(Index::new(MediaType::OCI_INDEX, manifests)), children }
    }

    fn out(tree: &ImageTree, form: LayerForm, scratch: Option<&std::path::Path>) -> Outgoing {
        let ImageTree::Index { document, .. } = tree else { unreachable!("an index is made here") };
        let (descriptor, images) = (document.descriptor(MediaType::OCI_INDEX), tree.images());
        let tar_size = |layer: &Layer| Ok(layer.blob.as_ref().map_or(0, Blob::size));
        let request = OutgoingRequest {
            names: &[],
            shown: "demo:1".to_owned(),
            image: images[0],
            index: Some((&descriptor, tree)),
            tar_size: &tar_size,
        };
        let mut all = prepare(&[request], &OutgoingOptions { form, scratch, progress: &Silent }).expect("all is there");
        all.remove(0)
    }

    #[test]
    fn what_is_referred_to_comes_first() {
        let tree =
            index(vec![index(vec![ImageTree::Image(Box::new(image("a")))]), ImageTree::Image(Box::new(image("b")))]);
        for form in [LayerForm::AsStored, LayerForm::Recoded(Recode::Zstd(3))] {
            let outgoing = out(&tree, form, None);
            let kinds: Vec<PartKind> = outgoing.parts().iter().map(|part| part.kind).collect();
            let want = [PartKind::Blob, PartKind::Config, PartKind::Manifest, PartKind::Index];
            assert_eq!(kinds, want.map(|kind| [kind; 2]).concat(), "{form:?}");
            let mut text = String::new();
            for part in outgoing.parts() {
                let mut bytes = Vec::new();
                part.open().and_then(|mut reader| reader.read_to_end(&mut bytes)).expect("bytes");
                assert_eq!(Digest::of(&bytes), part.descriptor.digest, "{}", part.shown());
                assert_eq!(bytes.len() as u64, part.descriptor.size, "{}", part.shown());
                let named = outgoing.parts().iter().filter(|other| {
                    String::from_utf8_lossy(&bytes).contains(&format!("\"digest\":\"{}\"", other.descriptor.digest))
                });
                named.for_each(|other| assert!(text.contains(&other.descriptor.digest.hex()), "{}", other.shown()));
                text.push_str(&part.descriptor.digest.hex());
            }
            assert_eq!(outgoing.parts().last().expect("parts").descriptor.digest, outgoing.descriptor.digest);
        }
    }

    #[test]
    fn a_layer_that_waits_in_a_file_is_the_same() {
        let tree = index(vec![ImageTree::Image(Box::new(image("a")))]);
        let folder = tempfile::tempdir().expect("a folder");
        for recode in [Recode::Gzip(6), Recode::Zstd(3)] {
            let waiting = out(&tree, LayerForm::Recoded(recode), Some(folder.path()));
            let twice = out(&tree, LayerForm::Recoded(recode), None);
            assert_eq!(waiting.descriptor, twice.descriptor);
            assert_eq!(waiting.parts()[0].descriptor.media_type, recode.compression().media_type());
            assert!(waiting.parts()[0].as_stored().is_some_and(Blob::is_range));
            assert!(twice.parts()[0].as_stored().is_none());
        }
        assert_eq!(Recode::Unpack.compression(), Compression::None);
    }

    #[test]
    fn a_layer_with_other_content_is_refused() {
        let mut damaged = image("a");
        damaged.layers[0].blob = Some(Blob::bytes(*b"b"));
        let tree = index(vec![ImageTree::Image(Box::new(damaged))]);
        let ImageTree::Index { document, .. } = &tree else { unreachable!("an index is made here") };
        let tar_size = |_: &Layer| Ok(1);
        let request = OutgoingRequest {
            names: &[],
            shown: "demo:1".to_owned(),
            image: tree.images()[0],
            index: Some((&document.descriptor(MediaType::OCI_INDEX), &tree)),
            tar_size: &tar_size,
        };
        let options = OutgoingOptions { form: LayerForm::Recoded(Recode::Gzip(6)), scratch: None, progress: &Silent };
        let error = prepare(&[request], &options).expect_err("it is damaged").to_string();
        assert!(error.starts_with("layer 1/1 of demo:1 is damaged: its diff ID is sha256:3e23"), "{error}");
    }
}
