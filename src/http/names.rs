//! Resolving the names of servers, and refusing those that a server may not lead to.

use std::collections::HashMap;
use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError};

use ureq::config::Config;
use ureq::http::Uri;
use ureq::unversioned::resolver::{DefaultResolver, ResolvedSocketAddrs, Resolver};
use ureq::unversioned::transport::NextTimeout;

use super::address::Reach;

/// What is known of the servers by their names. Clones are the same: clients that are made of clones of one
/// [`Settings`](super::Settings) know the same.
#[derive(Clone)]
pub struct Names(Arc<Known>);

struct Known {
    lookup: Box<dyn Resolver>,
    /// The farthest address that each name had: a name that becomes that of a private server later, as a hostile one
    /// may, does not lead to others.
    reach: Mutex<HashMap<String, Reach>>,
}

impl Default for Names {
    fn default() -> Self {
        Self::by(DefaultResolver::default())
    }
}

impl Names {
    pub(super) fn by(lookup: impl Resolver) -> Self {
        Self(Arc::new(Known { lookup: Box::new(lookup), reach: Mutex::default() }))
    }

    /// The reach of a server that was connected to, or whose address is its name.
    pub(super) fn reach(&self, host: &str) -> Option<Reach> {
        let known = self.0.reach.lock().unwrap_or_else(PoisonError::into_inner);
        literal(host).map(Reach::of).or_else(|| known.get(host).copied())
    }

    /// Resolves the host of a URI.
    pub(super) fn resolve(
        &self,
        uri: &Uri,
        config: &Config,
        timeout: NextTimeout,
    ) -> Result<ResolvedSocketAddrs, ureq::Error> {
        let found = self.0.lookup.resolve(uri, config, timeout).map_err(unresolved)?;
        let farthest = found.iter().map(|address| Reach::of(address.ip())).max();
        if let (Some(host), Some(reach)) = (uri.host(), farthest) {
            let mut known = self.0.reach.lock().unwrap_or_else(PoisonError::into_inner);
            let known = known.entry(host.to_owned()).or_insert(reach);
            *known = reach.max(*known);
        }
        Ok(found)
    }
}

impl fmt::Debug for Names {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Names")
    }
}

/// A name has no address.
#[derive(Debug, thiserror::Error)]
#[error("no such host")]
pub(super) struct Unresolved {
    /// Whether another attempt may help: the name service cannot be reached.
    pub(super) is_passing: bool,
}

fn unresolved(error: ureq::Error) -> ureq::Error {
    match error {
        ureq::Error::HostNotFound => ureq::Error::Other(Box::new(Unresolved { is_passing: false })),
        // The standard library has only a text for it, that of `getaddrinfo` with EAI_AGAIN.
        ureq::Error::Io(error) if error.raw_os_error().is_none() => {
            let is_passing = error.to_string().contains("emporary failure");
            ureq::Error::Other(Box::new(Unresolved { is_passing }))
        }
        other => other,
    }
}

/// The address, if the host of a URL is one.
pub(super) fn literal(host: &str) -> Option<IpAddr> {
    host.trim_matches(['[', ']']).parse().ok()
}

/// Who gave a URL.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Giver {
    /// The user, who may name every server.
    User,
    /// A server with this reach.
    Server(Reach),
}

/// Resolves names to the addresses that who gave them may lead to.
#[derive(Debug)]
pub(super) struct Guard {
    pub(super) names: Names,
    pub(super) giver: Giver,
    /// The proxy that requests are sent to, in place of the servers.
    pub(super) forward: Option<Uri>,
}

/// A server gave a name, and may not lead to its address.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(super) struct Forbidden(pub(super) IpAddr);

impl Resolver for Guard {
    fn resolve(&self, uri: &Uri, config: &Config, timeout: NextTimeout) -> Result<ResolvedSocketAddrs, ureq::Error> {
        if let Some(proxy) = &self.forward {
            return self.names.resolve(proxy, config, timeout);
        }
        // The user gave the proxy.
        let is_proxy = config.proxy().is_some_and(|proxy| proxy.uri() == uri);
        let mut found = self.names.resolve(uri, config, timeout)?;
        if config.proxy().is_some() && !is_proxy {
            // A proxy is told only the first, and not every proxy reaches IPv6.
            found.sort_by_key(SocketAddr::is_ipv6);
        }
        let Giver::Server(from) = self.giver else { return Ok(found) };
        let is_secure = uri.scheme_str() == Some("https");
        let is_allowed = |address: &SocketAddr| from.may_lead_to(Reach::of(address.ip()), is_secure);
        if is_proxy {
            return Ok(found);
        }
        let mut allowed = self.empty();
        found.iter().copied().filter(is_allowed).for_each(|address| allowed.push(address));
        match found.first() {
            Some(first) if allowed.is_empty() => Err(ureq::Error::Other(Box::new(Forbidden(first.ip())))),
            _ => Ok(allowed),
        }
    }
}
