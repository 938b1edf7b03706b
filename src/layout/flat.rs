//! Multi-platform images whose manifests are listed directly in `index.json`, without an index of their own.
//!
//! ```text
//! index.json   [{"digest":"…","platform":{"architecture":"amd64",…},"annotations":{"…ref.name":"a:1"}},
//!               {"digest":"…","platform":{"architecture":"arm64",…},"annotations":{"…ref.name":"a:1"}}]
//! ```
//!
//! They become one image under an index that is made here, so that the platforms do not compete for the name.

use std::collections::{BTreeSet, HashSet};

use super::set_name;
use crate::image::{Child, ImageTree, Named};
use crate::oci::{Digest, Document, Index, MediaType, Platform, Reference};

/// Joins images with a common name and different platforms, at the position of the first.
pub(super) fn join(mut found: Vec<Named>) -> Vec<Named> {
    let names: BTreeSet<Reference> = found.iter().flat_map(|named| named.names.clone()).collect();
    for name in names {
        let parts: Vec<&Named> = found.iter().filter(|named| named.names.contains(&name)).collect();
        if !are_platforms(&parts) {
            continue;
        }
        let new = under_one_index(&name, &parts);
        if let Some(known) = found.iter_mut().find(|known| digest(known) == digest(&new)) {
            known.names.push(name.clone());
        } else {
            let first = found.iter().position(|named| named.names.contains(&name)).unwrap_or_default();
            found.insert(first, new);
        }
        found.retain(|named| named.names != [name.clone()] || matches!(named.tree, ImageTree::Index { .. }));
        for named in found.iter_mut().filter(|named| !matches!(named.tree, ImageTree::Index { .. })) {
            named.names.retain(|other| *other != name);
        }
    }
    found
}

fn digest(named: &Named) -> Option<Digest> {
    named.descriptor.as_ref().map(|descriptor| descriptor.digest)
}

/// Whether these are several images for different platforms, with their attestations.
fn are_platforms(parts: &[&Named]) -> bool {
    let mut platforms = Vec::new();
    for part in parts {
        match &part.tree {
            ImageTree::Image(image) => platforms.push(image.described_platform.as_ref().map(Platform::normalized)),
            ImageTree::Artifact { .. } => {}
            _ => return false,
        }
    }
    let stated = platforms.iter().all(|platform| platform.as_ref().is_some_and(|platform| !platform.is_blank()));
    let distinct: HashSet<_> = platforms.iter().collect();
    stated && platforms.len() > 1 && distinct.len() == platforms.len()
}

fn under_one_index(name: &Reference, parts: &[&Named]) -> Named {
    let mut children = Vec::with_capacity(parts.len());
    for part in parts {
        let Some(mut descriptor) = part.descriptor.clone() else { continue };
        set_name(&mut descriptor, None);
        children.push(Child { descriptor, tree: part.tree.clone() });
    }
    let document = Document::make(Index::of(children.iter().map(|child| child.descriptor.clone()).collect()));
    let media_type = document.value().media_type.clone().unwrap_or(MediaType::OCI_INDEX);
    let mut descriptor = document.descriptor(media_type);
    if let Some(first) = parts.iter().find_map(|part| part.descriptor.as_ref()) {
        descriptor.annotations.clone_from(&first.annotations);
    }
    Named { names: vec![name.clone()], descriptor: Some(descriptor), tree: ImageTree::Index { document, children } }
}
