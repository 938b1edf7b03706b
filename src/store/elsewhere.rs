//! Images of manifest lists that only a registry has.
//!
//! A list holds their manifests and configs, so that it can be shown and pushed without asking for them again, but none
//! of their layers. For all else they are what platforms are that were not loaded: listed, and not there.

use std::collections::{BTreeMap, HashSet};

use super::Store;
use crate::image::{Blob, BlobSource, Error as ImageError, ImageTree};
use crate::oci::{ANNOTATION_SOURCES, Descriptor, Digest, REGISTRY_PREFIX};

/// A store without the images that lists have, and only a registry.
pub struct Near<'a> {
    store: &'a Store,
    far: HashSet<Digest>,
}

impl BlobSource for Near<'_> {
    fn open_blob(&self, descriptor: &Descriptor) -> Result<Option<Blob>, ImageError> {
        if self.far.contains(&descriptor.digest) { Ok(None) } else { self.store.open_blob(descriptor) }
    }
}

impl Store {
    /// What entries lead to, without the images of their lists that only a registry has.
    pub fn near<'e>(&self, entries: impl IntoIterator<Item = &'e Descriptor>) -> Near<'_> {
        Near { store: self, far: entries.into_iter().flat_map(|entry| self.far(entry)).collect() }
    }

    /// The images of a list that only a registry has. Those of a list that cannot be read are not known.
    fn far(&self, list: &Descriptor) -> HashSet<Digest> {
        let Some(written) = list.annotation(ANNOTATION_SOURCES) else { return HashSet::new() };
        let Ok(ImageTree::Index { children, .. }) = ImageTree::read(self, list) else { return HashSet::new() };
        let sources: BTreeMap<String, String> = serde_json::from_str(written).unwrap_or_default();
        let is_far = |digest: &Digest| {
            sources.get(&digest.to_string()).is_some_and(|source| source.starts_with(REGISTRY_PREFIX))
        };
        let missing = children.iter().filter(|child| !child.tree.is_whole());
        missing.map(|child| child.descriptor.digest).filter(is_far).collect()
    }
}
