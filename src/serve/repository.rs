//! Repositories of the API, and the names in the store that they are.

use std::fmt;

use crate::oci::Reference;

/// The longest name that is taken, in bytes: that of distribution.
const MAX_NAME: usize = 255;

/// The name of a repository in a path of the API ([distribution-spec, pulling
/// manifests](https://github.com/opencontainers/distribution-spec/blob/v1.1.0/spec.md#pulling-manifests)).
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct RepositoryName(String);

impl RepositoryName {
    /// The name, if it is one.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let is_name = text.len() <= MAX_NAME && text.split('/').all(is_component);
        is_name.then(|| Self(text.to_owned()))
    }

    /// The name under which images with a name of the store are served; none, if they cannot be.
    pub(super) fn of(name: &Reference) -> Option<Self> {
        let familiar = name.without_tag().without_digest().familiar_name();
        let served = match familiar.split_once('/') {
            Some((registry, rest)) if registry.contains(':') => format!("{}/{rest}", registry.replace(':', "_")),
            _ => familiar,
        };
        Self::parse(&served).filter(|served| served.in_store().is_some_and(|back| back.name() == name.name()))
    }

    /// The name in the store, without tag and digest; none, if the store can have no such name.
    pub(super) fn in_store(&self) -> Option<Reference> {
        let with_port = self.0.split_once('/').and_then(|(first, rest)| {
            let (host, port) = first.rsplit_once('_')?;
            let is_registry = host == "localhost" || host.contains('.');
            let is_port = !port.is_empty() && port.bytes().all(|byte| byte.is_ascii_digit());
            (is_registry && is_port).then(|| format!("{host}:{port}/{rest}"))
        });
        with_port.as_deref().unwrap_or(&self.0).parse().ok().filter(Reference::is_name_only)
    }

    /// The name.
    pub(super) fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for RepositoryName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// `[a-z0-9]+` with single `.`, one or two `_`, or any number of `-` between.
fn is_component(text: &str) -> bool {
    let bytes = text.as_bytes();
    let is_word = |byte: &u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    if !bytes.first().is_some_and(is_word) || !bytes.last().is_some_and(is_word) {
        return false;
    }
    bytes
        .split(is_word)
        .all(|between| matches!(between, b"" | b"." | b"_" | b"__") || between.iter().all(|b| *b == b'-'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_those_of_the_specification() {
        for good in ["demo", "a/b/c", "a.b", "a_b", "a__b", "a---b", "0/1", "localhost_5000/demo"] {
            assert!(RepositoryName::parse(good).is_some(), "{good}");
        }
        for bad in ["", "/", "a/", "/a", "A", "a..b", "a___b", "a._b", "-a", "a-", "a//b", "..", "a/../b", "a:b", "ä"]
        {
            assert!(RepositoryName::parse(bad).is_none(), "{bad}");
        }
        assert!(RepositoryName::parse(&"a".repeat(255)).is_some());
        assert!(RepositoryName::parse(&"a".repeat(256)).is_none());
    }

    #[test]
    fn a_repository_is_a_name_of_the_store() {
        let pairs = [
            ("docker.io/library/demo", "demo"),
            ("docker.io/alice/demo", "alice/demo"),
            ("ghcr.io/alice/demo", "ghcr.io/alice/demo"),
            ("localhost/demo", "localhost/demo"),
            ("localhost:5000/demo", "localhost_5000/demo"),
            ("registry.example.com:443/a/b", "registry.example.com_443/a/b"),
        ];
        for (stored, served) in pairs {
            let stored: Reference = stored.parse().expect("a reference");
            assert_eq!(RepositoryName::of(&stored).expect("a name").as_str(), served);
            let back = RepositoryName::parse(served).expect("a name").in_store().expect("a reference");
            assert_eq!(back.name(), stored.name());
        }
    }
}
