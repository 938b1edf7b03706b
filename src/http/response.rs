//! HTTP responses.

use std::time::{Duration, Instant};

use jiff::Timestamp;
use jiff::fmt::rfc2822;
use ureq::http;

use super::{Body, BodyError, Error, Url, error};

/// A longer body costs more than another connection.
const MOST_DISCARDED: u64 = 16 << 10;

/// The response of a server.
pub struct Response {
    url: Url,
    inner: http::Response<ureq::Body>,
    /// How long is waited for the next bytes of the body.
    stall: Duration,
}

impl Response {
    pub(super) fn new(url: Url, inner: http::Response<ureq::Body>, stall: Duration) -> Self {
        Self { url, inner, stall }
    }

    /// The URL that answered: after redirects, the last one.
    pub fn url(&self) -> &Url {
        &self.url
    }

    /// The status.
    pub fn status(&self) -> u16 {
        self.inner.status().as_u16()
    }

    /// The standard phrase of the status; empty, if it has none.
    pub fn reason(&self) -> &'static str {
        self.inner.status().canonical_reason().unwrap_or("")
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
        let (reason, retry_after) = (status.canonical_reason().unwrap_or(""), self.retry_after());
        Err(Error::Status { url: self.url, status: status.as_u16(), reason, retry_after })
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

    /// The whole body, which must not exceed `limit` bytes, nor take longer than twice the time that a silent server is
    /// waited for: this is for documents.
    pub fn bytes(self, limit: u64) -> Result<Vec<u8>, Error> {
        let (url, time) = (self.url.clone(), self.stall.saturating_mul(2));
        let too_large = || Error::TooLarge { url: url.clone(), limit };
        if self.size().is_some_and(|size| size > limit) {
            return Err(too_large());
        }
        let (mut bytes, mut piece, started) = (Vec::new(), [0; 8192], Instant::now());
        let mut body = self.into_body();
        loop {
            let got = body.receive(&mut piece).map_err(|source| Error::Transfer { url: url.clone(), source })?;
            bytes.extend_from_slice(&piece[..got]);
            match got {
                0 => return Ok(bytes),
                _ if bytes.len() as u64 > limit => return Err(too_large()),
                _ if started.elapsed() > time => {
                    return Err(Error::Transfer { url, source: BodyError::TooLong { time } });
                }
                _ => {}
            }
        }
    }

    /// The same response with its body in memory, if it is a success and the body has a limit.
    pub(super) fn whole(self, limit: Option<u64>) -> Result<Self, Error> {
        let Some(limit) = limit.filter(|_| self.inner.status().is_success()) else { return Ok(self) };
        let (url, stall) = (self.url, self.stall);
        let (head, body) = self.inner.into_parts();
        let bytes =
            Self { url: url.clone(), inner: http::Response::from_parts(head.clone(), body), stall }.bytes(limit)?;
        let body = ureq::Body::builder().data(bytes);
        Ok(Self { url, inner: http::Response::from_parts(head, body), stall })
    }

    /// Throws a short body away, so that the connection can be used again.
    pub(super) fn discard(self) {
        let _ = self.bytes(MOST_DISCARDED);
    }

    /// The body as a stream. Ending before its declared size is an error.
    pub fn into_body(self) -> Body {
        Body::new(self.inner.into_body(), self.stall)
    }

    /// The target of a redirect; `None` if this is not a redirect. One from `https` to `http` is refused.
    pub fn redirect(&self) -> Result<Option<Url>, Error> {
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

    /// Whether the status is transient, so that a retry may help.
    pub fn is_passing(&self) -> bool {
        error::is_passing(self.status())
    }

    /// How long the server asks to wait before the next request
    /// ([`Retry-After`](https://www.rfc-editor.org/rfc/rfc9110#section-10.2.3)). A date is taken relative to the
    /// server's own clock.
    pub fn retry_after(&self) -> Option<Duration> {
        let text = self.header("retry-after")?.trim();
        if !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit()) {
            // More digits than fit are as good as forever.
            return Some(text.parse().map_or(Duration::MAX, Duration::from_secs));
        }
        let wait = date(text)?.duration_since(date(self.header("date")?)?);
        Some(Duration::try_from(wait).unwrap_or_default())
    }
}

fn date(text: &str) -> Option<Timestamp> {
    // The grammar of mail has numbers for zones, that of HTTP has the name of one.
    let text = text.trim().strip_suffix("GMT")?;
    rfc2822::parse(&format!("{text}+0000")).ok().map(|date| date.timestamp())
}
