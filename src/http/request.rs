//! HTTP requests.

use std::io::Read;

use super::Url;

/// The method of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(missing_docs, reason = "the methods of RFC 9110 by their names")]
pub enum Method {
    Get,
    Head,
    Put,
    Post,
    Patch,
    Delete,
}

impl Method {
    /// Whether the method is safe, so that a request can be repeated.
    pub(super) fn is_safe(self) -> bool {
        matches!(self, Self::Get | Self::Head)
    }

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Get => "GET",
            Self::Head => "HEAD",
            Self::Put => "PUT",
            Self::Post => "POST",
            Self::Patch => "PATCH",
            Self::Delete => "DELETE",
        }
    }
}

/// The content of a request.
pub(super) enum RequestContent<'a> {
    Nothing,
    Bytes(&'a [u8]),
    /// A stream and its size.
    Stream(&'a mut (dyn Read + Send), u64),
}

/// HTTP requests.
pub struct Request<'a> {
    pub(super) method: Method,
    pub(super) url: &'a Url,
    pub(super) headers: Vec<(&'static str, String)>,
    pub(super) content: RequestContent<'a>,
}

impl<'a> Request<'a> {
    /// A request without content.
    pub fn new(method: Method, url: &'a Url) -> Self {
        Self { method, url, headers: Vec::new(), content: RequestContent::Nothing }
    }

    /// Adds a header. Redirects to another server drop `authorization` and `cookie`.
    pub fn header(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }

    /// Asks for the bytes from `offset` on, to resume a transfer. [`Response::starts_at`](super::Response::starts_at)
    /// tells whether the server complied.
    pub fn from_offset(self, offset: u64) -> Self {
        if offset == 0 { self } else { self.header("range", format!("bytes={offset}-")) }
    }

    /// Sets a content from memory, which can be sent again.
    pub fn bytes(self, bytes: &'a [u8]) -> Self {
        Self { content: RequestContent::Bytes(bytes), ..self }
    }

    /// Sets a content of `size` bytes from a stream, which cannot be sent again.
    pub fn stream(self, stream: &'a mut (dyn Read + Send), size: u64) -> Self {
        Self { content: RequestContent::Stream(stream, size), ..self }
    }

    /// Whether the request can safely be repeated.
    pub(super) fn can_repeat(&self) -> bool {
        self.method.is_safe() && matches!(self.content, RequestContent::Nothing)
    }
}
