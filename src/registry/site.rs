//! Which token server may have the credentials for a registry.
//!
//! The registry itself names its token server, so nothing proves that the two belong together but their names. A server
//! on the same host is taken for the registry's own, and so is one of the same domain (`registry.gitlab.com` and
//! `gitlab.com`). To any other, credentials are sent only if the user has said so.

use super::RegistryHost;
use crate::http::Url;

/// Whether `server`, which the registry at `host` named, may have the credentials for `host`.
pub(super) fn belongs(host: &RegistryHost, server: &Url, trusted: &[String]) -> bool {
    let name = server.host().trim_matches(['[', ']']);
    let registry = host.api_name();
    name == registry
        || trusted.iter().any(|trusted| trusted.eq_ignore_ascii_case(name))
        || domain(registry).is_some_and(|domain| is_in(name, domain))
}

/// The domain of a host that has one: what follows its first label, unless that is a domain under which anybody can
/// register names. Addresses have none.
fn domain(host: &str) -> Option<&str> {
    let (_, domain) = host.split_once('.')?;
    let (name, top) = domain.rsplit_once('.')?;
    let is_address = host.contains(':') || top.bytes().all(|byte| byte.is_ascii_digit());
    // As in co.uk, com.au, ac.jp.
    let is_public = !name.contains('.') && name.len() <= 3 && top.len() == 2;
    (!is_address && !is_public).then_some(domain)
}

fn is_in(host: &str, domain: &str) -> bool {
    host == domain || host.strip_suffix(domain).is_some_and(|rest| rest.ends_with('.'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_may_have_credentials() {
        let cases = [
            ("docker.io", "https://auth.docker.io/token", true),
            ("docker.io", "https://auth.docker.io.evil.net/token", false),
            ("ghcr.io", "https://ghcr.io/token", true),
            ("registry.gitlab.com", "https://gitlab.com/jwt/auth", true),
            ("registry.example.com:5000", "https://auth.example.com:5001/auth", true),
            ("registry.example.com", "https://example.net/", false),
            ("registry.example.com", "https://registry.example.com.evil.net/", false),
            ("registry.example.com", "https://evilexample.com/", false),
            ("example.com", "https://evil.com/", false),
            ("shop.co.uk", "https://evil.co.uk/", false),
            ("127.0.0.1:5000", "http://127.0.0.1:5001/token", true),
            ("127.0.0.1:5000", "http://127.0.0.2:5000/token", false),
            ("10.0.0.1", "https://10.0.0.2/", false),
            ("localhost:5000", "http://localhost/token", true),
            ("localhost:5000", "http://evil.localhost/token", false),
            ("[::1]:5000", "http://[::1]:1/token", true),
            ("rg.fr-par.scw.cloud", "https://api.scaleway.com/tokens", false),
        ];
        for (host, server, expected) in cases {
            let (host, server) = (RegistryHost::typed(host).expect(host), server.parse::<Url>().expect(server));
            assert_eq!(belongs(&host, &server, &[]), expected, "{host} {server}");
        }
        let host = RegistryHost::typed("rg.fr-par.scw.cloud").expect("a host");
        let server = "https://api.scaleway.com/tokens".parse().expect("a URL");
        assert!(belongs(&host, &server, &["api.scaleway.com".to_owned()]));
    }
}
