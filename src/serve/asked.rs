//! A request without its body.

use std::sync::Arc;

use hyper::header::{HeaderMap, HeaderName};
use hyper::{Method, Uri};

use super::who::Who;

/// A request without its body.
#[derive(Debug, Clone)]
pub(super) struct Asked {
    pub(super) method: Method,
    pub(super) path: String,
    pub(super) query: Vec<(String, String)>,
    pub(super) headers: HeaderMap,
    /// The address of who asks.
    pub(super) peer: Arc<str>,
    /// Who asks.
    pub(super) who: Who,
}

impl Asked {
    pub(super) fn new(method: Method, uri: &Uri, headers: HeaderMap, peer: Arc<str>) -> Self {
        let query = url::form_urlencoded::parse(uri.query().unwrap_or_default().as_bytes());
        let query = query.into_owned().collect();
        Self { method, path: uri.path().to_owned(), query, headers, peer, who: Who::Anonymous }
    }

    /// Whether only the headers of the answer are wanted.
    pub(super) fn is_head(&self) -> bool {
        self.method == Method::HEAD
    }

    /// The value of a parameter of the query, if it is given.
    pub(super) fn parameter(&self, name: &str) -> Option<&str> {
        self.query.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    /// The values of a parameter of the query.
    pub(super) fn parameters(&self, name: &str) -> impl Iterator<Item = &str> {
        self.query.iter().filter(move |(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    /// A header, if it is there and text.
    pub(super) fn header(&self, name: HeaderName) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }
}
