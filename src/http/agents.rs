//! The connections of a client: those without a proxy, and those through each of the two.

use std::time::Duration;

use ureq::tls::{Certificate, RootCerts, TlsConfig};
use ureq::{Agent, Proxy};

use super::{Error, SILENCE, Settings, Url};

/// The timeout of name resolution and of connecting.
const CONNECT: Duration = Duration::from_secs(30);
/// Sent as `User-Agent`.
pub(super) const USER_AGENT: &str = concat!("imgtool/", env!("CARGO_PKG_VERSION"));

#[derive(Debug)]
pub(super) struct Agents {
    direct: Agent,
    http: Option<Proxied>,
    https: Option<Proxied>,
    no_proxy: String,
}

/// Connections through a proxy, or the error if the proxy's address is invalid.
type Proxied = Result<Agent, String>;

impl Agents {
    pub(super) fn new(settings: &Settings) -> Self {
        let proxied = |proxy: &Option<String>| -> Option<Proxied> {
            let proxy = Proxy::new(proxy.as_ref()?);
            Some(proxy.map(|proxy| agent(settings, Some(proxy))).map_err(|error| error.to_string()))
        };
        Self {
            direct: agent(settings, None),
            http: proxied(&settings.http_proxy),
            https: proxied(&settings.https_proxy),
            no_proxy: settings.no_proxy.clone(),
        }
    }

    /// The connections for a URL: direct or through its proxy.
    pub(super) fn of(&self, url: &Url) -> Result<&Agent, Error> {
        let proxied = if url.is_secure() { &self.https } else { &self.http };
        match proxied {
            Some(proxied) if !url.is_direct(&self.no_proxy) => {
                proxied.as_ref().map_err(|why| Error::Proxy { url: url.clone(), why: why.clone() })
            }
            _ => Ok(&self.direct),
        }
    }
}

fn agent(settings: &Settings, proxy: Option<Proxy>) -> Agent {
    let roots = match settings.roots.as_slice() {
        [] => RootCerts::WebPki,
        roots => RootCerts::from(roots.iter().map(|der| Certificate::from_der(der).to_owned())),
    };
    let identity = settings.identity.as_ref().map(super::Identity::certificate);
    let config = Agent::config_builder()
        .user_agent(USER_AGENT)
        .http_status_as_error(false)
        .max_redirects(0)
        .max_redirects_will_error(false)
        .tls_config(TlsConfig::builder().root_certs(roots).client_cert(identity).build())
        .proxy(proxy)
        .timeout_resolve(Some(CONNECT))
        .timeout_connect(Some(CONNECT))
        .timeout_recv_response(Some(SILENCE))
        .timeout_per_read(Some(SILENCE))
        .timeout_per_write(Some(SILENCE));
    config.build().new_agent()
}
