//! Manifests of a repository without a tag: entries that are named `NAME@sha256:…`.
//!
//! A tag that the server moves or deletes leaves its manifest as such an entry, with an annotation that says since when:
//! who knows its digest can still pull it, until it is collected. What was pushed or pulled by its digest alone has no
//! annotation, and stays. What was pushed for an index belongs to that once the index is there, and needs no entry.

use std::collections::HashSet;
use std::time::SystemTime;

use jiff::Timestamp;

use super::{Catalog, CatalogEntry};
use crate::oci::{ANNOTATION_UNTAGGED, Descriptor, Digest, Reference};

impl CatalogEntry {
    /// Whether it has only a digest for a name.
    pub fn is_untagged(&self) -> bool {
        self.name.as_ref().is_some_and(|name| name.tag().is_none() && name.digest().is_some())
    }

    /// Since when its manifest has had no tag; none if it never lost one.
    pub fn untagged_since(&self) -> Option<SystemTime> {
        let text = self.descriptor.annotation(ANNOTATION_UNTAGGED).filter(|_| self.is_untagged())?;
        text.parse::<Timestamp>().ok().map(SystemTime::from)
    }

    /// Whether its name is in that repository.
    pub(in crate::store) fn is_in(&self, repository: &Reference) -> bool {
        let same =
            |name: &Reference| (name.registry(), name.repository()) == (repository.registry(), repository.repository());
        self.name.as_ref().is_some_and(same)
    }
}

impl Catalog {
    /// Leaves a manifest in a repository that has no tag there any more since then. Nothing changes if it has one.
    pub fn leave(&mut self, repository: &Reference, descriptor: &Descriptor, since: SystemTime) {
        let has_tag = |entry: &CatalogEntry| entry.is_in(repository) && !entry.is_untagged();
        if self.leading_to(&descriptor.digest).any(has_tag) {
            return;
        }
        let Ok(since) = Timestamp::try_from(since) else { return };
        let name = by_digest(repository, &descriptor.digest);
        if !self.places.contains_key(&name) {
            self.tag(&name, descriptor, true);
        }
        if let Some(place) = self.places.get(&name) {
            let annotations = &mut self.entries[*place].descriptor.annotations;
            annotations.insert(ANNOTATION_UNTAGGED.to_owned(), since.to_string());
        }
    }

    /// Takes the manifests of an index out of the names of a repository, which has them through the index. Those with a
    /// tag stay.
    pub fn adopt(&mut self, repository: &Reference, manifests: impl IntoIterator<Item = Digest>) {
        self.drop_names(&manifests.into_iter().map(|digest| by_digest(repository, &digest)).collect());
    }

    /// Removes names; their images go with their last name, but for parents of others.
    pub fn drop_names(&mut self, names: &HashSet<Reference>) {
        let is_one = |entry: &CatalogEntry| entry.name.as_ref().is_some_and(|name| names.contains(name));
        let gone: Vec<Descriptor> =
            self.entries.iter().filter(|entry| is_one(entry)).map(|entry| entry.descriptor.clone()).collect();
        if gone.is_empty() {
            return;
        }
        self.retain(|entry| !is_one(entry));
        let parents: HashSet<Digest> = self.entries.iter().filter_map(CatalogEntry::parent).collect();
        for descriptor in gone.iter().filter(|descriptor| parents.contains(&descriptor.digest)) {
            self.add(descriptor);
        }
        self.keep_parents(&gone);
    }

    /// Forgets that a manifest lost its tag, before it gets this name.
    pub(super) fn forget_loss(&mut self, name: &Reference, digest: &Digest) {
        let untagged = by_digest(name, digest);
        let Some(place) = self.places.get(&untagged) else { return };
        let was_marked = self.entries[*place].descriptor.annotations.remove(ANNOTATION_UNTAGGED).is_some();
        // The tag keeps it from now on.
        if was_marked && name.tag().is_some() {
            self.retain(|entry| entry.name.as_ref() != Some(&untagged));
        }
    }
}

/// The name of a manifest without a tag.
fn by_digest(repository: &Reference, digest: &Digest) -> Reference {
    repository.without_tag().with_digest(*digest)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::oci::{Index, MediaType};

    const THEN: SystemTime = SystemTime::UNIX_EPOCH;

    fn descriptor(content: &str) -> Descriptor {
        Descriptor::new(MediaType::OCI_MANIFEST, Digest::of(content.as_bytes()), content.len() as u64)
    }

    fn name(text: &str) -> Reference {
        text.parse::<Reference>().expect("a reference")
    }

    fn shown(catalog: &Catalog) -> Vec<String> {
        let short = |entry: &CatalogEntry| entry.to_string().replace("sha256:", "").chars().take(10).collect();
        catalog.entries().iter().map(short).collect()
    }

    #[test]
    fn what_lost_its_tag_is_marked_until_it_has_one_again() {
        let mut catalog = Catalog::new(Index::new(MediaType::OCI_INDEX, Vec::new()));
        let (x, y) = (descriptor("x"), descriptor("y"));
        catalog.tag(&name("a:1"), &x, true);
        catalog.tag(&name("a:2"), &x, true);
        catalog.tag(&name("a:1"), &y, true);
        catalog.leave(&name("a"), &x, THEN);
        assert_eq!(shown(&catalog), ["a:1", "a:2"], "it has another tag");
        catalog.tag(&name("a:2"), &y, true);
        catalog.leave(&name("a"), &x, THEN + Duration::from_secs(1));
        assert_eq!(shown(&catalog), ["a:1", "a:2", "a@2d711642"]);
        assert_eq!(catalog.entries()[2].untagged_since(), Some(THEN + Duration::from_secs(1)));
        let read = Catalog::new(catalog.clone().into_index());
        assert_eq!(read.entries()[2].untagged_since(), Some(THEN + Duration::from_secs(1)));
        catalog.tag(&name("a:3"), &x, true);
        assert_eq!(shown(&catalog), ["a:1", "a:2", "a:3"]);
        assert_eq!(catalog.entries()[2].untagged_since(), None);
    }

    #[test]
    fn what_was_pushed_by_its_digest_is_not_marked_and_stays_beside_a_tag() {
        let mut catalog = Catalog::new(Index::new(MediaType::OCI_INDEX, Vec::new()));
        let x = descriptor("x");
        let untagged = by_digest(&name("a"), &x.digest);
        catalog.tag(&untagged, &x, true);
        catalog.tag(&name("a:1"), &x, true);
        assert_eq!(shown(&catalog), ["a@2d711642", "a:1"]);
        assert_eq!(catalog.entries()[0].untagged_since(), None);
        catalog.drop_names(&HashSet::from([name("a:1")]));
        catalog.leave(&name("a"), &x, THEN);
        assert_eq!(catalog.entries()[0].untagged_since(), Some(THEN), "it lost a tag");
        catalog.tag(&untagged, &x, true);
        assert_eq!(catalog.entries()[0].untagged_since(), None, "it was pushed again");
    }

    #[test]
    fn the_manifests_of_an_index_need_no_names() {
        let mut catalog = Catalog::new(Index::new(MediaType::OCI_INDEX, Vec::new()));
        let (x, y) = (descriptor("x"), descriptor("y"));
        for (name, image) in [(by_digest(&name("a"), &x.digest), &x), (by_digest(&name("b"), &x.digest), &x)] {
            catalog.tag(&name, image, true);
        }
        catalog.tag(&name("a:y"), &y, true);
        catalog.adopt(&name("a"), [x.digest, y.digest]);
        assert_eq!(shown(&catalog), ["b@2d711642", "a:y"]);
        catalog.drop_names(&HashSet::from([name("a:y")]));
        assert_eq!(shown(&catalog), ["b@2d711642"], "nothing is left without a name");
    }
}
