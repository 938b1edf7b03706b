//! Names of the store that are served under another one, or not at all.

use std::collections::BTreeMap;

use super::repository::RepositoryName;
use crate::store::Catalog;

/// Names of the store that are served under another one, or not at all: a repository's name can have no port.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Names {
    /// The name in the store, and that of the repository.
    pub renamed: Vec<(String, String)>,
    /// Names that no repository can have.
    pub unserved: Vec<String>,
}

impl Names {
    pub(super) fn of(catalog: &Catalog) -> Self {
        let names = catalog.entries().iter().filter_map(|entry| entry.name.as_ref());
        let names = names.map(|name| (name.without_tag().without_digest().familiar_name(), RepositoryName::of(name)));
        let (mut renamed, mut unserved) = (Vec::new(), Vec::new());
        for (name, served) in names.collect::<BTreeMap<_, _>>() {
            match served {
                Some(served) if served.as_str() != name => renamed.push((name, served.as_str().to_owned())),
                Some(_) => {}
                None => unserved.push(name),
            }
        }
        Self { renamed, unserved }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::oci::{Descriptor, Digest, Index, MediaType};

    #[test]
    fn names_with_ports_are_told() {
        let mut catalog = Catalog::new(Index::new(MediaType::OCI_INDEX, Vec::new()));
        let image = Descriptor::new(MediaType::OCI_MANIFEST, Digest::of(b""), 0);
        for name in ["demo:1", "localhost:5000/demo:1", "localhost:5000/demo:2", "ghcr.io/x/y:1", "myhost:5000/z:1"] {
            catalog.tag(&name.parse().expect("a name"), &image, true);
        }
        let names = Names::of(&catalog);
        assert_eq!(names.renamed, [("localhost:5000/demo".to_owned(), "localhost_5000/demo".to_owned())]);
        assert_eq!(names.unserved, ["myhost:5000/z"]);
    }
}
