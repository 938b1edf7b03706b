//! The connections of a client: those without a proxy, and those through each of the two; and of each, those to servers
//! that the user named, and those to servers that servers named.

use std::sync::OnceLock;

use ureq::tls::{Certificate, RootCerts, TlsConfig};
use ureq::unversioned::transport::DefaultConnector;
use ureq::{Agent, Proxy};

use super::address::Reach;
use super::names::{Giver, Guard};
use super::{Error, Settings, Url};

/// Sent as `User-Agent`.
pub(super) const USER_AGENT: &str = concat!("imgtool/", env!("CARGO_PKG_VERSION"));

#[derive(Debug)]
pub(super) struct Agents {
    settings: Settings,
    direct: Route,
    http: Option<Proxied>,
    https: Option<Proxied>,
}

/// A way through a proxy, or the error if the proxy's address is invalid.
type Proxied = Result<Route, String>;

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
        let proxied = |proxy: &Option<String>| -> Option<Proxied> {
            let proxy = Proxy::new(proxy.as_ref()?);
            Some(proxy.map(|proxy| route(Some(proxy))).map_err(|error| error.to_string()))
        };
        Self {
            settings: settings.clone(),
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
        Ok(agent.get_or_init(|| agent_for(&self.settings, route.proxy.clone(), giver)))
    }

    /// Whether a URL is reached through a proxy.
    pub(super) fn is_proxied(&self, url: &Url) -> Result<bool, Error> {
        self.route(url).map(|route| route.proxy.is_some())
    }

    fn route(&self, url: &Url) -> Result<&Route, Error> {
        let proxied = if url.is_secure() { &self.https } else { &self.http };
        match proxied {
            Some(proxied) if !url.is_direct(&self.settings.no_proxy) => {
                proxied.as_ref().map_err(|why| Error::Proxy { url: url.clone(), why: why.clone() })
            }
            _ => Ok(&self.direct),
        }
    }
}

fn agent_for(settings: &Settings, proxy: Option<Proxy>, giver: Giver) -> Agent {
    let roots = settings.roots.iter().chain(&settings.extra_roots);
    let roots = match settings.roots.as_slice() {
        [] if settings.extra_roots.is_empty() => RootCerts::WebPki,
        _ => RootCerts::from(roots.map(|der| Certificate::from_der(der).to_owned())),
    };
    let identity = settings.identity.as_ref().filter(|_| giver == Giver::User).map(super::Identity::certificate);
    let stall = Some(settings.stall);
    let config = Agent::config_builder()
        .user_agent(USER_AGENT)
        // Not every compression that nobody asked for is undone: bytes are wanted as they are.
        .accept_encoding("identity")
        .http_status_as_error(false)
        .max_redirects(0)
        .max_redirects_will_error(false)
        .tls_config(TlsConfig::builder().root_certs(roots).client_cert(identity).build())
        .proxy(proxy)
        .timeout_resolve(stall)
        .timeout_connect(stall)
        .timeout_recv_response(stall)
        .timeout_per_read(stall)
        .timeout_per_write(stall);
    Agent::with_parts(config.build(), DefaultConnector::default(), Guard { names: settings.names.clone(), giver })
}
