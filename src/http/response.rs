//! HTTP responses.

use std::io::Read as _;
use std::time::Duration;

use ureq::http;

use super::{Body, Error, Url};

/// The response of a server.
pub struct Response {
    url: Url,
    inner: http::Response<ureq::Body>,
}

impl Response {
    pub(super) fn new(url: Url, inner: http::Response<ureq::Body>) -> Self {
        Self { url, inner }
    }

    /// The URL that answered: after redirects, the last one.
    pub fn url(&self) -> &Url {
        &self.url
    }

    /// The status.
    pub fn status(&self) -> u16 {
        self.inner.status().as_u16()
    }

    /// The value of a header, if it is there and text.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.inner.headers().get(name).and_then(|value| value.to_str().ok())
    }

    /// All values of a header that may be repeated.
    pub fn headers(&self, name: &str) -> impl Iterator<Item = &str> {
        self.inner.headers().get_all(name).iter().filter_map(|value| value.to_str().ok())
    }

    /// The response if its status is success, else an error.
    pub fn success(self) -> Result<Self, Error> {
        let status = self.inner.status();
        if status.is_success() {
            return Ok(self);
        }
        let reason = status.canonical_reason().unwrap_or("");
        Err(Error::Status { url: self.url, status: status.as_u16(), reason })
    }

    /// The offset at which the body starts: that of [`Request::from_offset`](super::Request::from_offset), or 0 if the
    /// server sends the whole file again.
    pub fn starts_at(&self) -> Result<u64, Error> {
        if self.status() != 206 {
            return Ok(0);
        }
        let range = self.header("content-range").and_then(|range| range.strip_prefix("bytes "));
        let start = range.and_then(|range| range.split('-').next()?.trim().parse().ok());
        start.ok_or_else(|| Error::Range { url: self.url.clone() })
    }

    /// The size of the body, if the server declared it.
    pub fn size(&self) -> Option<u64> {
        self.inner.body().content_length()
    }

    /// The whole body, which must not exceed `limit` bytes.
    pub fn bytes(self, limit: u64) -> Result<Vec<u8>, Error> {
        let url = self.url.clone();
        let too_large = || Error::TooLarge { url: url.clone(), limit };
        if self.size().is_some_and(|size| size > limit) {
            return Err(too_large());
        }
        let mut bytes = Vec::new();
        let read = self.into_body().take(limit.saturating_add(1)).read_to_end(&mut bytes);
        read.map_err(|error| Error::Request { url: url.clone(), why: error.to_string() })?;
        if bytes.len() as u64 > limit { Err(too_large()) } else { Ok(bytes) }
    }

    /// The body as a stream. Ending before its declared size is an error.
    pub fn into_body(self) -> Body {
        Body::new(self.inner.into_body())
    }

    /// The target of a redirect; `None` if this is not a redirect.
    pub(super) fn redirect(&self) -> Result<Option<Url>, Error> {
        if !matches!(self.status(), 301 | 302 | 303 | 307 | 308) {
            return Ok(None);
        }
        let from = self.url.clone();
        let Some(location) = self.header("location") else { return Err(Error::NoLocation { url: from }) };
        let to = match from.join(location) {
            Ok(to) => to,
            Err(source) => return Err(Error::Location { url: from, source }),
        };
        if from.is_secure() && !to.is_secure() { Err(Error::Downgrade { from, to }) } else { Ok(Some(to)) }
    }

    /// Whether the status is transient, so that a retry may succeed.
    pub(super) fn is_passing(&self) -> bool {
        matches!(self.status(), 408 | 429 | 500 | 502 | 503 | 504)
    }

    /// The server's `Retry-After`, if given in seconds.
    pub(super) fn retry_after(&self) -> Option<Duration> {
        self.header("retry-after")?.trim().parse().ok().map(Duration::from_secs)
    }
}
