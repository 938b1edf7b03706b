//! Names of images, as Docker reads and shows them.
//!
//! ```text
//! docker.io / library/ubuntu : 14.04 @ sha256:…
//! registry    repository       tag     digest
//! ```
//!
//! Users may omit the registry, Docker's `library/`, the tag and the digest; a [`Reference`] always has the first two.
//! The grammar is that of [distribution/reference](https://github.com/distribution/reference/blob/v0.6.0/reference.go),
//! and defaults are those of its `ParseNormalizedNamed`.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::{Digest, DigestError};

/// The registry of names without one.
const DEFAULT_REGISTRY: &str = "docker.io";
/// The former name of the default registry.
const LEGACY_REGISTRY: &str = "index.docker.io";
/// The prefix of one-word names in the default registry.
const OFFICIAL: &str = "library/";
/// The tag of names without one.
const DEFAULT_TAG: &str = "latest";
/// The longest repository, in bytes: distribution's `RepositoryNameTotalLengthMax`.
const MAX_REPOSITORY: usize = 255;
/// The longest tag, in bytes.
const MAX_TAG: usize = 128;

/// Why a text is not the name of an image, with Docker's messages.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ReferenceError {
    /// It does not follow the grammar.
    #[error("invalid reference format")]
    Format,
    /// The repository has uppercase letters.
    #[error("invalid reference format: repository name ({}) must be lowercase", .repository.escape_debug())]
    Uppercase {
        /// The repository, with `library/` if that was filled in.
        repository: String,
    },
    /// The repository is longer than 255 bytes.
    #[error("repository name must not be more than {MAX_REPOSITORY} characters")]
    TooLong,
    /// The name could be taken for an image ID.
    #[error("invalid repository name ({name}), cannot specify 64-byte hexadecimal strings")]
    LooksLikeId {
        /// The 64 hex digits.
        name: String,
    },
    /// The tag does not follow the grammar.
    #[error("invalid tag format")]
    Tag,
    /// The digest algorithm is unknown.
    #[error("unsupported digest algorithm")]
    DigestAlgorithm,
    /// The digest has too few or too many digits.
    #[error("invalid checksum digest length")]
    DigestLength,
    /// The digest has uppercase letters.
    #[error("invalid checksum digest format")]
    DigestFormat,
}

/// The name of an image: registry, repository, and a tag, a digest, both or neither.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Reference {
    registry: String,
    repository: String,
    tag: Option<String>,
    digest: Option<Digest>,
}

impl Reference {
    /// The host that has the image, with its port: `docker.io`.
    pub fn registry(&self) -> &str {
        &self.registry
    }

    /// The name within the registry: `library/ubuntu`.
    pub fn repository(&self) -> &str {
        &self.repository
    }

    /// The tag, if there is one.
    pub fn tag(&self) -> Option<&str> {
        self.tag.as_deref()
    }

    /// The digest of the manifest, if there is one.
    pub fn digest(&self) -> Option<&Digest> {
        self.digest.as_ref()
    }

    /// Registry and repository: `docker.io/library/ubuntu`.
    pub fn name(&self) -> String {
        format!("{}/{}", self.registry, self.repository)
    }

    /// The reference as Docker shows it: `ubuntu:14.04`.
    pub fn familiar(&self) -> String {
        self.familiar_name() + &self.suffix()
    }

    /// The name as Docker shows it, without defaults: `ubuntu`.
    pub fn familiar_name(&self) -> String {
        if self.registry != DEFAULT_REGISTRY {
            return self.name();
        }
        let short = match self.repository.strip_prefix(OFFICIAL) {
            Some(word) if !word.contains('/') => word,
            _ => &self.repository,
        };
        // A repository that would be parsed differently keeps its registry: docker.io/localhost/x.
        let reads_back = short.parse::<Self>().is_ok_and(|read| read.name() == self.name());
        if reads_back { short.to_owned() } else { self.name() }
    }

    /// The full reference: `docker.io/library/ubuntu:14.04`.
    pub fn canonical(&self) -> String {
        self.name() + &self.suffix()
    }

    /// The tag and the digest with their separators: `:tag@digest`.
    fn suffix(&self) -> String {
        let tag = self.tag.iter().map(|tag| format!(":{tag}"));
        tag.chain(self.digest.iter().map(|digest| format!("@{digest}"))).collect()
    }

    /// Whether there is neither tag nor digest.
    pub fn is_name_only(&self) -> bool {
        self.tag.is_none() && self.digest.is_none()
    }

    /// The same name, tagged `latest` if there is neither tag nor digest.
    pub fn with_default_tag(mut self) -> Self {
        if self.is_name_only() {
            self.tag = Some(DEFAULT_TAG.to_owned());
        }
        self
    }

    /// The same name with this tag.
    pub fn with_tag(&self, tag: &str) -> Result<Self, ReferenceError> {
        if !is_tag(tag) {
            return Err(ReferenceError::Tag);
        }
        Ok(Self { tag: Some(tag.to_owned()), ..self.clone() })
    }

    /// The name alone, without tag and digest.
    pub fn without_tag(&self) -> Self {
        Self { tag: None, digest: None, ..self.clone() }
    }

    /// The same name without its digest.
    pub fn without_digest(&self) -> Self {
        Self { digest: None, ..self.clone() }
    }

    /// Whether this could be taken for an image ID: `sha256:<hex>` parses as the tag of a repository `sha256`, and 64
    /// hex digits as a repository.
    pub fn looks_like_id(&self) -> bool {
        let name = self.repository.strip_prefix(OFFICIAL).filter(|_| self.registry == DEFAULT_REGISTRY);
        let is_hex = |name: &str| name.len() == 64 && name.bytes().all(|byte| byte.is_ascii_hexdigit());
        name.is_some_and(|name| is_hex(name) || ["sha256", "sha384", "sha512"].contains(&name))
    }

    /// The same name with this digest.
    pub fn with_digest(&self, digest: Digest) -> Self {
        Self { digest: Some(digest), ..self.clone() }
    }
}

impl FromStr for Reference {
    type Err = ReferenceError;

    fn from_str(text: &str) -> Result<Self, ReferenceError> {
        if text.len() == 64 && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f')) {
            return Err(ReferenceError::LooksLikeId { name: text.to_owned() });
        }
        let (registry, rest) = split_registry(text);
        let official = registry == DEFAULT_REGISTRY && !rest.contains('/');
        let rest = if official { format!("{OFFICIAL}{rest}") } else { rest.to_owned() };
        let until_colon = rest.split(':').next().unwrap_or_default();
        if until_colon.to_lowercase() != until_colon {
            return Err(ReferenceError::Uppercase { repository: until_colon.to_owned() });
        }
        parse(registry, &rest)
    }
}

/// Splits off the registry, unless the first component is a user of the default registry.
fn split_registry(text: &str) -> (&str, &str) {
    match text.split_once('/') {
        Some((LEGACY_REGISTRY, rest)) => (DEFAULT_REGISTRY, rest),
        Some((first, rest)) if first == "localhost" || first.contains(['.', ':']) || first.to_lowercase() != first => {
            (first, rest)
        }
        _ => (DEFAULT_REGISTRY, text),
    }
}

/// Parses what comes after the registry: `repository[:tag][@digest]`.
fn parse(registry: &str, rest: &str) -> Result<Reference, ReferenceError> {
    let (rest, digest) = match rest.split_once('@') {
        Some((rest, digest)) => (rest, Some(digest)),
        None => (rest, None),
    };
    let (repository, tag) = match rest.split_once(':') {
        Some((repository, tag)) => (repository, Some(tag)),
        None => (rest, None),
    };
    let well_formed = (is_registry(registry) || is_component(registry))
        && repository.split('/').all(is_component)
        && tag.is_none_or(is_tag)
        && digest.is_none_or(looks_like_digest);
    if !well_formed {
        return Err(ReferenceError::Format);
    }
    if repository.len() > MAX_REPOSITORY {
        return Err(ReferenceError::TooLong);
    }
    Ok(Reference {
        registry: registry.to_owned(),
        repository: repository.to_owned(),
        tag: tag.map(str::to_owned),
        digest: digest.map(read_digest).transpose()?,
    })
}

/// Whether a text is a host with an optional port. (A host with underscores is not one, but is accepted as the first
/// component of a name.)
fn is_registry(text: &str) -> bool {
    let (host, port) = match text.rsplit_once(':') {
        Some((host, port)) if !port.ends_with(']') => (host, Some(port)),
        _ => (text, None),
    };
    let port_is_number = port.is_none_or(|port| !port.is_empty() && port.bytes().all(|byte| byte.is_ascii_digit()));
    port_is_number && (is_ipv6(host) || host.split('.').all(is_label))
}

/// Whether a text is an IPv6 address in brackets, as far as the grammar checks.
fn is_ipv6(host: &str) -> bool {
    let inside = host.strip_prefix('[').and_then(|rest| rest.strip_suffix(']'));
    inside
        .is_some_and(|inside| !inside.is_empty() && inside.bytes().all(|byte| byte.is_ascii_hexdigit() || byte == b':'))
}

/// Whether a text is one part of a host name.
fn is_label(text: &str) -> bool {
    let edges = !text.is_empty() && !text.starts_with('-') && !text.ends_with('-');
    edges && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
}

/// Whether a text is one component of a repository: lowercase letters and digits, separated by one dot, one or two
/// underscores, or any number of hyphens.
fn is_component(text: &str) -> bool {
    let is_word = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    let bytes = text.as_bytes();
    let edges = bytes.first().copied().is_some_and(is_word) && bytes.last().copied().is_some_and(is_word);
    let is_separator = |run: &[u8]| matches!(run, b"." | b"_" | b"__") || run.iter().all(|byte| *byte == b'-');
    edges && bytes.split(|byte| is_word(*byte)).all(is_separator)
}

/// Whether a text is a tag.
fn is_tag(text: &str) -> bool {
    let first = text.bytes().next().is_some_and(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
    first
        && text.len() <= MAX_TAG
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'.' | b'-'))
}

/// Whether a text has the form of a digest of any algorithm.
fn looks_like_digest(text: &str) -> bool {
    let Some((algorithm, hex)) = text.split_once(':') else {
        return false;
    };
    let is_part = |part: &str| {
        part.starts_with(|char: char| char.is_ascii_alphabetic())
            && part.bytes().all(|byte| byte.is_ascii_alphanumeric())
    };
    algorithm.split(['-', '_', '+', '.']).all(is_part)
        && hex.len() >= 32
        && hex.bytes().all(|byte| byte.is_ascii_hexdigit())
}

/// Reads a digest, with the errors of Docker's `digest` package.
fn read_digest(text: &str) -> Result<Digest, ReferenceError> {
    text.parse().map_err(|error| match error {
        DigestError::Algorithm { .. } => ReferenceError::DigestAlgorithm,
        DigestError::Syntax(text) if text.len() == "sha256:".len() + 64 => ReferenceError::DigestFormat,
        DigestError::Syntax(_) => ReferenceError::DigestLength,
    })
}

impl fmt::Display for Reference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.canonical())
    }
}

impl Serialize for Reference {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Reference {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        String::deserialize(from)?.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const DIGEST: &str = "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

    fn read(text: &str) -> Reference {
        text.parse().unwrap_or_else(|error| panic!("{text:?}: {error}"))
    }

    #[test]
    fn names_are_filled_in_and_shown_without_what_goes_without_saying() {
        for (text, canonical, familiar) in [
            ("ubuntu", "docker.io/library/ubuntu", "ubuntu"),
            ("ubuntu:14.04", "docker.io/library/ubuntu:14.04", "ubuntu:14.04"),
            ("library/ubuntu", "docker.io/library/ubuntu", "ubuntu"),
            ("docker.io/ubuntu", "docker.io/library/ubuntu", "ubuntu"),
            ("index.docker.io/ubuntu:a", "docker.io/library/ubuntu:a", "ubuntu:a"),
            ("library/a/b", "docker.io/library/a/b", "library/a/b"),
            ("user/app", "docker.io/user/app", "user/app"),
            ("localhost", "docker.io/library/localhost", "localhost"),
            ("localhost/app", "localhost/app", "localhost/app"),
            ("localhost:5000/app", "localhost:5000/app", "localhost:5000/app"),
            ("docker.io/localhost/app", "docker.io/localhost/app", "docker.io/localhost/app"),
            ("docker.io/a.b/app", "docker.io/a.b/app", "docker.io/a.b/app"),
            ("Registry/app:T", "Registry/app:T", "Registry/app:T"),
            ("quay.io/a/b__c/d--e.f:1", "quay.io/a/b__c/d--e.f:1", "quay.io/a/b__c/d--e.f:1"),
            ("[::1]:5000/app", "[::1]:5000/app", "[::1]:5000/app"),
            ("foo_bar.x/app", "foo_bar.x/app", "foo_bar.x/app"),
            ("a:_-.", "docker.io/library/a:_-.", "a:_-."),
        ] {
            let reference = read(text);
            assert_eq!(reference.canonical(), canonical, "{text:?}");
            assert_eq!(reference.to_string(), canonical, "{text:?}");
            assert_eq!(reference.familiar(), familiar, "{text:?}");
            assert_eq!(read(familiar), reference, "{text:?}");
            assert_eq!(read(canonical), reference, "{text:?}");
        }
    }

    #[test]
    fn a_reference_has_its_parts() {
        let reference = read(&format!("quay.io:443/a/b:1.0@{DIGEST}"));
        assert_eq!(reference.registry(), "quay.io:443");
        assert_eq!(reference.repository(), "a/b");
        assert_eq!(reference.tag(), Some("1.0"));
        assert_eq!(reference.digest(), Some(&Digest::of(b"")));
        assert_eq!(reference.name(), "quay.io:443/a/b");
        assert_eq!(reference.without_tag().canonical(), "quay.io:443/a/b");
        assert!(reference.without_tag().is_name_only());
    }

    #[test]
    fn what_docker_refuses_is_refused_in_its_words() {
        let long_tag = format!("a:{}", "t".repeat(129));
        let (long_name, hex) = ("a/".to_owned() + &"b".repeat(254), "a".repeat(64));
        let hex_error = format!("invalid repository name ({hex}), cannot specify 64-byte hexadecimal strings");
        let short_digest = format!("a@{}", &DIGEST[..60]);
        let format = "invalid reference format";
        for (text, error) in [
            ("", format),
            (":", format),
            ("a:", format),
            ("a@", format),
            ("a:b:c", format),
            ("-a", format),
            ("a-", format),
            ("a..b", format),
            ("a___b", format),
            ("a._b", format),
            ("a//b", format),
            ("/a", format),
            ("a/", format),
            ("a b", format),
            ("a\u{1b}[2m", format),
            ("a:.b", format),
            ("é", format),
            ("../a", format),
            ("-x.io/a", format),
            ("x.io:/a", format),
            ("x.io:port/a", format),
            ("foo_bar:5000/a", format),
            ("a@sha256:abc", format),
            (&long_tag, format),
            ("X", "invalid reference format: repository name (library/X) must be lowercase"),
            ("a/X:1", "invalid reference format: repository name (a/X) must be lowercase"),
            ("x.io/a/X", "invalid reference format: repository name (a/X) must be lowercase"),
            ("X\u{1b}", r"invalid reference format: repository name (library/X\u{1b}) must be lowercase"),
            (&long_name, "repository name must not be more than 255 characters"),
            (&hex, &hex_error),
            (&short_digest, "invalid checksum digest length"),
            (&format!("a@{}", DIGEST.replace('e', "E")), "invalid checksum digest format"),
            (&format!("a@{}", DIGEST.replace("sha256", "md5")), "unsupported digest algorithm"),
        ] {
            let found = text.parse::<Reference>().map_err(|error| error.to_string());
            assert_eq!(found, Err(error.to_owned()), "{text:?}");
        }
    }

    #[test]
    fn lengths_are_counted_to_the_last_byte() {
        assert!(format!("a:{}", "t".repeat(128)).parse::<Reference>().is_ok());
        assert!(("a/".to_owned() + &"b".repeat(253)).parse::<Reference>().is_ok());
    }

    #[test]
    fn the_name_of_an_id_is_never_shown_alone() {
        let hex = "a".repeat(64);
        let reference = read(&format!("library/{hex}"));
        assert_eq!(reference.familiar(), format!("docker.io/library/{hex}"));
        assert_eq!(read(&reference.familiar()), reference);
    }

    #[test]
    fn tags_are_added_and_taken_away() {
        let name = read("a");
        assert_eq!(name.clone().with_default_tag().familiar(), "a:latest");
        assert_eq!(read("a:1").with_default_tag().familiar(), "a:1");
        let pinned = name.with_digest(Digest::of(b""));
        assert_eq!(pinned.clone().with_default_tag().familiar(), format!("a@{DIGEST}"));
        assert_eq!(pinned.with_tag("1").map(|tagged| tagged.familiar()), Ok(format!("a:1@{DIGEST}")));
        assert_eq!(name.with_tag("a b"), Err(ReferenceError::Tag));
        assert_eq!(name.with_tag(""), Err(ReferenceError::Tag));
    }

    #[test]
    fn json_has_the_whole_name() {
        let reference = read("a:1");
        let json = serde_json::to_string(&reference).expect("a string");
        assert_eq!(json, r#""docker.io/library/a:1""#);
        assert_eq!(serde_json::from_str::<Reference>(&json).expect("a reference"), reference);
        assert!(serde_json::from_str::<Reference>(r#""A""#).is_err());
    }

    proptest! {
        #[test]
        fn what_is_shown_reads_back(
            text in r"([a-zA-Z.:]{1,9}/)?[a-z0-9]{1,4}([._-]{0,2}[a-z0-9]{1,3}){0,2}(/[a-z0-9]{1,5}){0,2}(:[\w.-]{1,9})?(@sha256:[0-9a-f]{64})?"
        ) {
            if let Ok(reference) = text.parse::<Reference>() {
                prop_assert_eq!(reference.familiar().parse::<Reference>(), Ok(reference.clone()));
                prop_assert_eq!(reference.canonical().parse::<Reference>(), Ok(reference.clone()));
                prop_assert!(reference.canonical().ends_with(&text) || text.starts_with("index.docker.io/"));
            }
        }

        #[test]
        fn nothing_makes_it_panic(text in any::<String>()) {
            if let Ok(reference) = text.parse::<Reference>() {
                prop_assert_eq!(reference.canonical().parse::<Reference>(), Ok(reference));
            }
        }
    }
}
