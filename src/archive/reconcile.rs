//! Archives with both `manifest.json` and `index.json`.
//!
//! docker reads the one, podman and containerd the other, and many writers leave images or names out of one of them. So
//! the images of both are taken: as `index.json` describes them, because that keeps manifests and platforms, and those
//! that it does not have as `manifest.json` describes them. An omission is no contradiction; but a name that both give
//! must lead to the same config, or the archive is refused.

use std::collections::BTreeSet;

use super::Error;
use crate::image::{Image, ImageTree, Layer, Named};
use crate::oci::{ANNOTATION_IMAGE_NAME, ANNOTATION_REF_NAME, Document, Manifest, MediaType, Reference};

/// The images of both, those of `manifest.json` first and in its order.
pub(super) fn agree(docker: Vec<Named>, oci: Vec<Named>) -> Result<Vec<Named>, Error> {
    let partial = partial_names(&docker, &oci);
    let mut merger = Merger { partial, oci, order: Vec::new(), shuffled: BTreeSet::new(), added: Vec::new() };
    for item in docker {
        merger.add(item)?;
    }
    Ok(merger.finish())
}

struct Merger {
    /// What `index.json` lists; it gets the names that only `manifest.json` gives.
    oci: Vec<Named>,
    /// Names that are only a tag in `index.json`, of images that `manifest.json` names in full.
    partial: BTreeSet<Reference>,
    /// The places in `oci` that `manifest.json` lists, in its order.
    order: Vec<usize>,
    /// The places in `oci` whose layers are in the wrong order.
    shuffled: BTreeSet<usize>,
    /// The images that only `manifest.json` describes as they are, with their places in the order.
    added: Vec<(usize, Named)>,
}

/// What `index.json` has of an image that `manifest.json` lists.
enum Home {
    /// The image, at this place.
    Same(usize),
    /// The image with its layers in another order.
    Shuffled(usize),
    Nothing,
}

impl Merger {
    fn add(&mut self, item: Named) -> Result<(), Error> {
        let ImageTree::Image(listed) = &item.tree else { return Ok(()) };
        let home = self.home(listed, &item.names)?;
        let mut own = Vec::new();
        for name in &item.names {
            let leading = self.leading(name);
            match leading.first().copied() {
                Some(place) if leading.iter().all(|place| holds(&self.oci[*place].tree, listed)) => {
                    let named = &mut self.oci[place];
                    if named.names.contains(name) {
                        forget_lost_digest(named, name);
                    } else {
                        named.names.push(name.clone());
                    }
                    self.order.push(place);
                }
                Some(_) => return Err(disagree(format!("{} is two different images", name.familiar()))),
                None => own.push(name.clone()),
            }
        }
        match home {
            Home::Same(place) => {
                self.order.push(place);
                self.oci[place].names.append(&mut own);
            }
            // docker 25.0 wrote the layers of its manifests in any order; manifest.json has the right one.
            Home::Shuffled(place) => {
                own.append(&mut self.oci[place].names);
                self.shuffled.insert(place);
                self.added.push((self.order.len(), Named { names: own, ..item }));
            }
            Home::Nothing => self.added.push((self.order.len(), Named { names: own, ..item })),
        }
        Ok(())
    }

    /// The entry of `index.json` that is the image: of several with one config the one with the same layer files.
    fn home(&self, listed: &Image, names: &[Reference]) -> Result<Home, Error> {
        let holding: Vec<usize> = (0..self.oci.len()).filter(|place| holds(&self.oci[*place].tree, listed)).collect();
        let with = |wanted: LayerSource| {
            let mut fitting =
                holding.iter().copied().filter(|place| same_layers(listed, &self.oci[*place].tree) == wanted);
            let first = fitting.clone().next();
            fitting.find(|place| names.iter().any(|name| self.oci[*place].names.contains(name))).or(first)
        };
        match (with(LayerSource::Same), with(LayerSource::Shuffled)) {
            (Some(place), _) => Ok(Home::Same(place)),
            (None, Some(place)) => Ok(Home::Shuffled(place)),
            (None, None) if holding.is_empty() => Ok(Home::Nothing),
            (None, None) => {
                Err(disagree(format!("image {} has other layer files in one than in the other", listed.id())))
            }
        }
    }

    /// The entries of `index.json` that have a name.
    fn leading(&self, name: &Reference) -> Vec<usize> {
        let is_it = |other: &Reference| short(other) == short(name) && !self.partial.contains(other);
        (0..self.oci.len()).filter(|place| self.oci[*place].names.iter().any(is_it)).collect()
    }

    fn finish(self) -> Vec<Named> {
        let Self { oci, partial, order, shuffled, added } = self;
        let right = |(place, named)| Some(named).filter(|_| !shuffled.contains(&place));
        let mut oci: Vec<Option<Named>> = oci.into_iter().enumerate().map(right).collect();
        let mut merged = Vec::new();
        let mut added = added.into_iter().peekable();
        for (at, place) in order.into_iter().enumerate() {
            while let Some((_, named)) = added.next_if(|(before, _)| *before <= at) {
                merged.push(named);
            }
            merged.extend(oci[place].take());
        }
        merged.extend(added.map(|(_, named)| named));
        merged.extend(oci.into_iter().flatten());
        for named in &mut merged {
            named.names.retain(|name| !partial.contains(name));
        }
        merged
    }
}

/// The name without its digest, which is redundant where there is a tag.
fn short(name: &Reference) -> Reference {
    if name.tag().is_some() { name.without_digest() } else { name.clone() }
}

/// imgtool up to 0.1 wrote an image that is named by digest with its layers unpacked, and so with a manifest of another
/// digest, under its old name in both lists. That digest is not in the archive, so the name loses it, and a name
/// without a tag is dropped.
fn forget_lost_digest(named: &mut Named, name: &Reference) {
    let Some(digest) = name.digest() else { return };
    let is_right = named.descriptor.as_ref().is_some_and(|descriptor| descriptor.digest == *digest);
    if is_right || named.tree.has_manifest(digest) || !named.tree.images().into_iter().all(is_made_anew) {
        return;
    }
    let tagged = name.tag().map(|_| name.without_digest());
    named.names.retain(|other| other != name);
    named.names.extend(tagged);
}

/// Whether a manifest has only the required fields, as one that was generated when the image was saved.
fn is_made_anew(image: &Image) -> bool {
    let is_bare = |manifest: &Document<Manifest>| {
        let Manifest { config, layers, .. } = manifest.value().clone();
        Document::make(Manifest::new(MediaType::OCI_MANIFEST, config, layers)).bytes() == manifest.bytes()
    };
    image.manifest.as_ref().is_some_and(is_bare)
}

fn disagree(what: String) -> Error {
    Error::Disagree { what }
}

/// Names that `index.json` gives by a tag alone, where `manifest.json` has names for the image.
fn partial_names(docker: &[Named], oci: &[Named]) -> BTreeSet<Reference> {
    let is_named = |described: &Named| docker.iter().any(|item| !item.names.is_empty() && shares(item, described));
    let by_tag = |described: &&Named| {
        let is_full = |text: &str| text.contains(['/', ':', '@']);
        described.descriptor.as_ref().is_some_and(|descriptor| {
            descriptor.annotation(ANNOTATION_IMAGE_NAME).is_none()
                && !descriptor.annotation(ANNOTATION_REF_NAME).is_some_and(is_full)
        })
    };
    let given: BTreeSet<&Reference> = docker.iter().flat_map(|item| &item.names).collect();
    let partial = oci.iter().filter(by_tag).filter(|described| is_named(described));
    partial.flat_map(|described| &described.names).filter(|name| !given.contains(name)).cloned().collect()
}

fn shares(item: &Named, described: &Named) -> bool {
    item.tree.images().iter().any(|image| holds(&described.tree, image))
}

fn holds(tree: &ImageTree, image: &Image) -> bool {
    tree.images().iter().any(|other| other.id() == image.id())
}

#[derive(PartialEq)]
enum LayerSource {
    Same,
    /// docker 25.0 wrote the layers of its manifests in any order.
    Shuffled,
    Other,
}

fn same_layers(listed: &Image, described: &ImageTree) -> LayerSource {
    let is_same = |(one, two): (&Layer, &Layer)| match (&one.blob, &two.blob) {
        (Some(one), Some(two)) => one.key() == two.key(),
        (None, None) => true,
        _ => false,
    };
    let images = described.images();
    let with_config = || images.iter().filter(|other| other.id() == listed.id());
    if with_config().any(|other| listed.layers.iter().zip(&other.layers).all(is_same)) {
        return LayerSource::Same;
    }
    let found =
        |other: &&&Image| listed.layers.iter().all(|layer| other.layers.iter().any(|there| is_same((layer, there))));
    if with_config().any(|other| found(&other)) { LayerSource::Shuffled } else { LayerSource::Other }
}
