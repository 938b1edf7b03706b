//! The hosts of registries, and which of them may be reached without encryption.

use std::fmt;
use std::net::IpAddr;

use crate::oci::Reference;

/// The registry of names without one.
pub(super) const HUB: &str = "docker.io";
/// Where Docker Hub has its distribution API.
const HUB_API: &str = "registry-1.docker.io";
/// All names of Docker Hub.
pub(super) const HUB_NAMES: [&str; 4] = [HUB, "index.docker.io", "registry-1.docker.io", "registry.hub.docker.com"];

/// The host of a registry with its port, as it stands in names: `ghcr.io`, `localhost:5000`, `docker.io`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RegistryHost(String);

/// A text that is not the host of a registry.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{text:?} is not the host of a registry: expected HOST[:PORT]")]
pub struct HostError {
    text: String,
}

impl RegistryHost {
    /// The registry that has the image of that name.
    pub fn of(name: &Reference) -> Self {
        Self::normal(name.registry())
    }

    /// Docker Hub.
    pub fn hub() -> Self {
        Self::normal(HUB)
    }

    /// Reads what a user typed for a server: a host with or without port; a scheme, a path of the API and slashes at the
    /// end are left out, as docker does. Nothing is Docker Hub.
    pub fn typed(text: &str) -> Result<Self, HostError> {
        let text = text.trim();
        if text.is_empty() {
            return Ok(Self::normal(HUB));
        }
        let rest = ["https://", "http://"].iter().find_map(|scheme| text.strip_prefix(scheme)).unwrap_or(text);
        let (host, path) = rest.split_once('/').unwrap_or((rest, ""));
        let is_api = ["", "v1", "v2"].contains(&path.trim_end_matches('/'));
        let is_host = url::Url::parse(&format!("https://{host}/"))
            .is_ok_and(|url| url.host().is_some() && url.username().is_empty() && url.password().is_none());
        if host.is_empty() || !is_api || !is_host || host.contains(['?', '#', '\\', '%']) {
            return Err(HostError { text: text.to_owned() });
        }
        Ok(Self::normal(host))
    }

    fn normal(host: &str) -> Self {
        let host = host.to_ascii_lowercase();
        if HUB_NAMES.contains(&host.as_str()) { Self(HUB.to_owned()) } else { Self(host) }
    }

    /// As it stands in names.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether it is Docker Hub.
    pub fn is_hub(&self) -> bool {
        self.0 == HUB
    }

    /// Host and port of the API.
    pub(super) fn api(&self) -> &str {
        if self.is_hub() { HUB_API } else { &self.0 }
    }

    /// The host without its port, and without the brackets of IPv6 addresses.
    pub(super) fn name(&self) -> &str {
        without_port(&self.0)
    }

    /// The same of the API's host.
    pub(super) fn api_name(&self) -> &str {
        without_port(self.api())
    }

    /// Whether it is this machine: what is sent there leaves no wire.
    pub fn is_loopback(&self) -> bool {
        let name = self.name();
        name == "localhost" || name.ends_with(".localhost") || name.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback())
    }
}

impl fmt::Display for RegistryHost {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

fn without_port(host: &str) -> &str {
    if let Some(rest) = host.strip_prefix('[') {
        return rest.split(']').next().unwrap_or(rest);
    }
    host.rsplit_once(':').map_or(host, |(name, _)| name)
}

/// An entry of `insecure-registries`, or of `--insecure-registry`: a host with or without port, or a range of addresses.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum InsecureRegistry {
    /// A host; without a port, every port of it.
    Host(RegistryHost),
    /// The addresses that have the same first bits.
    Range(IpAddr, u8),
}

impl InsecureRegistry {
    /// Reads `HOST[:PORT]` or `ADDRESS/BITS`.
    pub fn parse(text: &str) -> Result<Self, HostError> {
        if let Some((address, bits)) = text.trim().split_once('/')
            && let (Ok(address), Ok(bits)) = (address.parse::<IpAddr>(), bits.parse::<u8>())
        {
            let most = if address.is_ipv4() { 32 } else { 128 };
            return if bits <= most {
                Ok(Self::Range(address, bits))
            } else {
                Err(HostError { text: text.to_owned() })
            };
        }
        RegistryHost::typed(text).map(Self::Host)
    }

    /// Whether it is about that registry. Names are not resolved: a range is about addresses only.
    pub fn covers(&self, host: &RegistryHost) -> bool {
        match self {
            Self::Host(insecure) if insecure.name() == insecure.as_str().trim_matches(['[', ']']) => {
                insecure.name() == host.name()
            }
            Self::Host(insecure) => insecure == host,
            Self::Range(network, bits) => host.name().parse::<IpAddr>().is_ok_and(|ip| same_bits(*network, ip, *bits)),
        }
    }
}

/// Whether the first `bits` bits of two addresses are the same.
fn same_bits(one: IpAddr, other: IpAddr, bits: u8) -> bool {
    let differ = match (one, other) {
        (IpAddr::V4(one), IpAddr::V4(other)) => u128::from(one.to_bits() ^ other.to_bits()) << 96,
        (IpAddr::V6(one), IpAddr::V6(other)) => one.to_bits() ^ other.to_bits(),
        _ => return false,
    };
    differ.leading_zeros() >= u32::from(bits)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_typed() {
        let cases = [
            ("", Some("docker.io")),
            ("https://index.docker.io/v1/", Some("docker.io")),
            ("docker.io", Some("docker.io")),
            ("GHCR.io", Some("ghcr.io")),
            ("http://localhost:5000/", Some("localhost:5000")),
            ("localhost:5000/v2/", Some("localhost:5000")),
            ("[::1]:5000", Some("[::1]:5000")),
            ("a/b", None),
            ("user:password@host", None),
            ("ho st", None),
            ("https://", None),
            ("host?x", None),
        ];
        for (typed, host) in cases {
            let read = RegistryHost::typed(typed);
            assert_eq!(read.as_ref().ok().map(RegistryHost::as_str), host, "{typed}");
        }
    }

    #[test]
    fn this_machine() {
        for (text, expected) in [
            ("localhost:5000", true),
            ("127.0.0.1:5000", true),
            ("127.8.8.8", true),
            ("[::1]:5000", true),
            ("a.localhost", true),
            ("localhost.evil.net", false),
            ("128.0.0.1", false),
            ("127.0.0.1.evil.net:5000", false),
        ] {
            assert_eq!(RegistryHost::typed(text).map(|host| host.is_loopback()), Ok(expected), "{text}");
        }
    }

    #[test]
    fn insecure_ones() {
        for (entry, host, expected) in [
            ("registry.lan", "registry.lan", true),
            ("registry.lan", "registry.lan:5000", true),
            ("registry.lan:5000", "registry.lan:5000", true),
            ("registry.lan:5000", "registry.lan", false),
            ("registry.lan", "registry.lan.evil.net", false),
            ("http://registry.lan:5000", "registry.lan:5000", true),
            ("10.0.0.0/8", "10.1.2.3:5000", true),
            ("10.0.0.0/8", "11.1.2.3:5000", false),
            ("0.0.0.0/0", "11.1.2.3", true),
            ("fd00::/8", "[fd12::1]:5000", true),
            ("10.0.0.0/8", "registry.lan", false),
        ] {
            let entry = InsecureRegistry::parse(entry).expect("an entry");
            let host = RegistryHost::typed(host).expect("a host");
            assert_eq!(entry.covers(&host), expected, "{entry:?} {host}");
        }
        assert!(InsecureRegistry::parse("10.0.0.0/33").is_err());
    }
}
