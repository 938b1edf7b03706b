//! The packages that only one of two images has, or that they have in other versions.

use std::collections::{BTreeMap, BTreeSet};

use super::record::Installed;
use crate::packages::Kind;

/// A package that is not the same in two images.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PackageChange {
    /// What installed it.
    pub kind: Kind,
    /// Its name.
    pub name: String,
    /// What it was built for; empty if it does not say.
    pub arch: String,
    /// Its versions in the old image; none if it was added.
    pub old: Vec<String>,
    /// Its versions in the new image; none if it was removed.
    pub new: Vec<String>,
}

/// What identifies a package whatever its version.
type Name<'p> = (Kind, &'p str, &'p str);

/// The packages whose versions differ, sorted by type and name.
pub fn compare(old: &Installed, new: &Installed) -> Vec<PackageChange> {
    let (olds, news) = (versions(old), versions(new));
    let names: BTreeSet<Name<'_>> = olds.keys().chain(news.keys()).copied().collect();
    let mut changes = Vec::new();
    for name @ (kind, text, arch) in names {
        let (old, new) = (listed(&olds, name), listed(&news, name));
        if old != new {
            changes.push(PackageChange { kind, name: text.to_owned(), arch: arch.to_owned(), old, new });
        }
    }
    changes
}

fn listed<'p>(all: &BTreeMap<Name<'p>, BTreeSet<String>>, name: Name<'p>) -> Vec<String> {
    all.get(&name).into_iter().flatten().cloned().collect()
}

fn versions(installed: &Installed) -> BTreeMap<Name<'_>, BTreeSet<String>> {
    let mut versions: BTreeMap<Name<'_>, BTreeSet<String>> = BTreeMap::new();
    for package in installed.packages.iter().map(|package| &package.package) {
        let name = (package.kind, package.name.as_str(), package.arch.as_str());
        versions.entry(name).or_default().insert(package.version.clone());
    }
    versions
}
