//! What was asked, and what may never have been said.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD, URL_SAFE};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};

use super::Registry;
use super::wire::Request;

/// A request and what came of it.
#[derive(Clone, Debug)]
pub(crate) struct Record {
    pub(crate) request: Request,
    pub(crate) status: u16,
    sent: Arc<AtomicU64>,
}

impl Record {
    pub(super) fn new(request: Request, status: u16) -> Self {
        Self { request, status, sent: Arc::default() }
    }

    pub(super) fn counter(&self) -> Arc<AtomicU64> {
        Arc::clone(&self.sent)
    }

    /// How many bytes of the body were sent so far.
    pub(crate) fn sent(&self) -> u64 {
        self.sent.load(Ordering::Relaxed)
    }

    /// `GET /v2/ 200`.
    pub(crate) fn line(&self) -> String {
        let Request { method, path, query, .. } = &self.request;
        let query = if query.is_empty() { String::new() } else { format!("?{query}") };
        format!("{method} {path}{query} {}", self.status)
    }
}

impl Registry {
    /// The requests so far, a line each, without the first part of their paths that all have.
    pub(crate) fn log(&self) -> Vec<String> {
        self.records().iter().map(Record::line).collect()
    }

    /// How many requests of a method came to paths that have `part`.
    pub(crate) fn count(&self, method: &str, part: &str) -> usize {
        let is_one = |record: &&Record| record.request.method == method && record.request.path.contains(part);
        self.records().iter().filter(is_one).count()
    }

    /// How many bytes of blobs were sent.
    pub(crate) fn sent(&self) -> u64 {
        self.records().iter().filter(|record| record.request.is_for_blob()).map(Record::sent).sum()
    }

    /// How many bytes of blobs came.
    pub(crate) fn received(&self) -> u64 {
        let uploads = self.records().into_iter().filter(|record| record.request.is_for_upload());
        uploads.map(|record| record.request.body.len() as u64).sum()
    }

    /// Fails if a secret was ever said here, in whatever spelling.
    pub(crate) fn never_heard(&self, secrets: &[&str]) {
        for record in self.records() {
            let said = record.request.bytes();
            for secret in secrets {
                let heard = spellings(secret).iter().any(|spelling| holds(&said, spelling.as_bytes()));
                assert!(!heard, "{} heard {secret:?}:\n{}", self.host(), String::from_utf8_lossy(&said));
            }
        }
    }

    /// Fails if a request ever came with credentials of whatever kind.
    pub(crate) fn never_asked_with_credentials(&self) {
        for record in self.records() {
            let said = String::from_utf8_lossy(&record.request.head).into_owned();
            let has = record.request.headers.iter().any(|(name, _)| name == "authorization" || name == "cookie");
            assert!(!has, "{} was given credentials:\n{said}", self.host());
        }
    }
}

/// How a text may be written so that it can be read again: as it is, in a URL, and in base64 at each of its three phases.
pub(crate) fn spellings(secret: &str) -> Vec<String> {
    let mut all = vec![secret.to_owned(), utf8_percent_encode(secret, NON_ALPHANUMERIC).to_string()];
    for before in ["", "x", "xx"] {
        // The letters that depend on what stands before and behind are left out.
        let skipped = (before.len() * 8).div_ceil(6);
        let text = [before, secret].concat();
        for engine in [STANDARD_NO_PAD.encode(&text), URL_SAFE.encode(&text)] {
            all.push(engine[skipped..text.len() * 8 / 6].to_owned());
        }
    }
    all.sort();
    all.dedup();
    all
}

/// Whether bytes have other bytes in them.
pub(crate) fn holds(all: &[u8], part: &[u8]) -> bool {
    all.windows(part.len()).any(|window| window == part)
}

/// What an `Authorization` header says for a user and a password.
pub(crate) fn basic(user: &str, password: &str) -> String {
    format!("Basic {}", STANDARD.encode(format!("{user}:{password}")))
}
