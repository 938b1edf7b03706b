//! The names of servers, as docker's `config.json` and its helpers have them.

use std::fmt;

use crate::registry::host::{HUB, HUB_NAMES};

/// Docker Hub, as docker has always called it where it keeps credentials.
const HUB_KEY: &str = "https://index.docker.io/v1/";
/// Paths of the API, which say nothing about what a server's credentials are for.
const API_PATHS: [&str; 3] = ["", "v1", "v2"];

/// The server that credentials are for, by the name under which docker keeps them: `ghcr.io`, `localhost:5000`, and for
/// Docker Hub `https://index.docker.io/v1/`.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct ServerKey {
    /// As it stands in the names of images, in lower case.
    host: String,
}

/// A text that is not the name of a server.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{} is not a registry: expected HOST[:PORT]", if .text.is_empty() { "\"\"" } else { .text })]
pub struct ServerKeyError {
    /// The text, escaped; without what may be a password.
    text: String,
}

impl ServerKey {
    /// Docker Hub.
    pub fn hub() -> Self {
        Self { host: HUB.to_owned() }
    }

    /// The registry of that host, as it stands in the names of images: `docker.io`, `localhost:5000`.
    pub fn of(host: &str) -> Self {
        let host = host.to_ascii_lowercase();
        if HUB_NAMES.contains(&host.as_str()) { Self::hub() } else { Self { host } }
    }

    /// Reads what a user typed for a server: a host, with a port or without. As docker has it, `http://`, `https://` and
    /// everything behind a slash are left out, and nothing is Docker Hub.
    pub fn typed(text: &str) -> Result<Self, ServerKeyError> {
        let (host, _) = split(text.trim());
        if text.trim().is_empty() {
            return Ok(Self::hub());
        }
        let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b".-_:[]".contains(&byte);
        if host.is_empty() || !host.bytes().all(is_plain) || !has_valid_port(host) {
            let shown = text.rsplit('@').next().unwrap_or_default();
            return Err(ServerKeyError { text: shown.escape_debug().to_string() });
        }
        Ok(Self::of(host))
    }

    /// The name under which docker keeps the credentials.
    pub fn as_str(&self) -> &str {
        if self.is_hub() { HUB_KEY } else { &self.host }
    }

    /// The host with its port, as it stands in the names of images.
    pub fn host(&self) -> &str {
        &self.host
    }

    /// Whether it is Docker Hub.
    pub fn is_hub(&self) -> bool {
        self.host == HUB
    }

    /// How well an entry of that name fits the server, or a repository of it; nothing, if it is for something else.
    pub(super) fn fit(&self, entry: &str, repository: Option<&str>) -> Option<Fit> {
        let (host, namespace) = split(entry);
        if Self::of(host) != *self {
            return None;
        }
        let is_exact = entry == self.as_str();
        if namespace.is_empty() {
            return Some(Fit { components: 0, is_exact });
        }
        let rest = repository?.strip_prefix(namespace)?;
        let components = namespace.split('/').count();
        (rest.is_empty() || rest.starts_with('/')).then_some(Fit { components, is_exact })
    }
}

/// How well an entry fits: the more of a repository's path it names the better.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Fit {
    components: usize,
    is_exact: bool,
}

/// Host and namespace of an entry: `registry.example`, or podman's `registry.example/team/app`. Of a URL the path is no
/// namespace: `https://registry.example/v1/` is how old versions of docker named servers.
fn split(entry: &str) -> (&str, &str) {
    let bare = ["https://", "http://"].iter().find_map(|scheme| entry.strip_prefix(scheme));
    let (host, path) = bare.unwrap_or(entry).split_once('/').unwrap_or((bare.unwrap_or(entry), ""));
    let path = path.trim_end_matches('/');
    (host, if bare.is_some() || API_PATHS.contains(&path) { "" } else { path })
}

/// Whether what follows the last colon, if it is not within an IPv6 address, is a port.
fn has_valid_port(host: &str) -> bool {
    let (name, port) = match host.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        Some((name, "")) => (name, None),
        Some((name, port)) => (name, port.strip_prefix(':').or(Some(""))),
        None => host.split_once(':').map_or((host, None), |(name, port)| (name, Some(port))),
    };
    !name.is_empty() && port.is_none_or(|port| port.parse::<u16>().is_ok())
}

impl fmt::Display for ServerKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_typed() {
        let hub = "https://index.docker.io/v1/";
        let cases = [
            ("", Some(hub)),
            ("docker.io", Some(hub)),
            ("index.docker.io", Some(hub)),
            ("registry-1.docker.io", Some(hub)),
            (hub, Some(hub)),
            ("ghcr.io", Some("ghcr.io")),
            ("GHCR.io", Some("ghcr.io")),
            ("https://ghcr.io", Some("ghcr.io")),
            ("http://localhost:5000/", Some("localhost:5000")),
            ("localhost:5000/v2/", Some("localhost:5000")),
            ("registry.example/team/app", Some("registry.example")),
            ("[::1]:5000", Some("[::1]:5000")),
            ("[::1]", Some("[::1]")),
            ("registry_1:5000", Some("registry_1:5000")),
            ("foo bar", None),
            ("host:port", None),
            ("host:70000", None),
            ("host:", None),
            ("[::1]5000", None),
            ("https://", None),
            ("ftp://host", None),
            ("host?x", None),
            ("\u{202e}host", None),
        ];
        for (typed, key) in cases {
            assert_eq!(ServerKey::typed(typed).as_ref().ok().map(ServerKey::as_str), key, "{typed}");
        }
        let error = ServerKey::typed("https://ada:hunter2@host\x1b").expect_err("a user is no part of a server");
        assert_eq!(error.to_string(), "host\\u{1b} is not a registry: expected HOST[:PORT]");
    }

    #[test]
    fn entries_that_are_for_a_server() {
        let fits = |server: &str, entry: &str| {
            ServerKey::typed(server).expect("a server").fit(entry, Some("team/app")).map(|fit| fit.components)
        };
        let cases = [
            ("registry.example", "registry.example", Some(0)),
            ("registry.example", "http://registry.example", Some(0)),
            ("registry.example", "https://registry.example/v1/", Some(0)),
            ("registry.example", "https://registry.example/v2", Some(0)),
            ("registry.example", "registry.example/", Some(0)),
            ("registry.example", "registry.example/team", Some(1)),
            ("registry.example", "registry.example/team/app", Some(2)),
            ("registry.example", "registry.example/team/app/deeper", None),
            ("registry.example", "registry.example/tea", None),
            ("registry.example", "registry.example/other", None),
            ("registry.example", "registry.example.evil.net", None),
            ("registry.example.evil.net", "registry.example", None),
            ("registry.example", "evil.net/registry.example", None),
            ("registry.example", "https://registry.example@evil.net", None),
            ("registry.example", "https://evil.net/registry.example", None),
            ("registry.example", "registry.example:5000", None),
            ("registry.example:5000", "registry.example", None),
            ("registry.example:5000", "https://registry.example:5000", Some(0)),
            ("docker.io", "https://index.docker.io/v1/", Some(0)),
            ("docker.io", "docker.io", Some(0)),
            ("docker.io", "docker.io/team", Some(1)),
            ("docker.io", "docker.io.evil.net", None),
        ];
        for (server, entry, expected) in cases {
            assert_eq!(fits(server, entry), expected, "{entry} for {server}");
        }
        let server = ServerKey::of("registry.example");
        assert_eq!(server.fit("registry.example/team", None), None, "a server is not one of its namespaces");
        assert!(server.fit("registry.example", None) > server.fit("https://registry.example", None));
    }
}
