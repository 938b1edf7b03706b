//! In which other repositories of a registry blobs are, as far as the names in the store tell.

use std::collections::{HashMap, HashSet};
use std::sync::OnceLock;

use crate::oci::{Digest, Reference};
use crate::ops::Context;
use crate::registry::Repository;

/// The repositories that the blobs of the store may be in. The store is read once, when it is first needed.
pub(super) struct Elsewhere<'a> {
    context: &'a Context,
    found: OnceLock<HashMap<Digest, Vec<Reference>>>,
}

impl<'a> Elsewhere<'a> {
    /// Those of a store. Nothing is read yet.
    pub(super) fn new(context: &'a Context) -> Self {
        Self { context, found: OnceLock::new() }
    }

    /// The other repositories of the registry that may have a blob with one of these digests.
    pub(super) fn repositories(&self, own: &Repository, digests: &[Digest]) -> Vec<String> {
        let own = own.name();
        let found = self.found.get_or_init(|| read(self.context));
        let names = digests.iter().filter_map(|digest| found.get(digest)).flatten();
        let others = names.filter(|name| name.registry() == own.registry() && name.repository() != own.repository());
        let mut repositories: Vec<String> = Vec::new();
        for repository in others.map(Reference::repository) {
            if !repositories.iter().any(|known| known == repository) {
                repositories.push(repository.to_owned());
            }
        }
        repositories
    }
}

/// What cannot be read is nowhere: then blobs are sent.
fn read(context: &Context) -> HashMap<Digest, Vec<Reference>> {
    let mut found: HashMap<Digest, Vec<Reference>> = HashMap::new();
    let Ok(catalog) = context.store.catalog() else { return found };
    let mut trees: HashMap<Digest, HashSet<Digest>> = HashMap::new();
    for entry in catalog.entries() {
        let Some(name) = &entry.name else { continue };
        let digests = trees.entry(entry.descriptor.digest).or_insert_with(|| {
            let mut digests = HashSet::new();
            if let Ok(tree) = context.store.tree(entry) {
                tree.collect_digests(&mut digests);
            }
            digests
        });
        let repository = name.without_tag().without_digest();
        for digest in digests.iter() {
            let repositories = found.entry(*digest).or_default();
            if !repositories.contains(&repository) {
                repositories.push(repository.clone());
            }
        }
    }
    found
}
