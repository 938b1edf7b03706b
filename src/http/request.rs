//! What is asked of a server.

use std::io::Read;

use super::Url;

/// What is to be done with what a URL names.
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
    /// Whether the same request may be sent twice without doing more than once.
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

/// What is sent along.
pub(super) enum RequestContent<'a> {
    Nothing,
    Bytes(&'a [u8]),
    /// A stream, and how long it is.
    Stream(&'a mut (dyn Read + Send), u64),
}

/// What is asked of a server.
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

    /// With one more header. `authorization` and `cookie` go to no other server that a redirect leads to.
    pub fn header(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }

    /// Only what comes from `offset` on: what was transferred before is not sent again. Whether the server did as it was
    /// asked is for [`Response::starts_at`](super::Response::starts_at) to say.
    pub fn from_offset(self, offset: u64) -> Self {
        if offset == 0 { self } else { self.header("range", format!("bytes={offset}-")) }
    }

    /// With a content that is in memory, and can be sent again.
    pub fn bytes(self, bytes: &'a [u8]) -> Self {
        Self { content: RequestContent::Bytes(bytes), ..self }
    }

    /// With `size` bytes that are read once; nothing of them can be sent again.
    pub fn stream(self, stream: &'a mut (dyn Read + Send), size: u64) -> Self {
        Self { content: RequestContent::Stream(stream, size), ..self }
    }

    /// Whether it does no harm to send it again.
    pub(super) fn can_repeat(&self) -> bool {
        self.method.is_safe() && matches!(self.content, RequestContent::Nothing)
    }
}
