//! Archives with both `manifest.json` and `index.json` mean one thing, or nothing.
//!
//! docker reads the one, podman and containerd the other. Where the two would give different images, the archive is
//! refused. Where they agree, the images are taken as `index.json` describes them, because that keeps manifests and
//! platforms, and named as `manifest.json` names them.

use super::{Error, Named};
use crate::image::{Image, Tree};
use crate::oci::{ANNOTATION_IMAGE_NAME, ANNOTATION_REF_NAME, Reference};

/// The images that both describe.
pub(super) fn agree(docker: Vec<Named>, oci: &[Named]) -> Result<Vec<Named>, Error> {
    check_index_has_no_more(&docker, oci)?;
    let mut agreed: Vec<Named> = Vec::new();
    for image in docker {
        let Tree::Image(listed) = &image.tree else { continue };
        check_names(listed, &image.names, oci)?;
        let Some(described) = find(listed, &image.names, oci) else {
            // docker 25.0 forgot images without names in index.json.
            if image.names.is_empty() {
                agreed.push(image);
                continue;
            }
            return Err(disagree(format!("image {} is in manifest.json only", listed.id())));
        };
        match same_layers(listed, described) {
            Layers::Same => agreed.push(Named { names: image.names, ..described.clone() }),
            Layers::Shuffled => agreed.push(image),
            Layers::Other => {
                return Err(disagree(format!("image {} has other layer files in one than in the other", listed.id())));
            }
        }
    }
    Ok(agreed)
}

fn disagree(what: String) -> Error {
    Error::Disagree { what }
}

/// Whatever `index.json` names, with images in it, has one that `manifest.json` lists.
fn check_index_has_no_more(docker: &[Named], oci: &[Named]) -> Result<(), Error> {
    for described in oci {
        let images = described.tree.images();
        let listed = |image: &&Image| docker.iter().any(|other| holds(&other.tree, image));
        if !images.is_empty() && !images.iter().any(listed) {
            return Err(disagree(format!("image {} is in index.json only", images[0].id())));
        }
    }
    Ok(())
}

/// A full name that one of the two gives to an image, the other gives to the same image.
fn check_names(listed: &Image, names: &[Reference], oci: &[Named]) -> Result<(), Error> {
    for described in oci {
        let same_image = holds(&described.tree, listed);
        for name in full_names(described) {
            let in_both = names.contains(name);
            if in_both && !same_image {
                return Err(disagree(format!("{} is two different images", name.familiar())));
            }
        }
    }
    let described: Vec<&Named> = oci.iter().filter(|described| holds(&described.tree, listed)).collect();
    let theirs: Vec<&Reference> = described.iter().flat_map(|described| full_names(described)).collect();
    if theirs.is_empty() {
        return Ok(());
    }
    let only_here = names.iter().find(|name| !theirs.contains(name));
    let not_here = theirs.iter().find(|name| !names.contains(name)).copied();
    match only_here.or(not_here) {
        Some(name) => Err(disagree(format!("one names {} and the other does not", name.familiar()))),
        None => Ok(()),
    }
}

/// The names of an entry that say repository and tag; `index.json` may also give a tag alone, or a digest.
fn full_names(described: &Named) -> impl Iterator<Item = &Reference> {
    let full = described.descriptor.as_ref().is_some_and(|descriptor| {
        let is_full = |text: &str| text.contains(['/', ':', '@']);
        descriptor.annotation(ANNOTATION_IMAGE_NAME).is_some()
            || descriptor.annotation(ANNOTATION_REF_NAME).is_some_and(is_full)
    });
    described.names.iter().filter(move |name| full && name.digest().is_none())
}

fn holds(tree: &Tree, image: &Image) -> bool {
    tree.images().iter().any(|other| other.id() == image.id())
}

/// The entry of `index.json` that holds the image; of several the one that has its first name.
fn find<'a>(listed: &Image, names: &[Reference], oci: &'a [Named]) -> Option<&'a Named> {
    let holding = || oci.iter().filter(|described| holds(&described.tree, listed));
    holding().find(|described| names.iter().any(|name| described.names.contains(name))).or_else(|| holding().next())
}

enum Layers {
    Same,
    /// docker 25.0 wrote the layers of its manifests in any order.
    Shuffled,
    Other,
}

fn same_layers(listed: &Image, described: &Named) -> Layers {
    let images = described.tree.images();
    let Some(other) = images.iter().find(|other| other.id() == listed.id()) else { return Layers::Other };
    let is_same = |(one, two): (&crate::image::Layer, &crate::image::Layer)| match (&one.blob, &two.blob) {
        (Some(one), Some(two)) => one.key() == two.key(),
        (None, None) => true,
        _ => false,
    };
    if listed.layers.iter().zip(&other.layers).all(is_same) {
        return Layers::Same;
    }
    let found_in = |layer: &crate::image::Layer| other.layers.iter().any(|there| is_same((layer, there)));
    if listed.layers.iter().all(found_in) { Layers::Shuffled } else { Layers::Other }
}
