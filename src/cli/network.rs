//! How the environment says that the network is reached.

use super::session::variable;
use crate::http::Settings;

/// Proxies, and the system's certificates. As elsewhere, `$HTTP_PROXY` in capitals is not believed where a web server
/// may have set it.
pub(super) fn network() -> Settings {
    let either = |name: &str| variable(name).or_else(|| variable(&name.to_uppercase()));
    let is_cgi = variable("REQUEST_METHOD").is_some();
    let http_proxy = if is_cgi { variable("http_proxy") } else { either("http_proxy") };
    let certificates = rustls_native_certs::load_native_certs().certs;
    Settings {
        http_proxy: http_proxy.or_else(|| either("all_proxy")),
        https_proxy: either("https_proxy").or_else(|| either("all_proxy")),
        no_proxy: either("no_proxy").unwrap_or_default(),
        roots: certificates.into_iter().map(|certificate| certificate.to_vec()).collect(),
        ..Settings::default()
    }
}
