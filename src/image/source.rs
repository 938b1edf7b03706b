//! The one way in: the images of a place, with their names, wherever the place is.
//!
//! ```text
//! layout::Layout      an OCI layout folder, or a store
//! archive::TarIndex   an archive: a file, or a stream whose members are kept as they come
//! registry::Remote    what a name leads to in a registry: fetched when it is read
//! ```
//!
//! Each is an [`ImageSource`]: it lists what is there as an [`Inventory`] and opens blobs by their descriptors. Everything
//! that copies images takes them from here.

use std::collections::BTreeSet;

use crate::image::blobs::{BlobSource, Error};
use crate::image::{ImageTree, artifact};
use crate::oci::{Descriptor, Reference};

/// A place with images.
pub trait ImageSource: BlobSource {
    /// Why its list of images cannot be read.
    type Error;

    /// What is there, in the order in which the place lists it.
    fn inventory(&self) -> Result<Inventory, Self::Error>;
}

/// An image, or several for several platforms, and the names that a place gives it.
#[derive(Debug, Clone)]
pub struct Named {
    /// Full references with tags or digests; none if the place has none for it.
    pub names: Vec<Reference>,
    /// What the place's index says of it, if it has one.
    pub descriptor: Option<Descriptor>,
    /// What is in it.
    pub tree: ImageTree,
}

/// What is at a place.
#[derive(Debug, Clone, Default)]
pub struct Inventory {
    /// The images.
    pub images: Vec<Named>,
    /// Signatures, attestations, charts and other artifacts.
    pub artifacts: Vec<Named>,
}

impl Inventory {
    /// Separates images from artifacts.
    pub fn of(all: Vec<Named>) -> Self {
        let (images, artifacts) = all.into_iter().partition(|named| !named.tree.images().is_empty());
        Self { images, artifacts }
    }

    /// The kinds of artifacts here.
    pub fn artifact_kinds(&self) -> Vec<String> {
        let kinds = self.artifacts.iter().flat_map(|named| artifact::kinds(named.descriptor.as_ref(), &named.tree));
        kinds.collect::<BTreeSet<_>>().into_iter().collect()
    }
}

/// Images and artifacts with normalised names; a digest in a name must be that of what it leads to.
pub fn settled(mut all: Vec<Named>) -> Result<Vec<Named>, Error> {
    for Named { names, descriptor, tree } in &mut all {
        let mut kept = Vec::new();
        for name in names.drain(..) {
            let name = settled_name(name, descriptor.as_ref(), tree)?;
            kept.extend(name.filter(|name| !kept.contains(name)));
        }
        *names = kept;
    }
    Ok(all)
}

/// A normalised name: a digest in it must be that of the image's manifest or index, or of the manifest of one of its
/// platforms. With a tag, the digest is redundant and is dropped. Without a manifest, the digest cannot be checked and
/// is dropped too; `None` if no name is left then.
fn settled_name(
    name: Reference,
    descriptor: Option<&Descriptor>,
    tree: &ImageTree,
) -> Result<Option<Reference>, Error> {
    let Some(digest) = name.digest() else { return Ok(Some(name)) };
    if let Some(descriptor) = descriptor
        && descriptor.digest != *digest
        && !tree.has_manifest(digest)
    {
        return Err(Error::NameDigest { name: name.familiar(), actual: descriptor.digest });
    }
    let keep = name.tag().is_some() || descriptor.is_some();
    let name = if name.tag().is_some() { name.without_digest() } else { name };
    Ok(keep.then_some(name))
}
