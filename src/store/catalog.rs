//! The names in `index.json` and what they lead to.

use std::collections::{HashMap, HashSet};
use std::fmt;

use crate::layout::{StoreName, names_in_store, set_name};
use crate::oci::{ANNOTATION_PARENT, ANNOTATION_UNTAGGED, Descriptor, Digest, Index, Reference, go_json};

mod untagged;

/// One entry of a store's index.
#[derive(Debug, Clone, PartialEq)]
pub struct CatalogEntry {
    /// The image's name; images that lost theirs, or never had one, have none.
    pub name: Option<Reference>,
    /// Its name from another tool, if that is not a name that docker accepts.
    foreign_name: Option<String>,
    /// The manifest or index that the name leads to.
    pub descriptor: Descriptor,
}

impl CatalogEntry {
    /// The parent: the image that this one was committed on, if it was committed here.
    pub fn parent(&self) -> Option<Digest> {
        self.descriptor.parent()
    }

    /// Its name from another tool, if that is not a name that docker accepts, or belongs to another image.
    pub fn foreign_name(&self) -> Option<&str> {
        self.foreign_name.as_deref()
    }

    /// Whether the image has no name of any kind.
    pub fn is_nameless(&self) -> bool {
        self.name.is_none() && self.foreign_name.is_none()
    }
}

impl fmt::Display for CatalogEntry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.name {
            Some(name) => f.write_str(&name.familiar()),
            None => write!(f, "{}", self.descriptor.digest),
        }
    }
}

/// A name that was moved from another image.
#[derive(Debug, Clone, PartialEq)]
pub struct Moved {
    /// Where it led.
    pub from: Descriptor,
}

/// The names of a store, in the order in which they were given.
#[derive(Debug, Clone)]
pub struct Catalog {
    index: Index,
    entries: Vec<CatalogEntry>,
    /// Where the entry of each name is.
    places: HashMap<Reference, usize>,
    /// How many entries lead to each digest.
    uses: HashMap<Digest, usize>,
    /// The digests that an entry without any name leads to.
    nameless: HashSet<Digest>,
}

impl PartialEq for Catalog {
    fn eq(&self, other: &Self) -> bool {
        (&self.index, &self.entries) == (&other.index, &other.entries)
    }
}

impl Catalog {
    /// The catalog of an index, which other tools may have written.
    pub fn new(mut index: Index) -> Self {
        let names = names_in_store(&index.manifests);
        let entry = |(name, mut descriptor)| {
            let (name, foreign_name) = match name {
                StoreName::Image(name) => (Some(name), None),
                StoreName::Foreign(name) => (None, Some(name)),
                // A name that another entry has taken must not come back when that entry goes.
                StoreName::None => {
                    set_name(&mut descriptor, None);
                    (None, None)
                }
            };
            CatalogEntry { name, foreign_name, descriptor }
        };
        let entries = names.into_iter().zip(std::mem::take(&mut index.manifests)).map(entry).collect();
        let (places, uses, nameless) = (HashMap::new(), HashMap::new(), HashSet::new());
        let mut catalog = Self { index, entries, places, uses, nameless };
        catalog.count();
        catalog
    }

    /// The entries.
    pub fn entries(&self) -> &[CatalogEntry] {
        &self.entries
    }

    /// The digests of entries that cannot be read here, because they are of another algorithm than sha256.
    pub fn unsupported_digests(&self) -> impl Iterator<Item = &str> {
        self.index.unsupported.iter().filter_map(|entry| entry.get("digest")?.as_str())
    }

    /// The entry of a name.
    pub fn find(&self, name: &Reference) -> Option<&CatalogEntry> {
        self.places.get(name).map(|place| &self.entries[*place])
    }

    /// The entries of all names that lead to `digest`, and the nameless one.
    pub fn leading_to(&self, digest: &Digest) -> impl Iterator<Item = &CatalogEntry> {
        self.entries.iter().filter(move |entry| entry.descriptor.digest == *digest)
    }

    /// Whether any entry leads to `digest`.
    pub fn leads_to(&self, digest: &Digest) -> bool {
        self.uses.contains_key(digest)
    }

    /// Points `name` to `descriptor`. The image that it pointed to stays, nameless if this was its last name; with
    /// `forget`, it is then removed.
    pub fn tag(&mut self, name: &Reference, descriptor: &Descriptor, forget: bool) -> Option<Moved> {
        let mut named = CatalogEntry { name: Some(name.clone()), foreign_name: None, descriptor: descriptor.clone() };
        set_name(&mut named.descriptor, Some(name));
        named.descriptor.annotations.remove(ANNOTATION_UNTAGGED);
        self.forget_loss(name, &descriptor.digest);
        let Some(&place) = self.places.get(name) else {
            self.places.insert(name.clone(), self.entries.len());
            self.put(named);
            return None;
        };
        let from = self.entries[place].descriptor.clone();
        if from.digest == descriptor.digest {
            if let (Some(parent), None) = (descriptor.annotation(ANNOTATION_PARENT), from.parent()) {
                let annotations = &mut self.entries[place].descriptor.annotations;
                annotations.insert(ANNOTATION_PARENT.to_owned(), parent.to_owned());
            }
            return None;
        }
        self.forget_one(&from.digest);
        self.entries[place] = named;
        *self.uses.entry(descriptor.digest).or_default() += 1;
        self.drop_nameless(&descriptor.digest);
        if !forget {
            self.add(&from);
        }
        self.keep_parents(std::slice::from_ref(&from));
        Some(Moved { from })
    }

    /// Adds an image without a name, unless some entry leads to it already.
    pub fn add(&mut self, descriptor: &Descriptor) {
        if !self.leads_to(&descriptor.digest) {
            let mut descriptor = descriptor.clone();
            set_name(&mut descriptor, None);
            descriptor.annotations.remove(ANNOTATION_UNTAGGED);
            self.put(CatalogEntry { name: None, foreign_name: None, descriptor });
        }
    }

    /// Removes names. An image that loses its last name stays, nameless.
    pub fn untag_all(&mut self, names: &[Reference]) {
        let places = names.iter().filter_map(|name| self.places.get(name).copied()).collect();
        self.untag_at(&places);
    }

    /// Removes names from other tools, each from the first entry that has it. An image that loses its last name stays,
    /// nameless.
    pub fn untag_foreign(&mut self, names: &[String]) {
        let mut names: HashSet<&str> = names.iter().map(String::as_str).collect();
        let is_one = |entry: &CatalogEntry| entry.foreign_name().is_some_and(|name| names.remove(name));
        let places: Vec<bool> = self.entries.iter().map(is_one).collect();
        self.untag_at(&(0..places.len()).filter(|place| places[*place]).collect());
    }

    fn untag_at(&mut self, places: &HashSet<usize>) {
        // The parent of an image must not be lost with one of its names.
        let mut ordered: Vec<usize> = places.iter().copied().collect();
        ordered.sort_unstable_by_key(|place| (self.entries[*place].parent().is_none(), *place));
        let without: Vec<Descriptor> = ordered.iter().map(|place| self.entries[*place].descriptor.clone()).collect();
        let mut place = 0..;
        self.retain(|_| !places.contains(&place.next().unwrap_or_default()));
        for descriptor in &without {
            self.add(descriptor);
        }
        self.keep_parents(&without);
    }

    /// Copies the parent from removed entries to the remaining entries of the same image.
    fn keep_parents(&mut self, gone: &[Descriptor]) {
        let parent = |gone: &Descriptor| Some((gone.digest, gone.annotation(ANNOTATION_PARENT)?.to_owned()));
        let parents: HashMap<Digest, String> = gone.iter().filter_map(parent).collect();
        if parents.is_empty() {
            return;
        }
        for entry in self.entries.iter_mut().filter(|entry| entry.parent().is_none()) {
            if let Some(parent) = parents.get(&entry.descriptor.digest) {
                entry.descriptor.annotations.insert(ANNOTATION_PARENT.to_owned(), parent.clone());
            }
        }
    }

    /// The entry of a name from another tool.
    pub fn find_foreign(&self, name: &str) -> Option<&CatalogEntry> {
        self.entries.iter().find(|entry| entry.foreign_name() == Some(name))
    }

    /// Removes all entries that lead to any of `digests`.
    pub fn remove_all(&mut self, digests: &HashSet<Digest>) {
        self.retain(|entry| !digests.contains(&entry.descriptor.digest));
    }

    /// The JSON of the catalog as an index.
    pub(super) fn to_json(&self) -> Vec<u8> {
        go_json::to_vec(&self.index.listing(self.entries.iter().map(|entry| &entry.descriptor)))
    }

    /// The catalog as an index.
    pub fn into_index(self) -> Index {
        let manifests = self.entries.into_iter().map(|entry| entry.descriptor).collect();
        Index { manifests, ..self.index }
    }

    fn put(&mut self, entry: CatalogEntry) {
        let digest = entry.descriptor.digest;
        if entry.is_nameless() {
            self.nameless.insert(digest);
        }
        self.entries.push(entry);
        *self.uses.entry(digest).or_default() += 1;
        self.drop_nameless(&digest);
    }

    /// Drops the nameless entry of a digest that another entry leads to.
    fn drop_nameless(&mut self, digest: &Digest) {
        if self.nameless.contains(digest) && self.uses.get(digest).is_some_and(|uses| *uses > 1) {
            self.retain(|entry| !(entry.is_nameless() && entry.descriptor.digest == *digest));
        }
    }

    fn forget_one(&mut self, digest: &Digest) {
        if let Some(uses) = self.uses.get_mut(digest) {
            *uses -= 1;
            if *uses == 0 {
                self.uses.remove(digest);
            }
        }
    }

    fn retain(&mut self, keep: impl FnMut(&CatalogEntry) -> bool) {
        let before = self.entries.len();
        self.entries.retain(keep);
        if self.entries.len() != before {
            self.count();
        }
    }

    fn count(&mut self) {
        (self.places, self.uses, self.nameless) = (HashMap::new(), HashMap::new(), HashSet::new());
        for (place, entry) in self.entries.iter().enumerate() {
            *self.uses.entry(entry.descriptor.digest).or_default() += 1;
            if entry.is_nameless() {
                self.nameless.insert(entry.descriptor.digest);
            }
            if let Some(name) = &entry.name {
                self.places.entry(name.clone()).or_insert(place);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::oci::MediaType;

    fn descriptor(content: &str) -> Descriptor {
        Descriptor::new(MediaType::OCI_MANIFEST, Digest::of(content.as_bytes()), content.len() as u64)
    }

    fn name(text: &str) -> Reference {
        text.parse::<Reference>().expect("a reference").with_default_tag()
    }

    fn shown(catalog: &Catalog) -> Vec<String> {
        catalog.entries().iter().map(ToString::to_string).collect()
    }

    #[test]
    fn a_tag_that_moves_leaves_its_image_nameless() {
        let mut catalog = Catalog::new(Index::new(MediaType::OCI_INDEX, Vec::new()));
        let (old, new) = (descriptor("old"), descriptor("new"));
        assert_eq!(catalog.tag(&name("a"), &old, false), None);
        let moved = catalog.tag(&name("a"), &new, false).expect("it moved");
        assert_eq!(moved.from.digest, old.digest);
        assert_eq!(shown(&catalog), ["a:latest".to_owned(), old.digest.to_string()]);
    }

    #[test]
    fn a_nameless_image_that_gets_a_name_is_one_entry() {
        let mut catalog = Catalog::new(Index::new(MediaType::OCI_INDEX, Vec::new()));
        catalog.add(&descriptor("x"));
        catalog.add(&descriptor("x"));
        catalog.tag(&name("a"), &descriptor("x"), false);
        assert_eq!(shown(&catalog), ["a:latest"]);
        catalog.add(&descriptor("x"));
        assert_eq!(shown(&catalog), ["a:latest"]);
    }

    #[test]
    fn a_name_that_moves_to_a_nameless_image_is_one_entry_for_it() {
        let mut catalog = Catalog::new(Index::new(MediaType::OCI_INDEX, Vec::new()));
        catalog.add(&descriptor("x"));
        catalog.tag(&name("a"), &descriptor("y"), false);
        catalog.tag(&name("a"), &descriptor("x"), true);
        assert_eq!(shown(&catalog), ["a:latest"]);
        assert!(catalog.find(&name("a")).is_some_and(|entry| entry.descriptor.digest == descriptor("x").digest));
        assert!(!catalog.leads_to(&descriptor("y").digest));
    }

    #[test]
    fn many_go_at_once() {
        let mut catalog = Catalog::new(Index::new(MediaType::OCI_INDEX, Vec::new()));
        for (text, image) in [("a", "x"), ("b", "x"), ("c", "y"), ("d", "y"), ("e", "z")] {
            catalog.tag(&name(text), &descriptor(image), false);
        }
        catalog.untag_all(&[name("a"), name("b"), name("c"), name("nothing")]);
        assert_eq!(shown(&catalog), ["d:latest", "e:latest", &descriptor("x").digest.to_string()]);
        assert!(catalog.find(&name("a")).is_none());
        catalog.remove_all(&HashSet::from([descriptor("x").digest, descriptor("z").digest]));
        assert_eq!(shown(&catalog), ["d:latest"]);
        assert!(!catalog.leads_to(&descriptor("z").digest));
    }
}
