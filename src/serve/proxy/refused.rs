//! What a client is told when the upstream does not give what it was asked for.

use std::fmt;

use hyper::StatusCode;
use hyper::header::RETRY_AFTER;

use crate::oci::Digest;
use crate::registry::{Error, RegistryHost};
use crate::serve::causes::with_causes;
use crate::serve::refusal::{Code, Refusal};

/// Why something did not come.
#[derive(Debug, Clone)]
pub(super) struct Why {
    text: String,
    /// The status of the upstream's answer, if there was one.
    status: Option<u16>,
    /// Something is wrong here, not there.
    is_own: bool,
}

impl fmt::Display for Why {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl Why {
    /// An error of the upstream or of the network.
    pub(super) fn of(error: &Error) -> Self {
        let status = error.refusal().map(|refusal| refusal.status);
        Self { text: with_causes(error), status, is_own: false }
    }

    /// The transfer broke.
    pub(super) fn unreachable(error: &dyn std::error::Error) -> Self {
        Self { text: with_causes(error), status: None, is_own: false }
    }

    /// It is another blob.
    pub(super) fn wrong(digest: &Digest) -> Self {
        Self { text: format!("what came is not {digest}"), status: None, is_own: false }
    }

    /// The upstream did not have it a moment ago.
    pub(super) fn absent(repository: &str) -> Self {
        Self { text: format!("{repository} does not have it"), status: Some(404), is_own: false }
    }

    /// Too much is being fetched.
    pub(super) fn busy(count: usize) -> Self {
        Self { text: format!("{count} blobs are being fetched already"), status: Some(429), is_own: false }
    }

    /// Something is wrong here.
    pub(super) fn broken(error: &dyn std::error::Error) -> Self {
        Self { text: with_causes(error), status: None, is_own: true }
    }

    /// Whether the upstream does not have it.
    pub(super) fn is_absence(&self) -> bool {
        matches!(self.status, Some(401 | 403 | 404))
    }

    /// What the client is told, which asked for something whose absence has that code.
    pub(super) fn refusal(&self, host: &RegistryHost, absent: Code) -> Refusal {
        let text = format!("{host} is asked for it, and: {self}");
        match self.status {
            Some(404) => Refusal::new(absent),
            // For a client, 401 would be about its credentials for this server.
            Some(401 | 403) => Refusal::because(absent, text),
            Some(429) => {
                Refusal::because(Code::Unknown, text).status(StatusCode::TOO_MANY_REQUESTS).header(RETRY_AFTER, 60)
            }
            _ if self.is_own => Refusal::broken(&std::io::Error::other(self.text.clone())),
            _ => Refusal::because(Code::Unknown, text).status(StatusCode::BAD_GATEWAY),
        }
    }
}
