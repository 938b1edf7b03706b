//! Which manifests of repositories are collected.
//!
//! - One that has a tag stays, and all that is below it: the manifests of an index, whoever pushed them when.
//! - One that lost its tag goes when it has had none for some time, unless it is below one that stays.
//! - One on which a push counts, since the client was told that it is there, stays as long as that claim.
//! - One that was pushed by its digest, and never had a tag, stays.
//! - One that is about another (its subject) stays as long as that, and goes with it unless it has a tag of its own. One
//!   whose subject was never there stays.
//!
//! All of this holds in each repository for itself. What needs which blobs is told apart from this, by
//! [`Store::reachable`].

use std::collections::{HashMap, HashSet};
use std::time::SystemTime;

use super::links::Links;
use super::{Catalog, CatalogEntry, Error, Store};
use crate::oci::{Digest, Reference};

impl Store {
    /// Removes the names of manifests that lost their tag by the rules above, and returns them; if a time is given, only
    /// of those that lost it then or earlier.
    pub fn collect(
        &self,
        links: &Links,
        catalog: &mut Catalog,
        before: Option<SystemTime>,
    ) -> Result<Vec<Reference>, Error> {
        let claimed = self.claimed(None)?;
        let is_due = |entry: &CatalogEntry| {
            entry.untagged_since().is_some_and(|since| before.is_none_or(|before| since <= before))
        };
        let mut gone = HashSet::new();
        for entries in repositories(catalog, is_due).into_values() {
            let (mut due, mut staying): (Vec<&CatalogEntry>, Vec<&CatalogEntry>) =
                entries.into_iter().partition(|entry| is_due(entry));
            // A push counts on it, or on something below it.
            for entry in std::mem::take(&mut due) {
                let mut below = HashSet::new();
                links.below(self, [entry.descriptor.digest], &mut below)?;
                if below.is_disjoint(&claimed) { due.push(entry) } else { staying.push(entry) }
            }
            let mut below = HashSet::new();
            links.below(self, staying.iter().map(|entry| entry.descriptor.digest), &mut below)?;
            // What is about something that stays, stays; then also what is about that.
            loop {
                let mut rest = Vec::new();
                let so_many = due.len();
                for entry in due {
                    match self.subject(links, entry)? {
                        Some(subject) if below.contains(&subject) => {
                            links.below(self, [entry.descriptor.digest], &mut below)?;
                        }
                        _ => rest.push(entry),
                    }
                }
                due = rest;
                if due.len() == so_many {
                    break;
                }
            }
            gone.extend(due.into_iter().filter_map(|entry| entry.name.clone()));
        }
        let old = catalog.clone();
        catalog.drop_names(&gone);
        let mut all: Vec<Reference> = gone.into_iter().collect();
        all.extend(self.collect_referrers(links, &old, catalog)?);
        all.sort();
        Ok(all)
    }

    /// Removes the names of manifests without a tag that are about what a catalog had before and has no more, and
    /// returns them.
    pub fn collect_referrers(
        &self,
        links: &Links,
        before: &Catalog,
        catalog: &mut Catalog,
    ) -> Result<Vec<Reference>, Error> {
        let mut gone = HashSet::new();
        let had = repositories(before, CatalogEntry::is_untagged);
        let has = repositories(catalog, CatalogEntry::is_untagged);
        for (repository, mut entries) in has {
            let digests = |entries: &[&CatalogEntry]| -> Vec<Digest> {
                entries.iter().map(|entry| entry.descriptor.digest).collect()
            };
            let Some(old) = had.get(&repository) else { continue };
            let (mut there, mut here) = (HashSet::new(), HashSet::new());
            let (old, now) = (digests(old), digests(&entries));
            if old == now {
                continue;
            }
            links.below(self, old, &mut there)?;
            links.below(self, now, &mut here)?;
            loop {
                let mut lost = Vec::new();
                for entry in entries.iter().filter(|entry| entry.is_untagged()) {
                    if self.subject(links, entry)?.is_some_and(|about| there.contains(&about) && !here.contains(&about))
                    {
                        lost.extend(entry.name.clone());
                    }
                }
                if lost.is_empty() {
                    break;
                }
                gone.extend(lost);
                entries.retain(|entry| entry.name.as_ref().is_none_or(|name| !gone.contains(name)));
                here.clear();
                links.below(self, digests(&entries), &mut here)?;
            }
        }
        catalog.drop_names(&gone);
        let mut gone: Vec<Reference> = gone.into_iter().collect();
        gone.sort();
        Ok(gone)
    }

    /// Takes a manifest out of a repository, with all its tags there. What it listed, and what is about it, has had no
    /// tag from now on.
    pub fn delete_manifest(
        &self,
        links: &Links,
        catalog: &mut Catalog,
        repository: &Reference,
        digest: &Digest,
        now: SystemTime,
    ) -> Result<(), Error> {
        let names = catalog.leading_to(digest).filter(|entry| entry.is_in(repository));
        let names: HashSet<Reference> = names.filter_map(|entry| entry.name.clone()).collect();
        catalog.drop_names(&names);
        let mut below = HashSet::new();
        let here = catalog.entries().iter().filter(|entry| entry.is_in(repository));
        links.below(self, here.map(|entry| entry.descriptor.digest), &mut below)?;
        if let Some(link) = links.of(self, digest)? {
            for child in link.manifests.iter().filter(|child| !below.contains(&child.digest)) {
                if self.has_blob(&child.digest) {
                    catalog.leave(repository, child, now);
                }
            }
        }
        let untagged: Vec<CatalogEntry> =
            catalog.entries().iter().filter(|entry| entry.is_in(repository) && entry.is_untagged()).cloned().collect();
        for entry in untagged {
            if self.subject(links, &entry)? == Some(*digest) {
                catalog.leave(repository, &entry.descriptor, now);
            }
        }
        Ok(())
    }

    /// What a manifest is about.
    fn subject(&self, links: &Links, entry: &CatalogEntry) -> Result<Option<Digest>, Error> {
        Ok(links.of(self, &entry.descriptor.digest)?.and_then(|link| link.subject))
    }
}

/// The entries of the repositories that have one of that kind.
fn repositories(catalog: &Catalog, kind: impl Fn(&CatalogEntry) -> bool) -> HashMap<String, Vec<&CatalogEntry>> {
    let of = |entry: &CatalogEntry| entry.name.as_ref().map(Reference::name);
    let mut found: HashMap<String, Vec<&CatalogEntry>> =
        catalog.entries().iter().filter(|entry| kind(entry)).filter_map(of).map(|name| (name, Vec::new())).collect();
    if found.is_empty() {
        return found;
    }
    for entry in catalog.entries() {
        if let Some(entries) = of(entry).and_then(|name| found.get_mut(&name)) {
            entries.push(entry);
        }
    }
    found
}
