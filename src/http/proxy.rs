//! Proxies, and what is reached without one.

use std::fmt;
use std::net::IpAddr;

use super::Url;

/// The address of a proxy, as `[http|https|socks5|socks5h://][user:password@]host[:port]`. It is shown without its user
/// and password.
#[derive(Clone, PartialEq, Eq)]
pub struct ProxyAddress(String);

impl From<String> for ProxyAddress {
    fn from(text: String) -> Self {
        Self(text)
    }
}

impl ProxyAddress {
    /// The proxy; `None` if this is no address of one.
    pub(super) fn parse(&self) -> Option<ureq::Proxy> {
        let proxy = ureq::Proxy::new(self.0.trim().trim_end_matches('/')).ok()?;
        let uri = proxy.uri();
        let address = uri.authority()?.as_str().rsplit('@').next()?;
        // A special character in a password that is not in percent encoding would make a host of what is before it.
        let is_whole = matches!(uri.path(), "" | "/") && uri.query().is_none() && !self.0.contains('#');
        let has_port = uri.port_u16().is_some() || address.ends_with(']') || !address.contains(':');
        (is_whole && has_port).then_some(proxy)
    }
}

impl fmt::Debug for ProxyAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl fmt::Display for ProxyAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.parse() {
            Some(proxy) => f.write_str(&shown(&proxy)),
            // What of it is the password cannot be known.
            None => f.write_str("…"),
        }
    }
}

/// A proxy without its user and password.
pub(super) fn shown(proxy: &ureq::Proxy) -> String {
    format!("{}://{}:{}", proxy.protocol().to_string().to_ascii_lowercase(), proxy.host(), proxy.port())
}

/// Whether a URL is reached without a proxy: what is on this machine, and what `no_proxy` lists, separated by commas.
///
/// As in Go, and so in docker: `example.com` is the host and those below it, `.example.com` and `*.example.com` only
/// those below it, `10.0.0.1` and `10.0.0.0/8` are addresses that are written as such in the URL, a port restricts an
/// entry to it, and `*` is everything.
pub(super) fn is_direct(url: &Url, no_proxy: &str) -> bool {
    let host = url.host().trim_matches(['[', ']']).trim_end_matches('.');
    let address = host.parse::<IpAddr>().ok();
    host == "localhost"
        || address.is_some_and(|address| address.is_loopback())
        || no_proxy.split(',').map(|entry| entry.trim().to_ascii_lowercase()).any(|entry| match address {
            _ if entry == "*" => true,
            Some(address) => is_address(&entry, address, url.port()),
            None => is_name(&entry, host, url.port()),
        })
}

/// Splits the port from an entry.
fn with_port(entry: &str) -> (&str, Option<&str>) {
    match entry.rsplit_once(':') {
        Some((host, port)) if !host.contains(':') || host.ends_with(']') => (host, Some(port)),
        _ => (entry, None),
    }
}

fn is_port(wanted: Option<&str>, port: u16) -> bool {
    wanted.is_none_or(|wanted| wanted == port.to_string())
}

fn is_address(entry: &str, address: IpAddr, port: u16) -> bool {
    if let Some((network, length)) = entry.split_once('/') {
        return network.parse().is_ok_and(|network| length.parse().is_ok_and(|length| is_in(address, network, length)));
    }
    let (host, wanted) = with_port(entry);
    host.trim_matches(['[', ']']).parse() == Ok(address) && is_port(wanted, port)
}

/// Whether an address is in a network, whose addresses have `length` bits in common.
fn is_in(address: IpAddr, network: IpAddr, length: u32) -> bool {
    // A shift by all bits, of a network of everything, leaves nothing to compare.
    match (address, network) {
        (IpAddr::V4(address), IpAddr::V4(network)) if length <= 32 => {
            (address.to_bits() ^ network.to_bits()).checked_shr(32 - length).unwrap_or(0) == 0
        }
        (IpAddr::V6(address), IpAddr::V6(network)) if length <= 128 => {
            (address.to_bits() ^ network.to_bits()).checked_shr(128 - length).unwrap_or(0) == 0
        }
        _ => false,
    }
}

fn is_name(entry: &str, host: &str, port: u16) -> bool {
    let (name, wanted) = with_port(entry);
    let name = name.strip_prefix('*').filter(|rest| rest.starts_with('.')).unwrap_or(name);
    let is_below = |domain: &str| host.strip_suffix(domain).is_some_and(|rest| rest.len() > 1 && rest.ends_with('.'));
    let is_matched = match name.strip_prefix('.') {
        Some(domain) => is_below(domain),
        None => !name.is_empty() && (host == name || is_below(name)),
    };
    is_matched && is_port(wanted, port)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_without_a_proxy() {
        let cases = [
            ("localhost", "", true),
            ("127.0.0.2", "", true),
            ("[::1]", "", true),
            ("a.example.com", "", false),
            ("a.example.com", "*", true),
            ("A.example.com", "x, Example.com", true),
            ("a.example.com", ".example.com", true),
            ("a.b.example.com", "*.example.com", true),
            ("example.com", ".example.com", false),
            ("example.com", "*.example.com", false),
            ("anexample.com", "example.com", false),
            ("anexample.com", "*example.com", false),
            ("example.com", ",,", false),
            ("example.com:5000", "example.com:5000", true),
            ("a.example.com:5000", "example.com:5000", true),
            ("example.com:5001", "example.com:5000", false),
            ("example.com", "example.com:80", true),
            ("example.com", "example.com:443", false),
            ("10.0.0.1", "10.0.0.1", true),
            ("10.0.0.1:5000", "10.0.0.1:5000", true),
            ("10.0.0.1:5001", "10.0.0.1:5000", false),
            ("10.1.2.3", "10.0.0.0/8", true),
            ("11.1.2.3", "10.0.0.0/8", false),
            ("11.1.2.3", "0.0.0.0/0", true),
            ("11.1.2.3", "11.1.2.3/32", true),
            ("11.1.2.4", "11.1.2.3/32", false),
            ("11.1.2.3", "11.1.2.3/33", false),
            ("11.1.2.3", "11.1.2.3/x", false),
            ("[fd00::1]", "fd00::/8", true),
            ("[fc00::1]", "fd00::/8", false),
            ("[fd00::1]", "fd00::1", true),
            ("[fd00::1]", "[fd00::1]:80", true),
            ("[fd00::1]", "[fd00::1]:81", false),
            ("11.1.2.3", "::/0", false),
            ("10.example.com", "10.0.0.0/8", false),
        ];
        for (host, no_proxy, direct) in cases {
            let url = format!("http://{host}/").parse().expect("a URL");
            assert_eq!(is_direct(&url, no_proxy), direct, "{host} {no_proxy}");
        }
    }

    #[test]
    fn passwords_are_not_shown() {
        let cases = [
            ("http://me:hunter2@proxy:3128", "http://proxy:3128"),
            ("socks5h://me:hunter2@[::1]", "socks5h://[::1]:1080"),
            ("me:hunter2@proxy", "http://proxy:80"),
            ("http://me:hunter2#@proxy", "…"),
            ("http://me:hunter/2@proxy", "…"),
            ("http://me:hunter?2@proxy", "…"),
            ("http://me:hunter2", "…"),
            ("me:hunter2@proxy:3128/", "http://proxy:3128"),
            ("ftp://me:hunter2@proxy", "…"),
        ];
        for (text, shown) in cases {
            let address = ProxyAddress::from(text.to_owned());
            assert_eq!(format!("{address} {address:?}"), format!("{shown} {shown}"), "{text}");
        }
    }
}
