//! Events, as distribution has them
//! ([notifications](https://distribution.github.io/distribution/about/notifications/)).

use std::sync::Arc;

use hyper::header::{HOST, HeaderName, USER_AGENT};
use jiff::Timestamp;
use ring::rand::{SecureRandom as _, SystemRandom};
use serde_json::{Map, Value, json};

use crate::oci::Descriptor;
use crate::serve::any_digest::AnyDigest;
use crate::serve::asked::Asked;
use crate::serve::manifest::Parts;
use crate::serve::repository::RepositoryName;

/// Where the kernel tells the name of this machine.
const HOSTNAME: &str = "/proc/sys/kernel/hostname";
/// How a proxy says what its client was speaking, and for which host.
const FORWARDED_PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");
const FORWARDED_HOST: HeaderName = HeaderName::from_static("x-forwarded-host");
/// How many references of a manifest are told.
const MAX_REFERENCES: usize = 1000;

/// What was done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::serve) enum Action {
    Push,
    Pull,
    Mount,
    Delete,
}

impl Action {
    fn as_str(self) -> &'static str {
        match self {
            Self::Push => "push",
            Self::Pull => "pull",
            Self::Mount => "mount",
            Self::Delete => "delete",
        }
    }
}

/// To what it was done.
#[derive(Debug, Clone)]
pub(in crate::serve) struct Target {
    repository: RepositoryName,
    /// Where it is, below the root of the server.
    path: Option<String>,
    content: Option<(String, String, u64)>,
    digest: Option<String>,
    tag: Option<String>,
    from: Option<String>,
    references: Vec<Value>,
}

impl Target {
    fn of(repository: &RepositoryName) -> Self {
        let (repository, references) = (repository.clone(), Vec::new());
        Self { repository, path: None, content: None, digest: None, tag: None, from: None, references }
    }

    /// A manifest, with the tag by which it was named.
    pub(in crate::serve) fn manifest(
        repository: &RepositoryName,
        descriptor: &Descriptor,
        digest: &AnyDigest,
        tag: Option<&str>,
    ) -> Self {
        let content = (descriptor.media_type.to_string(), digest.to_string(), descriptor.size);
        Self {
            path: Some(format!("/v2/{repository}/manifests/{digest}")),
            content: Some(content),
            tag: tag.map(str::to_owned),
            ..Self::of(repository)
        }
    }

    /// With what the manifest needs.
    pub(in crate::serve) fn needing(self, parts: &Parts) -> Self {
        let needs = parts.blobs.iter().chain(&parts.manifests).take(MAX_REFERENCES);
        let reference = |need: &crate::serve::manifest::Need| json!({"mediaType": need.media_type, "size": need.size, "digest": need.digest.to_string()});
        Self { references: needs.map(reference).collect(), ..self }
    }

    /// A blob.
    pub(in crate::serve) fn blob(repository: &RepositoryName, digest: &AnyDigest, size: u64) -> Self {
        Self {
            path: Some(format!("/v2/{repository}/blobs/{digest}")),
            content: Some(("application/octet-stream".to_owned(), digest.to_string(), size)),
            ..Self::of(repository)
        }
    }

    /// A blob that another repository gave, if that is known.
    pub(in crate::serve) fn mounted(self, from: Option<&RepositoryName>) -> Self {
        Self { from: from.map(RepositoryName::to_string), ..self }
    }

    /// What had that digest, and is gone.
    pub(in crate::serve) fn digest(repository: &RepositoryName, digest: &AnyDigest) -> Self {
        Self { digest: Some(digest.to_string()), ..Self::of(repository) }
    }

    /// A tag that is gone.
    pub(in crate::serve) fn tag(repository: &RepositoryName, tag: &str) -> Self {
        Self { tag: Some(tag.to_owned()), ..Self::of(repository) }
    }

    fn into_json(self, base: &str) -> Value {
        let mut fields = Map::new();
        let mut add = |name: &str, value: Option<Value>| {
            fields.extend(value.map(|value| (name.to_owned(), value)));
        };
        let length = self.content.as_ref().map(|(_, _, size)| json!(size));
        if let Some((media_type, digest, size)) = self.content {
            add("mediaType", Some(json!(media_type)));
            add("size", Some(json!(size)));
            add("digest", Some(json!(digest)));
        }
        add("digest", self.digest.map(Value::from));
        add("length", length);
        add("repository", Some(json!(self.repository.as_str())));
        add("fromRepository", self.from.map(Value::from));
        add("url", self.path.map(|path| json!(format!("{base}{path}"))));
        add("tag", self.tag.map(Value::from));
        add("references", (!self.references.is_empty()).then(|| json!(self.references)));
        Value::Object(fields)
    }
}

/// Which server tells.
#[derive(Debug)]
pub(super) struct Source {
    addr: String,
    instance: String,
}

impl Source {
    /// This one.
    pub(super) fn new() -> Self {
        let addr = std::fs::read_to_string(HOSTNAME).unwrap_or_default().trim().to_owned();
        Self { addr, instance: unique() }
    }
}

/// An event on its way to endpoints.
#[derive(Debug, Clone)]
pub(super) struct Event {
    /// As it is written: one line.
    pub(super) line: Arc<[u8]>,
    /// Whether Docker Hub would tell it: something was pushed under a tag.
    pub(super) is_tagged_push: bool,
}

/// The event of a request.
pub(super) fn record(source: &Source, asked: &Asked, action: Action, target: Target) -> Event {
    let host = asked.header(FORWARDED_HOST).or_else(|| asked.header(HOST)).unwrap_or_default();
    let scheme = if asked.header(FORWARDED_PROTO) == Some("https") { "https" } else { "http" };
    let is_tagged_push = action == Action::Push && target.tag.is_some();
    let request = json!({
        "id": unique(),
        "addr": &*asked.peer,
        "host": host,
        "method": asked.method.as_str(),
        "useragent": asked.header(USER_AGENT).unwrap_or_default(),
    });
    let actor = asked.who.user().map_or_else(|| json!({}), |name| json!({"name": name}));
    let event = json!({
        "id": unique(),
        "timestamp": Timestamp::now().to_string(),
        "action": action.as_str(),
        "target": target.into_json(&format!("{scheme}://{host}")),
        "request": request,
        "actor": actor,
        "source": {"addr": source.addr, "instanceID": source.instance},
    });
    let line = event.to_string() + "\n";
    Event { line: line.into_bytes().into(), is_tagged_push }
}

/// A random UUID.
fn unique() -> String {
    let mut bytes = [0; 16];
    if SystemRandom::new().fill(&mut bytes).is_err() {
        fastrand::fill(&mut bytes);
    }
    bytes[6] = bytes[6] & 0x0f | 0x40;
    bytes[8] = bytes[8] & 0x3f | 0x80;
    let hex = format!("{:032x}", u128::from_be_bytes(bytes));
    [&hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..]].join("-")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_uuid_is_of_the_fourth_version() {
        let one = unique();
        assert_eq!(one.len(), 36);
        assert_eq!(one.as_bytes()[14], b'4');
        assert!(matches!(one.as_bytes()[19], b'8' | b'9' | b'a' | b'b'));
        assert_ne!(one, unique());
    }
}
