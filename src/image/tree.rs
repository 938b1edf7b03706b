//! What a descriptor leads to: documents are read and verified here, layers are only located.

use std::collections::{HashMap, HashSet};

use base64::Engine as _;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::image::blobs::{BlobSource, Error};
use crate::image::{Blob, Image, Layer, MAX_DESCRIPTORS, MAX_INDEX_DEPTH, MAX_LAYERS, select};
use crate::oci::{
    ANNOTATION_DOCKER_REFERENCE_TYPE, Descriptor, Digest, Document, DocumentKind, ImageConfig, Index, Manifest,
    Platform,
};

/// All that a name in an index leads to.
#[derive(Debug, Clone)]
pub enum ImageTree {
    /// An image for one platform.
    Image(Box<Image>),
    /// An index, and what it leads to.
    Index {
        /// The index itself, byte for byte.
        document: Document<Index>,
        /// One for each of its descriptors, in its order.
        children: Vec<Child>,
    },
    /// A manifest that is not an image (an attestation, a signature, a chart), and those of its blobs that are present.
    Artifact {
        /// The manifest, byte for byte.
        manifest: Document<Manifest>,
        /// Its config and layers.
        blobs: Vec<(Descriptor, Option<Blob>)>,
    },
    /// A blob whose media type is neither a manifest nor an index.
    Other(Blob),
    /// Listed, but missing: a platform that was not saved.
    Absent,
}

/// One descriptor of an index and what it leads to.
#[derive(Debug, Clone)]
pub struct Child {
    /// As the index has it.
    pub descriptor: Descriptor,
    /// What was found.
    pub tree: ImageTree,
}

impl ImageTree {
    /// Reads what `descriptor` leads to. Every document is verified against its digest and size. What the root needs
    /// must be present; an index may list what is missing.
    pub fn read(source: &dyn BlobSource, descriptor: &Descriptor) -> Result<Self, Error> {
        let mut reader = Reader { source, seen: 0, memory: HashMap::new() };
        match reader.read(descriptor, 0)? {
            Self::Absent => Err(Error::Missing { what: "manifest", digest: descriptor.digest }),
            tree => Ok(tree),
        }
    }

    /// The images, in the order of the indexes.
    pub fn images(&self) -> Vec<&Image> {
        match self {
            Self::Image(image) => vec![image],
            Self::Index { children, .. } => children.iter().flat_map(|child| child.tree.images()).collect(),
            _ => Vec::new(),
        }
    }

    /// The default image on `host`: the one for that platform, else the first complete one, else the first.
    pub fn default_image(&self, host: &Platform) -> Option<&Image> {
        let images = self.images();
        let complete: Vec<&Image> = images.iter().copied().filter(|image| image.is_complete()).collect();
        select(&complete, host).or_else(|| complete.first().copied()).or_else(|| images.first().copied())
    }

    /// The image for exactly the platform asked for, if there is one that is complete.
    pub fn image_for(&self, platform: &Platform) -> Option<&Image> {
        let exact = |image: &&Image| image.is_complete() && platform.matches(&image.platform());
        self.images().into_iter().filter(exact).min_by_key(|image| platform.unasked_features(&image.platform()))
    }

    /// Records the platform that `descriptor` gives to its image.
    fn described_by(mut self, descriptor: &Descriptor) -> Self {
        if let Self::Image(image) = &mut self {
            image.described_platform.clone_from(&descriptor.platform);
        }
        self
    }
}

impl ImageTree {
    /// Whether one of the indexes lists a manifest or index of that digest.
    pub fn has_manifest(&self, digest: &Digest) -> bool {
        let Self::Index { children, .. } = self else { return false };
        children.iter().any(|child| child.descriptor.digest == *digest || child.tree.has_manifest(digest))
    }

    /// Whether nothing is missing.
    pub fn is_whole(&self) -> bool {
        match self {
            Self::Image(image) => image.is_complete(),
            Self::Index { children, .. } => children.iter().all(|child| child.tree.is_whole()),
            Self::Artifact { blobs, .. } => blobs.iter().all(|(_, blob)| blob.is_some()),
            Self::Other(_) => true,
            Self::Absent => false,
        }
    }

    /// Adds the digests of all blobs below the root, present or not.
    pub fn collect_digests(&self, into: &mut HashSet<Digest>) {
        match self {
            Self::Image(image) => {
                into.insert(*image.config.digest());
                into.extend(
                    image.layers.iter().filter_map(|layer| layer.descriptor.as_ref()).map(|layer| layer.digest),
                );
            }
            Self::Index { children, .. } => {
                for child in children {
                    into.insert(child.descriptor.digest);
                    child.tree.collect_digests(into);
                }
            }
            Self::Artifact { blobs, .. } => into.extend(blobs.iter().map(|(descriptor, _)| descriptor.digest)),
            Self::Other(blob) => collect_from_unknown(blob, into),
            Self::Absent => {}
        }
    }
}

/// Adds all digests in a JSON document of an unknown type: they may be references that another tool wrote.
pub fn collect_from_unknown(blob: &Blob, into: &mut impl Extend<Digest>) {
    if blob.size() > Manifest::LIMIT as u64 {
        return;
    }
    let value = blob.read_all(Manifest::LIMIT as u64).ok().and_then(|bytes| serde_json::from_slice(&bytes).ok());
    let Some(Value::Object(mut fields)) = value else { return };
    // Its subject is not part of it.
    fields.remove("subject");
    let mut rest = vec![Value::Object(fields)];
    while let Some(value) = rest.pop() {
        match value {
            Value::String(text) => into.extend(text.parse::<Digest>()),
            Value::Array(values) => rest.extend(values),
            Value::Object(fields) => rest.extend(fields.into_iter().map(|(_, value)| value)),
            Value::Null | Value::Bool(_) | Value::Number(_) => {}
        }
    }
}

struct Reader<'a> {
    source: &'a dyn BlobSource,
    seen: usize,
    /// A cache, so that a descriptor that is repeated a thousand times is read once.
    memory: HashMap<(Digest, bool), ImageTree>,
}

impl Reader<'_> {
    fn read(&mut self, descriptor: &Descriptor, depth: usize) -> Result<ImageTree, Error> {
        if self.seen > MAX_DESCRIPTORS {
            return Err(Error::TooManyDescriptors);
        }
        // What the name leads to is none of those that it has.
        self.seen += 1;
        if depth > MAX_INDEX_DEPTH {
            return Err(Error::TooDeep);
        }
        let Some(blob) = self.open("manifest", descriptor)? else {
            return Ok(ImageTree::Absent);
        };
        if descriptor.media_type.is_index() {
            return self.read_index(descriptor, &blob, depth);
        }
        if descriptor.media_type.is_manifest() {
            // The index that lists a manifest may say that it is no image.
            let key = (descriptor.digest, descriptor.annotation(ANNOTATION_DOCKER_REFERENCE_TYPE).is_some());
            let tree = match self.memory.get(&key) {
                Some(known) => known.clone(),
                None => self.read_manifest(descriptor, &blob, depth)?,
            };
            self.memory.entry(key).or_insert_with(|| tree.clone());
            return Ok(tree.described_by(descriptor));
        }
        Ok(ImageTree::Other(blob))
    }

    /// The blob that a descriptor leads to; embedded data need not be in the source.
    fn open(&self, what: &'static str, descriptor: &Descriptor) -> Result<Option<Blob>, Error> {
        let embedded = embedded(what, descriptor)?;
        Ok(self.source.open_blob(descriptor)?.or(embedded))
    }

    fn read_index(&mut self, descriptor: &Descriptor, blob: &Blob, depth: usize) -> Result<ImageTree, Error> {
        let document: Document<Index> = document("index", descriptor, blob)?;
        let mut children = Vec::new();
        for child in &document.value().manifests {
            children.push(Child { descriptor: child.clone(), tree: self.read(child, depth + 1)? });
        }
        Ok(ImageTree::Index { document, children })
    }

    fn read_manifest(&mut self, descriptor: &Descriptor, blob: &Blob, depth: usize) -> Result<ImageTree, Error> {
        let manifest: Document<Manifest> = document("manifest", descriptor, blob)?;
        if !is_image(descriptor, manifest.value()) {
            let Manifest { config, layers, .. } = manifest.value();
            let mut blobs = Vec::with_capacity(layers.len() + 1);
            for part in std::iter::once(config).chain(layers) {
                blobs.push((part.clone(), self.open("blob", part)?));
            }
            return Ok(ImageTree::Artifact { manifest, blobs });
        }
        let described = &manifest.value().config;
        let Some(blob) = self.open("config", described)? else {
            if depth == 0 {
                return Err(Error::Missing { what: "config", digest: described.digest });
            }
            return Ok(ImageTree::Absent);
        };
        let config: Document<ImageConfig> = document("config", described, &blob)?;
        let layers = self.find_layers(&manifest, &config)?;
        Ok(ImageTree::Image(Box::new(Image { manifest: Some(manifest), config, layers, described_platform: None })))
    }

    fn find_layers(&self, manifest: &Document<Manifest>, config: &Document<ImageConfig>) -> Result<Vec<Layer>, Error> {
        let (described, diff_ids) = (&manifest.value().layers, &config.value().rootfs.diff_ids);
        if described.len() != diff_ids.len() {
            return Err(Error::LayerCount { diff_ids: diff_ids.len(), layers: described.len() });
        }
        if described.len() > MAX_LAYERS {
            return Err(Error::TooManyLayers { layers: described.len() });
        }
        let mut layers = Vec::with_capacity(diff_ids.len());
        for (descriptor, diff_id) in described.iter().zip(diff_ids) {
            let blob = self.open("layer", descriptor)?;
            if let Some(blob) = &blob {
                check_size("layer", descriptor, blob)?;
            }
            layers.push(Layer { diff_id: *diff_id, descriptor: Some(descriptor.clone()), blob });
        }
        Ok(layers)
    }
}

/// The embedded data of a descriptor, which must match its size and digest.
fn embedded(what: &'static str, descriptor: &Descriptor) -> Result<Option<Blob>, Error> {
    let Some(data) = &descriptor.data else { return Ok(None) };
    let wrong = Error::EmbeddedData { what, digest: descriptor.digest };
    match base64::engine::general_purpose::STANDARD.decode(data) {
        Ok(bytes) if bytes.len() as u64 == descriptor.size && Digest::of(&bytes) == descriptor.digest => {
            Ok(Some(Blob::bytes(bytes)))
        }
        _ => Err(wrong),
    }
}

/// Whether a manifest describes a file system: it has an image's config, its layers are tars, and the index does not
/// mark it as an attestation of another.
pub(super) fn is_image(descriptor: &Descriptor, manifest: &Manifest) -> bool {
    let is_about_another = descriptor.annotation(ANNOTATION_DOCKER_REFERENCE_TYPE).is_some();
    !is_about_another
        && manifest.config.media_type.is_image_config()
        && manifest.layers.iter().all(|layer| layer.media_type.is_layer())
}

fn check_size(what: &'static str, descriptor: &Descriptor, blob: &Blob) -> Result<(), Error> {
    if descriptor.size == blob.size() {
        return Ok(());
    }
    let (expected, actual) = (descriptor.size, blob.size());
    Err(Error::SizeMismatch { what, digest: descriptor.digest, expected, actual })
}

/// Reads a document and checks its size and digest against its descriptor.
pub fn document<T: DocumentKind + DeserializeOwned>(
    what: &'static str,
    descriptor: &Descriptor,
    blob: &Blob,
) -> Result<Document<T>, Error> {
    check_size(what, descriptor, blob)?;
    let digest = descriptor.digest;
    let bytes =
        blob.read_all(T::LIMIT as u64).map_err(|source| Error::Io { what: format!("{what} {digest}"), source })?;
    let document = Document::<T>::parse(bytes).map_err(|source| Error::Document { what, digest, source })?;
    if *document.digest() != digest {
        return Err(Error::DigestMismatch { what, expected: digest, actual: *document.digest() });
    }
    Ok(document)
}
