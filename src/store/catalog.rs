//! What `index.json` says: which name leads where.

use std::collections::{HashMap, HashSet};
use std::fmt;

use crate::layout::{foreign_name_of, name_of, set_name};
use crate::oci::{Descriptor, Digest, Index, Reference};

/// One entry of a store's index.
#[derive(Debug, Clone, PartialEq)]
pub struct Entry {
    /// The image's name; images that lost theirs, or never had one, have none.
    pub name: Option<Reference>,
    /// The manifest or index that the name leads to.
    pub descriptor: Descriptor,
}

impl Entry {
    /// What the image was committed on, if it was committed here.
    pub fn parent(&self) -> Option<Digest> {
        self.descriptor.parent()
    }
}

impl Entry {
    /// What another tool called the image, where that is no reference.
    pub fn foreign_name(&self) -> Option<&str> {
        foreign_name_of(&self.descriptor)
    }

    /// Whether nobody calls the image anything.
    pub fn is_nameless(&self) -> bool {
        self.name.is_none() && self.foreign_name().is_none()
    }
}

impl fmt::Display for Entry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.name {
            Some(name) => f.write_str(&name.familiar()),
            None => write!(f, "{}", self.descriptor.digest),
        }
    }
}

/// A name that led elsewhere before.
#[derive(Debug, Clone, PartialEq)]
pub struct Moved {
    /// Where it led.
    pub from: Descriptor,
}

/// The names of a store, in the order in which they were given.
#[derive(Debug, Clone)]
pub struct Catalog {
    index: Index,
    entries: Vec<Entry>,
    places: HashMap<Reference, usize>,
    uses: HashMap<Digest, usize>,
}

impl PartialEq for Catalog {
    fn eq(&self, other: &Self) -> bool {
        (&self.index, &self.entries) == (&other.index, &other.entries)
    }
}

impl Catalog {
    /// What an index names. Of two entries with one name the first has it.
    pub fn new(index: Index) -> Self {
        let named = |descriptor: &Descriptor| Entry { name: name_of(descriptor), descriptor: descriptor.clone() };
        let entries = index.manifests.iter().map(named).collect();
        let mut catalog = Self { index, entries, places: HashMap::new(), uses: HashMap::new() };
        catalog.count();
        catalog
    }

    /// The entries.
    pub fn entries(&self) -> &[Entry] {
        &self.entries
    }

    /// The entry of a name.
    pub fn find(&self, name: &Reference) -> Option<&Entry> {
        self.places.get(name).map(|place| &self.entries[*place])
    }

    /// The entries of all names that lead to `digest`, and the nameless one.
    pub fn leading_to(&self, digest: &Digest) -> impl Iterator<Item = &Entry> {
        self.entries.iter().filter(move |entry| entry.descriptor.digest == *digest)
    }

    /// Whether any entry leads to `digest`.
    pub fn leads_to(&self, digest: &Digest) -> bool {
        self.uses.contains_key(digest)
    }

    /// Whether some other image was committed on what `digest` leads to.
    pub fn has_children(&self, digest: &Digest) -> bool {
        let is_child = |entry: &Entry| entry.parent().as_ref() == Some(digest) && entry.descriptor.digest != *digest;
        self.entries.iter().any(is_child)
    }

    /// Lets `name` lead to `descriptor`. What it led to before stays, nameless if that was its last name; with
    /// `forget`, it goes then.
    pub fn tag(&mut self, name: &Reference, descriptor: &Descriptor, forget: bool) -> Option<Moved> {
        let mut named = Entry { name: Some(name.clone()), descriptor: descriptor.clone() };
        set_name(&mut named.descriptor, Some(name));
        let Some(&place) = self.places.get(name) else {
            self.places.insert(name.clone(), self.entries.len());
            self.put(named);
            return None;
        };
        let from = self.entries[place].descriptor.clone();
        if from.digest == descriptor.digest {
            return None;
        }
        self.forget_one(&from.digest);
        self.entries[place] = named;
        *self.uses.entry(descriptor.digest).or_default() += 1;
        self.drop_nameless(&descriptor.digest);
        if !forget {
            self.add(&from);
        }
        Some(Moved { from })
    }

    /// Adds an image without a name, unless some entry leads to it already.
    pub fn add(&mut self, descriptor: &Descriptor) {
        if !self.leads_to(&descriptor.digest) {
            let mut descriptor = descriptor.clone();
            set_name(&mut descriptor, None);
            self.put(Entry { name: None, descriptor });
        }
    }

    /// Takes names away. An image stays, nameless, if they were all that it had.
    pub fn untag_all(&mut self, names: &[Reference]) {
        let without: Vec<Descriptor> =
            names.iter().filter_map(|name| self.find(name)).map(|entry| entry.descriptor.clone()).collect();
        let names: HashSet<&Reference> = names.iter().collect();
        self.retain(|entry| !entry.name.as_ref().is_some_and(|name| names.contains(name)));
        for descriptor in &without {
            self.add(descriptor);
        }
    }

    /// Takes a name of another tool away, and says whether it was there. The image stays, nameless if that was the last.
    pub fn untag_foreign(&mut self, name: &str) -> bool {
        let Some(entry) = self.find_foreign(name).cloned() else { return false };
        self.retain(|other| other.foreign_name() != Some(name));
        self.add(&entry.descriptor);
        true
    }

    /// The entry that another tool calls so.
    pub fn find_foreign(&self, name: &str) -> Option<&Entry> {
        self.entries.iter().find(|entry| entry.foreign_name() == Some(name))
    }

    /// Takes away whatever leads to `digest`.
    pub fn remove(&mut self, digest: &Digest) {
        self.retain(|entry| entry.descriptor.digest != *digest);
    }

    /// Takes away whatever leads to any of `digests`.
    pub fn remove_all(&mut self, digests: &HashSet<Digest>) {
        self.retain(|entry| !digests.contains(&entry.descriptor.digest));
    }

    /// The index that says this.
    pub fn into_index(self) -> Index {
        let manifests = self.entries.into_iter().map(|entry| entry.descriptor).collect();
        Index { manifests, ..self.index }
    }

    fn put(&mut self, entry: Entry) {
        let digest = entry.descriptor.digest;
        let named = entry.name.is_some();
        self.entries.push(entry);
        *self.uses.entry(digest).or_default() += 1;
        if named {
            self.drop_nameless(&digest);
        }
    }

    fn drop_nameless(&mut self, digest: &Digest) {
        let is_it = |entry: &Entry| entry.is_nameless() && entry.descriptor.digest == *digest;
        if self.uses.get(digest).is_some_and(|uses| *uses > 1) && self.entries.len() > self.places.len() {
            self.retain(|entry| !is_it(entry));
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

    fn retain(&mut self, keep: impl Fn(&Entry) -> bool) {
        let before = self.entries.len();
        self.entries.retain(keep);
        if self.entries.len() != before {
            self.count();
        }
    }

    fn count(&mut self) {
        (self.places, self.uses) = (HashMap::new(), HashMap::new());
        for (place, entry) in self.entries.iter().enumerate() {
            *self.uses.entry(entry.descriptor.digest).or_default() += 1;
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
