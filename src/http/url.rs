//! `http` and `https` URLs.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use percent_encoding::percent_decode_str;
use ureq::http::Uri;

/// An `http` or `https` URL without a fragment. Displayed without its password; cloning is cheap.
#[derive(Clone, PartialEq, Eq)]
pub struct Url(Arc<Parts>);

#[derive(PartialEq, Eq)]
struct Parts {
    /// The whole URL, `user:password` included.
    whole: url::Url,
    /// The URL without `user:password`, as it is requested.
    target: Uri,
}

/// Why a text is not a usable URL.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum UrlError {
    /// Its scheme is neither `http` nor `https`.
    #[error("only http and https URLs are supported")]
    Scheme,
    /// It has no host, or invalid characters.
    #[error("invalid URL: {reason}")]
    Invalid {
        /// What is wrong.
        reason: String,
    },
}

impl Url {
    /// Whether a text is meant as a URL rather than a file: it starts with `http://` or `https://`.
    pub fn is_meant(text: &str) -> bool {
        ["http://", "https://"].iter().any(|scheme| text.starts_with(scheme))
    }

    /// Whether the scheme is `https`.
    pub fn is_secure(&self) -> bool {
        self.0.whole.scheme() == "https"
    }

    /// Whether both have the same origin, so that credentials for one may be sent to the other.
    pub fn is_same_server(&self, other: &Self) -> bool {
        self.0.whole.origin() == other.0.whole.origin()
    }

    /// The host: a name in lower case, or an address, that of IPv6 in brackets.
    pub fn host(&self) -> &str {
        self.0.whole.host_str().unwrap_or_default()
    }

    /// The host with its port, if it has one that is not the scheme's own.
    pub fn authority(&self) -> String {
        let port = self.0.whole.port().map(|port| format!(":{port}")).unwrap_or_default();
        self.0.whole.host_str().unwrap_or_default().to_owned() + &port
    }

    /// The path and the query, which begin with `/`.
    pub fn path_and_query(&self) -> &str {
        &self.0.whole[url::Position::BeforePath..]
    }

    /// The same URL with more parameters in its query.
    pub fn with_query<'a>(&self, parameters: impl IntoIterator<Item = (&'a str, &'a str)>) -> Result<Self, UrlError> {
        let mut whole = self.0.whole.clone();
        whole.query_pairs_mut().extend_pairs(parameters);
        Self::new(whole)
    }

    /// The port, the scheme's own if none is written.
    pub fn port(&self) -> u16 {
        self.0.whole.port_or_known_default().unwrap_or_default()
    }

    /// Resolves a reference relative to this URL ([RFC 3986, 5.2](https://www.rfc-editor.org/rfc/rfc3986#section-5.2)).
    /// Credentials are kept if the server is the same.
    pub fn join(&self, reference: &str) -> Result<Self, UrlError> {
        let joined = self.0.whole.join(reference).map_err(invalid)?;
        Self::new(joined)
    }

    /// The URI that is requested, without credentials.
    pub(super) fn target(&self) -> Uri {
        self.0.target.clone()
    }

    /// The value of the `Authorization` header.
    pub(super) fn authorization(&self) -> Option<String> {
        if !self.has_user() {
            return None;
        }
        let mut user: Vec<u8> = percent_decode_str(self.0.whole.username()).collect();
        user.push(b':');
        user.extend(percent_decode_str(self.0.whole.password().unwrap_or_default()));
        Some(format!("Basic {}", STANDARD.encode(user)))
    }

    fn new(mut whole: url::Url) -> Result<Self, UrlError> {
        if !matches!(whole.scheme(), "http" | "https") {
            return Err(UrlError::Scheme);
        }
        whole.set_fragment(None);
        let mut target = whole.clone();
        // They fail only for URLs without a host.
        let _ = target.set_username("").and_then(|()| target.set_password(None));
        let target = target.as_str().parse().map_err(invalid)?;
        Ok(Self(Arc::new(Parts { whole, target })))
    }

    fn has_user(&self) -> bool {
        !self.0.whole.username().is_empty() || self.0.whole.password().is_some()
    }
}

fn invalid(error: impl fmt::Display) -> UrlError {
    UrlError::Invalid { reason: error.to_string() }
}

impl FromStr for Url {
    type Err = UrlError;

    fn from_str(text: &str) -> Result<Self, UrlError> {
        if !Self::is_meant(&text.to_ascii_lowercase()) {
            return Err(UrlError::Scheme);
        }
        // The URL standard looks for a host behind any number of slashes.
        if text.split_once("://").is_some_and(|(_, rest)| rest.starts_with(['/', '\\'])) {
            return Err(invalid("no host"));
        }
        Self::new(text.parse().map_err(invalid)?)
    }
}

impl fmt::Debug for Url {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl fmt::Display for Url {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let target = self.0.target.to_string();
        match target.split_once("://") {
            Some((scheme, rest)) if self.has_user() => {
                write!(f, "{scheme}://{}:xxxxx@{rest}", self.0.whole.username())
            }
            _ => f.write_str(&target),
        }
    }
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
            ("http://EXAMPLE.com/ö", "http://example.com/%C3%B6"),
        ];
        for (text, shown) in cases {
            assert_eq!(url(text).to_string(), shown, "{text}");
        }
        assert_eq!("ftp://a".parse::<Url>(), Err(UrlError::Scheme));
        for text in ["http://", "http:///x", "http://:80/", "http://a b/", "http://[::1/"] {
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
        assert_eq!(url("http://token@a").authorization(), Some("Basic dG9rZW46".into()));
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
            ("", "http://me:xxxxx@a:1/p/q?old"),
            ("http://other@a:1/x", "http://other:xxxxx@a:1/x"),
        ];
        for (location, to) in cases {
            let joined = url("http://me:pw@a:1/p/q?old").join(location);
            assert_eq!(joined.map(|url| url.to_string()), Ok(to.to_owned()), "{location}");
        }
        assert_eq!(url("http://a").join("file:///etc/passwd"), Err(UrlError::Scheme));
    }
}
