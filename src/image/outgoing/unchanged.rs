//! Images and artifacts that go out byte for byte, as they are where they were found.

use super::{Listed, Outgoing, PartKind, UniqueParts};
use crate::image::{Image, ImageTree};
use crate::oci::{Descriptor, Platform, Reference};

/// Everything that a manifest or index leads to, as far as it is there, in the form in which it was found. No layer is
/// looked at. `shown` is its name in messages; of several platforms the one that suits `host` is for `manifest.json`.
pub fn unchanged(
    names: &[Reference],
    shown: &str,
    (descriptor, tree): (&Descriptor, &ImageTree),
    host: &Platform,
) -> Outgoing {
    let mut parts = UniqueParts::default();
    add_unchanged(tree, descriptor, shown, &mut parts);
    let listed = tree.default_image(host).and_then(listed);
    Outgoing { names: names.to_vec(), descriptor: descriptor.clone(), listed, parts: parts.in_order() }
}

fn listed(image: &Image) -> Option<Listed> {
    let layers = image.layers.iter().map(|layer| Some((layer.diff_id, layer.descriptor.as_ref()?.digest)));
    Some(Listed { config: image.config.clone(), layers: layers.collect::<Option<_>>()? })
}

/// Adds everything present that a tree leads to, unchanged.
pub(super) fn add_unchanged(tree: &ImageTree, descriptor: &Descriptor, shown: &str, parts: &mut UniqueParts) {
    match tree {
        ImageTree::Image(found) => add_what_is_there(found, descriptor, shown, parts),
        ImageTree::Index { document, children } => {
            for child in children {
                add_unchanged(&child.tree, &child.descriptor, shown, parts);
            }
            parts.add_document(PartKind::Index, descriptor.clone(), document.bytes(), shown);
        }
        ImageTree::Artifact { manifest, blobs } => {
            for (part, blob) in blobs {
                parts.add_stored(part, blob.as_ref(), "attached blob".to_owned(), shown);
            }
            parts.add_document(PartKind::Manifest, descriptor.clone(), manifest.bytes(), shown);
        }
        ImageTree::Other(_) | ImageTree::Absent => {}
    }
}

/// Adds what is present of an image.
fn add_what_is_there(found: &Image, descriptor: &Descriptor, shown: &str, parts: &mut UniqueParts) {
    for (place, layer) in found.layers.iter().enumerate() {
        let label = format!("layer {}/{}", place + 1, found.layers.len());
        if let Some(described) = &layer.descriptor {
            parts.add_stored(described, layer.blob.as_ref(), label, shown);
        }
    }
    if let Some(manifest) = &found.manifest {
        let config = manifest.value().config.clone();
        parts.add_document(PartKind::Config, config, found.config.bytes(), shown);
        parts.add_document(PartKind::Manifest, descriptor.clone(), manifest.bytes(), shown);
    }
}
