//! The connections of a client: those without a proxy, and those through each of the two; and of each, those to servers
//! that the user named, and those to servers that servers named.

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use ureq::unversioned::transport::{ConnectProxyConnector, Connector, SocksConnector, TcpConnector};
use ureq::{Agent, Proxy};

use super::address::Reach;
use super::forward::Forward;
use super::line::LineConnector;
use super::names::{Giver, Guard};
use super::tls::Tls;
use super::{Error, ProxyAddress, Settings, Url, proxy};

/// How many connections to a server are kept for the next request, more than are used at a time.
pub(super) const IDLE: usize = 16;
/// How long they are kept.
const IDLE_AGE: Duration = Duration::from_secs(30);
/// The longest header of a response.
const MOST_HEADER: usize = 64 << 10;
/// Sent as `User-Agent`.
pub(super) const USER_AGENT: &str = concat!("imgtool/", env!("CARGO_PKG_VERSION"));

#[derive(Debug)]
pub(super) struct Agents {
    settings: Settings,
    /// Made when it is needed, since a system has hundreds of certificates.
    tls: OnceLock<Tls>,
    direct: Route,
    http: Option<Proxied>,
    https: Option<Proxied>,
}

/// A way through a proxy; `None` if the proxy's address is invalid.
type Proxied = Option<Route>;

/// A way to servers: directly, or through a proxy. Its connections are not shared by those who gave the names of the
/// servers, since each was checked for one of them.
#[derive(Debug)]
struct Route {
    proxy: Option<Proxy>,
    /// For what the user named, then for what servers of each reach named.
    agents: [OnceLock<Agent>; 4],
}

impl Agents {
    pub(super) fn new(settings: &Settings) -> Self {
        let route = |proxy| Route { proxy, agents: Default::default() };
        let proxied = |proxy: &Option<ProxyAddress>| -> Option<Proxied> {
            Some(proxy.as_ref()?.parse().map(|proxy| route(Some(proxy))))
        };
        Self {
            settings: settings.clone(),
            tls: OnceLock::new(),
            direct: route(None),
            http: proxied(&settings.http_proxy),
            https: proxied(&settings.https_proxy),
        }
    }

    /// The connections for a URL that `giver` gave: direct or through its proxy.
    pub(super) fn of(&self, url: &Url, giver: Giver) -> Result<&Agent, Error> {
        let route = self.route(url)?;
        let agent = &route.agents[match giver {
            Giver::User => 0,
            Giver::Server(Reach::Loopback) => 1,
            Giver::Server(Reach::Private) => 2,
            Giver::Server(Reach::Public | Reach::Special) => 3,
        }];
        Ok(agent.get_or_init(|| self.agent(route.proxy.as_ref(), url.is_secure(), giver)))
    }

    /// The proxy that a URL is reached through.
    pub(super) fn proxy(&self, url: &Url) -> Result<Option<&Proxy>, Error> {
        self.route(url).map(|route| route.proxy.as_ref())
    }

    fn agent(&self, proxy: Option<&Proxy>, is_secure: bool, giver: Giver) -> Agent {
        let settings = &self.settings;
        let forward = proxy.filter(|_| !is_secure).and_then(Forward::through);
        let stall = Some(settings.stall);
        let config = Agent::config_builder()
            .user_agent(USER_AGENT)
            // Bytes are wanted as they are; what is compressed unasked is not undone.
            .accept_encoding("identity")
            .http_status_as_error(false)
            .max_redirects(0)
            .max_redirects_will_error(false)
            .max_response_header_size(MOST_HEADER)
            .max_idle_connections(2 * IDLE)
            .max_idle_connections_per_host(IDLE)
            .max_idle_age(IDLE_AGE)
            .proxy(proxy.filter(|_| forward.is_none()).cloned())
            .timeout_resolve(stall)
            .timeout_connect(stall)
            .timeout_recv_response(stall)
            .timeout_per_read(stall)
            .timeout_per_write(stall);
        let tls = self.tls.get_or_init(|| Tls::new(settings));
        let own = if giver == Giver::User { &tls.named } else { &tls.foreign };
        let guard = Guard {
            names: settings.names.clone(),
            giver,
            forward: forward.as_ref().map(|forward| forward.proxy.clone()),
        };
        let line = LineConnector {
            tls: Arc::clone(own),
            proxy_tls: Arc::clone(&tls.foreign),
            proxy: proxy.map(|proxy| proxy.uri().clone()),
            forward: forward.map(Arc::new),
            stall: settings.stall,
        };
        Agent::with_parts(config.build(), connector(line), guard)
    }

    fn route(&self, url: &Url) -> Result<&Route, Error> {
        let proxied = if url.is_secure() { &self.https } else { &self.http };
        match proxied {
            Some(proxied) if !proxy::is_direct(url, &self.settings.no_proxy) => {
                proxied.as_ref().ok_or_else(|| Error::InvalidProxy { url: url.clone() })
            }
            _ => Ok(&self.direct),
        }
    }
}

/// The default connector of `ureq`, with our own connections at its end.
fn connector(line: LineConnector) -> impl Connector {
    ().chain(SocksConnector::default())
        .chain(ConnectProxyConnector::default())
        .chain(TcpConnector::default())
        .chain(line)
}
