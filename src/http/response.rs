//! What a server answers.

use std::io::Read as _;
use std::time::Duration;

use ureq::http;

use super::{Body, Error, Url};

/// What a server answered.
pub struct Response {
    url: Url,
    inner: http::Response<ureq::Body>,
}

impl Response {
    pub(super) fn new(url: Url, inner: http::Response<ureq::Body>) -> Self {
        Self { url, inner }
    }

    /// Who answered: behind redirects, the last one.
    pub fn url(&self) -> &Url {
        &self.url
    }

    /// The status.
    pub fn status(&self) -> u16 {
        self.inner.status().as_u16()
    }

    /// A header, if the server sent it and it is text.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.inner.headers().get(name).and_then(|value| value.to_str().ok())
    }

    /// All values of a header that may come several times.
    pub fn headers(&self, name: &str) -> impl Iterator<Item = &str> {
        self.inner.headers().get_all(name).iter().filter_map(|value| value.to_str().ok())
    }

    /// The answer, if it is one of success.
    pub fn success(self) -> Result<Self, Error> {
        let status = self.inner.status();
        if status.is_success() {
            return Ok(self);
        }
        let reason = status.canonical_reason().unwrap_or("");
        Err(Error::Status { url: self.url, status: status.as_u16(), reason })
    }

    /// From which byte of the whole the body starts: what [`Request::from_offset`](super::Request::from_offset) asked
    /// for, or 0 if the server sends all of it again.
    pub fn starts_at(&self) -> Result<u64, Error> {
        if self.status() != 206 {
            return Ok(0);
        }
        let range = self.header("content-range").and_then(|range| range.strip_prefix("bytes "));
        let start = range.and_then(|range| range.split('-').next()?.trim().parse().ok());
        start.ok_or_else(|| Error::Range { url: self.url.clone() })
    }

    /// How long the body is, if the server said it.
    pub fn size(&self) -> Option<u64> {
        self.inner.body().content_length()
    }

    /// The body of a document, which must have at most `limit` bytes.
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

    /// The body as a stream that is read once. An end before its size is an error.
    pub fn into_body(self) -> Body {
        Body::new(self.inner.into_body())
    }

    /// Where a redirect leads; none, if this is no redirect.
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

    /// Whether the server may answer otherwise soon.
    pub(super) fn is_passing(&self) -> bool {
        matches!(self.status(), 408 | 429 | 500 | 502 | 503 | 504)
    }

    /// How long the server wants us to wait, if it says that in seconds.
    pub(super) fn retry_after(&self) -> Option<Duration> {
        self.header("retry-after")?.trim().parse().ok().map(Duration::from_secs)
    }
}
