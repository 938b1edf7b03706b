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
    /// Whether the method changes nothing ([RFC 9110, 9.2.1](https://www.rfc-editor.org/rfc/rfc9110#section-9.2.1)).
    pub(super) fn is_safe(self) -> bool {
        matches!(self, Self::Get | Self::Head)
    }

    /// Whether a request of the method is sent without a content, rather than with an empty one.
    pub(super) fn has_no_content(self) -> bool {
        self.is_safe() || self == Self::Delete
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
    /// A stream and its size, if it is known.
    Stream(&'a mut (dyn Read + Send), Option<u64>),
}

/// HTTP requests.
pub struct Request<'a> {
    pub(super) method: Method,
    pub(super) url: &'a Url,
    pub(super) headers: Vec<(&'static str, String)>,
    pub(super) content: RequestContent<'a>,
    /// The server that gave the URL, if the user did not.
    pub(super) namer: Option<Url>,
    pub(super) repeats: Repeats,
    /// Whether redirects are followed although the method is not GET or HEAD.
    pub(super) is_sent_on: bool,
    /// The most bytes of the body, if it is read with the request.
    pub(super) whole: Option<u64>,
}

/// Whether a request may be sent again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Repeats {
    /// If its method changes nothing.
    IfSafe,
    /// The caller says so.
    Always,
    /// The caller says that it is not.
    Never,
}

impl<'a> Request<'a> {
    /// A request without content.
    pub fn new(method: Method, url: &'a Url) -> Self {
        let (headers, content) = (Vec::new(), RequestContent::Nothing);
        let (namer, repeats, is_sent_on, whole) = (None, Repeats::IfSafe, false, None);
        Self { method, url, headers, content, namer, repeats, is_sent_on, whole }
    }

    /// The URL was given by the server at `namer`, not by the user: the realm of a challenge, or the next page.
    ///
    /// Such a URL must be `https`, and is refused if its host has an address that is nearer than that of `namer`: of
    /// this machine, of a private network, or of what is no ordinary server, as a cloud's metadata service. Between
    /// servers of this machine, `http` is allowed. URLs of the same server (scheme, host and port) are not checked,
    /// names that a proxy resolves cannot be. The client certificate is for servers that the user named.
    ///
    /// Redirects to another server are held to the same rule by themselves.
    pub fn foreign(self, namer: &Url) -> Self {
        Self { namer: Some(namer.clone()), ..self }
    }

    /// The body of a success is a document of at most `limit` bytes, which is read before the response is returned: if
    /// it does not come as it should, the request is sent again as after other transient failures.
    pub fn whole(self, limit: u64) -> Self {
        Self { whole: Some(limit), ..self }
    }

    /// The request is sent once, and not again after a transient failure.
    pub fn once(self) -> Self {
        Self { repeats: Repeats::Never, ..self }
    }

    /// The request may be sent again after a transient failure, although its method is not GET or HEAD. A content from
    /// a stream cannot.
    pub fn repeatable(self) -> Self {
        Self { repeats: Repeats::Always, ..self }
    }

    /// Redirects are followed although the method is not GET or HEAD: the same request goes to the other URL, without
    /// credentials if that is another server. A content from a stream cannot be sent twice, so that its redirects are
    /// returned all the same.
    pub fn sent_on(self) -> Self {
        Self { is_sent_on: true, ..self }
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
        Self { content: RequestContent::Stream(stream, Some(size)), ..self }
    }

    /// Sets a content whose size is known when it has been read, from a stream, which cannot be sent again.
    pub fn stream_to_end(self, stream: &'a mut (dyn Read + Send)) -> Self {
        Self { content: RequestContent::Stream(stream, None), ..self }
    }

    /// Whether redirects are followed: of requests without effect and content, and where it was asked for.
    pub(super) fn follows(&self) -> bool {
        match self.content {
            RequestContent::Nothing => self.method.is_safe() || self.is_sent_on,
            RequestContent::Bytes(_) => self.is_sent_on,
            RequestContent::Stream(..) => false,
        }
    }

    /// Whether a redirect of that status leads to the same request elsewhere: 303 leads to an answer that a GET fetches.
    pub(super) fn goes_on_after(&self, status: u16) -> bool {
        self.method.is_safe() || status != 303
    }

    /// Whether it does no harm if a server gets the request twice, and it can be sent twice.
    pub(super) fn is_harmless(&self) -> bool {
        let is_stream = matches!(self.content, RequestContent::Stream(..));
        !is_stream && (self.method.is_safe() || self.repeats == Repeats::Always)
    }

    /// Whether the request is sent again after a transient failure.
    pub(super) fn repeats(&self) -> bool {
        self.is_harmless() && self.repeats != Repeats::Never
    }
}
