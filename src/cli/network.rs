//! How the environment says that the network is reached.

use std::env;
use std::path::PathBuf;

use super::session::variable;
use crate::http::{ProxyAddress, Settings};

/// Proxies, and the system's certificates. As elsewhere, `$HTTP_PROXY` in capitals is not believed where a web server
/// may have set it.
pub(super) fn network() -> Settings {
    let either = |name: &str| variable(name).or_else(|| variable(&name.to_uppercase()));
    let is_cgi = variable("REQUEST_METHOD").is_some();
    let http_proxy = if is_cgi { variable("http_proxy") } else { either("http_proxy") };
    let proxy = |own: Option<String>| own.or_else(|| either("all_proxy")).map(ProxyAddress::from);
    let certificates = rustls_native_certs::load_native_certs().certs;
    Settings {
        http_proxy: proxy(http_proxy),
        https_proxy: proxy(either("https_proxy")),
        no_proxy: either("no_proxy").unwrap_or_default(),
        roots: certificates.into_iter().map(|certificate| certificate.to_vec()).collect(),
        trust: certificate_paths(),
        ..Settings::default()
    }
}

/// Where the system's certificates are read from, as `rustls_native_certs` does it: if a variable of OpenSSL is set,
/// only from there.
fn certificate_paths() -> Vec<PathBuf> {
    let named =
        |name: &str| env::var_os(name).into_iter().flat_map(|value| env::split_paths(&value).collect::<Vec<_>>());
    let mut paths: Vec<PathBuf> = named("SSL_CERT_FILE").chain(named("SSL_CERT_DIR")).collect();
    if paths.is_empty() {
        let found = openssl_probe::probe();
        paths = found.cert_file.into_iter().chain(found.cert_dir).collect();
    }
    paths.retain(|path| path.exists());
    paths
}
