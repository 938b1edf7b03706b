//! Upload sessions: the URL at which a server waits for the bytes of a blob.

use crate::http::{Response, Url};
use crate::oci::Digest;
use crate::registry::Error;

/// The largest chunk that a server may want, in bytes: a chunk may have to wait in memory.
const MOST_LEAST: u64 = 64 << 20;

/// Keeps the URLs of upload sessions, so that a later run can go on with them.
pub trait Sessions: Sync {
    /// The session for a blob, if one was kept.
    fn find(&self, digest: &Digest) -> Option<String>;
    /// Keeps the session for a blob in place of an earlier one. It may be lost: then the blob is sent again.
    fn keep(&self, digest: &Digest, url: &str);
    /// Forgets the session for a blob.
    fn forget(&self, digest: &Digest);
}

/// Keeps nothing.
pub struct NoSessions;

impl Sessions for NoSessions {
    fn find(&self, _digest: &Digest) -> Option<String> {
        None
    }
    fn keep(&self, _digest: &Digest, _url: &str) {}
    fn forget(&self, _digest: &Digest) {}
}

/// An upload session.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Session {
    /// Where the next bytes go.
    pub(super) url: Url,
    /// How many bytes a chunk must have at least, if the server says so.
    pub(super) least: Option<u64>,
}

impl Session {
    /// The session that a response gives; `what` is named in errors.
    pub(super) fn of(response: &Response, what: &str) -> Result<Self, Error> {
        let (wrong, asked) = (|why: String| Error::Answer { what: what.to_owned(), why }, response.url());
        let location = location(response).ok_or_else(|| wrong("no Location for the upload".to_owned()))?;
        let url = asked.join(location).map_err(|error| wrong(format!("Location {location:?}: {error}")))?;
        if asked.is_secure() && !url.is_secure() {
            return Err(Error::UploadDowngrade { what: what.to_owned(), location: url.to_string() });
        }
        let least = response.header("oci-chunk-min-length").and_then(|length| length.trim().parse().ok());
        if let Some(least) = least.filter(|least| *least > MOST_LEAST) {
            return Err(wrong(format!("OCI-Chunk-Min-Length {least} is more than {MOST_LEAST}")));
        }
        Ok(Self { url, least })
    }

    /// The session after the next answer, which may move it.
    pub(super) fn moved(self, response: &Response, what: &str) -> Result<Self, Error> {
        if location(response).is_none() {
            return Ok(self);
        }
        let Self { url, least } = Self::of(response, what)?;
        Ok(Self { url, least: least.or(self.least) })
    }
}

/// Where the session is, if the answer says it.
fn location(response: &Response) -> Option<&str> {
    response.header("location").filter(|location| !location.trim().is_empty())
}

/// How many bytes a session has, from the `Range` of an answer: `0-N`, `bytes=0-N`. A session without bytes says `0-0`
/// or nothing; one byte cannot be told from none and is sent again.
pub(super) fn received(response: &Response) -> u64 {
    let range = response.header("range").unwrap_or_default().trim();
    let range = range.strip_prefix("bytes=").unwrap_or(range);
    let last = range.strip_prefix("0-").and_then(|last| last.trim().parse::<u64>().ok());
    last.filter(|last| *last > 0).map_or(0, |last| last.saturating_add(1))
}
