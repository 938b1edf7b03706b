//! Addresses of files.

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

use ureq::http::Uri;

/// The address of a file on a web server. Shown without a password.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Url {
    /// Without who asks.
    uri: Uri,
    /// `user:password`, as typed.
    user: Option<String>,
}

/// Why a text is no such address.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum UrlError {
    /// It begins with neither `http://` nor `https://`.
    #[error("a URL of http or https is needed")]
    Scheme,
    /// It has no host, or characters that no URL has.
    #[error("invalid URL: {reason}")]
    Invalid {
        /// What is wrong.
        reason: String,
    },
}

impl Url {
    /// Whether this text is to be a URL, and no file: it begins as one.
    pub fn is_meant(text: &str) -> bool {
        ["http://", "https://"].iter().any(|scheme| text.starts_with(scheme))
    }

    /// Whether nobody on the way can read along.
    pub fn is_secure(&self) -> bool {
        self.uri.scheme_str() == Some("https")
    }

    /// What is asked for.
    pub(super) fn target(&self) -> Uri {
        self.uri.clone()
    }

    /// The header that says who asks.
    pub(super) fn authorization(&self) -> Option<String> {
        self.user.as_ref().map(|user| format!("Basic {}", base64(&unescape(user))))
    }

    /// The address that a redirect from here means
    /// ([RFC 3986, 5.2](https://www.rfc-editor.org/rfc/rfc3986#section-5.2)).
    pub(super) fn join(&self, location: &str) -> Result<Self, UrlError> {
        let location = location.split('#').next().unwrap_or_default();
        let scheme = self.uri.scheme_str().unwrap_or_default();
        let host = self.uri.authority().map(ToString::to_string).unwrap_or_default();
        let path = self.uri.path();
        if has_scheme(location) {
            return location.parse();
        }
        let relative = if location.starts_with("//") {
            return format!("{scheme}:{location}").parse();
        } else if location.starts_with('/') {
            location.to_owned()
        } else if location.starts_with('?') {
            format!("{path}{location}")
        } else {
            let (location, query) = location.split_once('?').unwrap_or((location, ""));
            let folder = path.rsplit_once('/').map_or("", |(folder, _)| folder);
            let mark = if query.is_empty() { "" } else { "?" };
            format!("{}{mark}{query}", without_dots(&format!("{folder}/{location}")))
        };
        // The same server may know who asks.
        Ok(Self { user: self.user.clone(), ..format!("{scheme}://{host}{relative}").parse()? })
    }

    /// Whether the host is reached without a proxy: this machine, and what `no_proxy` lists.
    pub(super) fn is_direct(&self, no_proxy: &str) -> bool {
        let host = self.uri.host().unwrap_or_default().trim_matches(['[', ']']).to_ascii_lowercase();
        if host == "localhost" || host.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback()) {
            return true;
        }
        no_proxy.split(',').map(|entry| entry.trim().to_ascii_lowercase()).any(|entry| {
            let domain = entry.trim_start_matches('*');
            let below = |domain: &str| host.strip_suffix(domain).is_some_and(|rest| rest.ends_with('.'));
            match domain.strip_prefix('.') {
                _ if entry == "*" => true,
                Some(domain) => below(domain),
                None => !domain.is_empty() && (host == domain || below(domain)),
            }
        })
    }
}

impl FromStr for Url {
    type Err = UrlError;

    fn from_str(text: &str) -> Result<Self, UrlError> {
        if !Self::is_meant(&text.to_ascii_lowercase()) {
            return Err(UrlError::Scheme);
        }
        let text = text.split('#').next().unwrap_or_default();
        let (scheme, rest) = text.split_once("://").unwrap_or_default();
        let end = rest.find(['/', '?']).unwrap_or(rest.len());
        let (authority, path) = rest.split_at(end);
        let (user, host) = match authority.rsplit_once('@') {
            Some((user, host)) => (Some(user.to_owned()), host),
            None => (None, authority),
        };
        let invalid = |reason: String| UrlError::Invalid { reason };
        if host.is_empty() || host.starts_with(':') {
            return Err(invalid("no host".to_owned()));
        }
        let text = format!("{}://{host}{path}", scheme.to_ascii_lowercase());
        let uri = text.parse::<Uri>().map_err(|error| invalid(error.to_string()))?;
        Ok(Self { uri, user })
    }
}

impl fmt::Display for Url {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = self.uri.to_string();
        match (&self.user, text.split_once("://")) {
            (Some(user), Some((scheme, rest))) => {
                let name = user.split(':').next().unwrap_or_default();
                write!(f, "{scheme}://{name}:xxxxx@{rest}")
            }
            _ => f.write_str(&text),
        }
    }
}

/// Whether a text begins as an absolute URL does.
fn has_scheme(text: &str) -> bool {
    let scheme = text.split_once(':').map(|(scheme, _)| scheme);
    scheme.is_some_and(|scheme| !scheme.is_empty() && scheme.bytes().all(|byte| byte.is_ascii_alphanumeric()))
}

/// A path without `.` and `..`.
fn without_dots(path: &str) -> String {
    let mut parts: Vec<&str> = Vec::new();
    for part in path.split('/').skip(1) {
        match part {
            "." => {}
            ".." => drop(parts.pop()),
            part => parts.push(part),
        }
    }
    if path.ends_with("/.") || path.ends_with("/..") {
        parts.push("");
    }
    format!("/{}", parts.join("/"))
}

/// `%40` is `@`.
fn unescape(text: &str) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut rest = text.as_bytes();
    while let [first, after @ ..] = rest {
        let hex = after.get(..2).and_then(|digits| std::str::from_utf8(digits).ok());
        match hex.and_then(|digits| u8::from_str_radix(digits, 16).ok()) {
            Some(byte) if *first == b'%' => {
                bytes.push(byte);
                rest = &after[2..];
            }
            _ => {
                bytes.push(*first);
                rest = after;
            }
        }
    }
    bytes
}

/// [RFC 4648, 4](https://www.rfc-editor.org/rfc/rfc4648#section-4).
fn base64(bytes: &[u8]) -> String {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::new();
    for chunk in bytes.chunks(3) {
        let word = [0, 1, 2].map(|at| u32::from(chunk.get(at).copied().unwrap_or(0)));
        let bits = word[0] << 16 | word[1] << 8 | word[2];
        for place in 0..4 {
            let letter = ALPHABET[(bits >> (18 - 6 * place) & 63) as usize];
            text.push(if place <= chunk.len() { char::from(letter) } else { '=' });
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn url(text: &str) -> Url {
        text.parse().unwrap_or_else(|error| panic!("{text}: {error}"))
    }

    #[test]
    fn addresses() {
        let cases = [
            ("http://a", "http://a/"),
            ("HTTPS://a:1/b?c#d", "https://a:1/b?c"),
            ("http://me:secret@a/b@c", "http://me:xxxxx@a/b@c"),
            ("http://[::1]:8/x", "http://[::1]:8/x"),
        ];
        for (text, shown) in cases {
            assert_eq!(url(text).to_string(), shown, "{text}");
        }
        assert_eq!("ftp://a".parse::<Url>(), Err(UrlError::Scheme));
        for text in ["http://", "http:///x", "http://:80/", "http://a b/", "http://a/ö\u{7f}"] {
            assert!(matches!(text.parse::<Url>(), Err(UrlError::Invalid { .. })), "{text}");
        }
        assert_eq!(url("http://me:secret@a/b").target(), "http://a/b");
    }

    #[test]
    fn who_asks() {
        assert_eq!(url("http://a").authorization(), None);
        assert_eq!(
            url("http://Aladdin:open%20sesame@a").authorization(),
            Some("Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==".into())
        );
        let known =
            [("", ""), ("f", "Zg=="), ("fo", "Zm8="), ("foo", "Zm9v"), ("foob", "Zm9vYg=="), ("fooba", "Zm9vYmE=")];
        for (text, encoded) in known {
            assert_eq!(base64(text.as_bytes()), encoded);
        }
        assert_eq!(unescape("%4%zz%41%"), b"%4%zzA%");
    }

    #[test]
    fn redirects() {
        let cases = [
            ("https://b/c", "https://b/c"),
            ("//b/c", "http://b/c"),
            ("/x?y=/z", "http://me:xxxxx@a:1/x?y=/z"),
            ("?z", "http://me:xxxxx@a:1/p/q?z"),
            ("r#s", "http://me:xxxxx@a:1/p/r"),
            ("../r?u/../v", "http://me:xxxxx@a:1/r?u/../v"),
            ("./..", "http://me:xxxxx@a:1/"),
            ("", "http://me:xxxxx@a:1/p/"),
        ];
        for (location, to) in cases {
            let joined = url("http://me:pw@a:1/p/q?old").join(location);
            assert_eq!(joined.map(|url| url.to_string()), Ok(to.to_owned()), "{location}");
        }
        assert_eq!(url("http://a").join("file:///etc/passwd"), Err(UrlError::Scheme));
    }

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
            ("example.com", ".example.com", false),
            ("example.com", "*.example.com", false),
            ("anexample.com", "example.com", false),
            ("10.0.0.1", "10.0.0.1", true),
            ("example.com", ",,", false),
        ];
        for (host, no_proxy, is_direct) in cases {
            assert_eq!(url(&format!("http://{host}/")).is_direct(no_proxy), is_direct, "{host} {no_proxy}");
        }
    }
}
