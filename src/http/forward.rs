//! Plain HTTP through a proxy: the proxy gets the request with the whole URL, and sends it on ([RFC 9112, 3.2.2](
//! https://www.rfc-editor.org/rfc/rfc9112#section-3.2.2)). Many proxies make tunnels to the port of `https` only.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ureq::http::Uri;
use ureq::{Proxy, ProxyProtocol};

use super::proxy::shown;

/// A proxy that requests are sent to.
pub(super) struct Forward {
    /// Its address, without user and password.
    pub(super) proxy: Uri,
    /// The header with the proxy's user and password, or nothing.
    authorization: String,
}

impl Forward {
    /// Requests through a proxy that speaks HTTP.
    pub(super) fn through(proxy: &Proxy) -> Option<Self> {
        if !matches!(proxy.protocol(), ProxyProtocol::Http | ProxyProtocol::Https) {
            return None;
        }
        let address = format!("{}/", shown(proxy)).parse().ok()?;
        let (user, password) = (proxy.username(), proxy.password());
        let credentials = format!("{}:{}", user.unwrap_or_default(), password.unwrap_or_default());
        let has_any = user.is_some() || password.is_some();
        let encoded = has_any.then(|| format!("Proxy-Authorization: Basic {}\r\n", STANDARD.encode(credentials)));
        Some(Self { proxy: address, authorization: encoded.unwrap_or_default() })
    }

    /// Whether the proxy is reached by TLS.
    pub(super) fn is_secure(&self) -> bool {
        self.proxy.scheme_str() == Some("https")
    }

    /// Makes a request to the server `authority` one to the proxy: its first `length` bytes are in the buffer, with
    /// the whole of the first line. Returns the new length, or `None` if there is no room for it.
    pub(super) fn rewrite(&self, buffer: &mut [u8], length: usize, authority: &str) -> Option<usize> {
        let server = format!("http://{authority}");
        let target = buffer[..length].iter().position(|byte| *byte == b' ')? + 1;
        let end = buffer[..length].windows(2).position(|two| two == b"\r\n")? + 2;
        let (more, both) = (server.len(), server.len() + self.authorization.len());
        if length + both > buffer.len() {
            return None;
        }
        buffer.copy_within(end..length, end + both);
        buffer.copy_within(target..end, target + more);
        buffer[target..target + more].copy_from_slice(server.as_bytes());
        buffer[end + more..end + both].copy_from_slice(self.authorization.as_bytes());
        Some(length + both)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_becomes_one_to_the_proxy() {
        let rewritten = |proxy: &str, room: usize| {
            let forward = Forward::through(&Proxy::new(proxy).expect("a proxy")).expect("one that speaks HTTP");
            let text = b"GET /v2/ HTTP/1.1\r\nhost: a:5000\r\n\r\n";
            let mut buffer = vec![0; room];
            buffer[..text.len()].copy_from_slice(text);
            let length = forward.rewrite(&mut buffer, text.len(), "a:5000")?;
            Some(String::from_utf8(buffer[..length].to_vec()).expect("text"))
        };
        let plain = "GET http://a:5000/v2/ HTTP/1.1\r\nhost: a:5000\r\n\r\n";
        assert_eq!(rewritten("http://p:3128", 100), Some(plain.to_owned()));
        let with = "HTTP/1.1\r\nProxy-Authorization: Basic bWU6aHVudGVyMg==\r\nhost";
        assert_eq!(rewritten("http://me:hunter2@p:3128", 200), Some(plain.replace("HTTP/1.1\r\nhost", with)));
        assert_eq!(rewritten("http://p:3128", 40), None);
        assert!(Forward::through(&Proxy::new("socks5://p").expect("a proxy")).is_none());
    }
}
