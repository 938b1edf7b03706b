//! Answers, and how their bodies are sent.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt as _;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use hyper::header::{CONTENT_LENGTH, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue};
use hyper::{Response, StatusCode};
use serde_json::Value;
use tokio::task::JoinHandle;

use super::sendfile::{FRAME, Queue};

/// How many bytes of a file are read at a time.
const CHUNK: u64 = 256 << 10;

/// An answer to a request.
#[derive(Debug)]
pub(super) struct Answer {
    pub(super) status: StatusCode,
    pub(super) headers: HeaderMap,
    pub(super) content: Content,
}

/// The body of an answer.
#[derive(Debug)]
pub(super) enum Content {
    /// No bytes.
    Empty,
    /// These.
    Bytes(Bytes),
    /// `length` bytes of a file from `offset` on.
    File { file: Arc<File>, offset: u64, length: u64 },
    /// `length` bytes from `offset` on of what is still being written.
    Growing { source: Arc<dyn Grows>, offset: u64, length: u64 },
}

/// Bytes that are still being written.
pub(super) trait Grows: std::fmt::Debug + Send + Sync {
    /// Ends when there are bytes behind `at`, or never will be.
    fn wait(self: Arc<Self>, at: u64) -> Pin<Box<dyn Future<Output = ()> + Send>>;

    /// Some of the bytes from `at` on, at most `wanted`, for which was waited.
    fn read(&self, at: u64, wanted: u64) -> io::Result<Bytes>;
}

impl Content {
    /// How many bytes it has.
    pub(super) fn len(&self) -> u64 {
        match self {
            Self::Empty => 0,
            Self::Bytes(bytes) => bytes.len() as u64,
            Self::File { length, .. } | Self::Growing { length, .. } => *length,
        }
    }
}

impl Answer {
    /// One without a body.
    pub(super) fn new(status: StatusCode) -> Self {
        Self { status, headers: HeaderMap::new(), content: Content::Empty }
    }

    /// A JSON document.
    pub(super) fn json(status: StatusCode, value: &Value) -> Self {
        let bytes = serde_json::to_vec(value).unwrap_or_default();
        Self::new(status).header(CONTENT_TYPE, "application/json; charset=utf-8").content(Content::Bytes(bytes.into()))
    }

    /// With a header. A value that no header can have is left out.
    pub(super) fn header(mut self, name: HeaderName, value: impl AsRef<str>) -> Self {
        if let Ok(value) = HeaderValue::from_str(value.as_ref()) {
            self.headers.insert(name, value);
        }
        self
    }

    /// With a body.
    pub(super) fn content(self, content: Content) -> Self {
        Self { content, ..self }
    }

    /// As hyper sends it; to a `HEAD` request without its body. A file goes through the queue of its connection, if that
    /// has one.
    pub(super) fn into_response(mut self, is_head: bool, files: Option<Queue>) -> Response<AnswerBody> {
        let has_body = !matches!(self.status, StatusCode::NO_CONTENT | StatusCode::NOT_MODIFIED);
        if has_body && !self.headers.contains_key(CONTENT_LENGTH) {
            self.headers.insert(CONTENT_LENGTH, self.content.len().into());
        }
        let content = if is_head || !has_body { Content::Empty } else { self.content };
        let mut response = Response::new(AnswerBody { rest: content, reading: None, files });
        *response.status_mut() = self.status;
        *response.headers_mut() = self.headers;
        response
    }
}

/// A body on its way to the client.
#[derive(Debug)]
pub(super) struct AnswerBody {
    rest: Content,
    /// The next bytes of the file, on their way from the disk.
    reading: Option<JoinHandle<io::Result<Bytes>>>,
    /// Where files are sent from, if the connection can do so.
    files: Option<Queue>,
}

impl Body for AnswerBody {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<io::Result<Frame<Bytes>>>> {
        let this = &mut *self;
        let (source, offset, length) = match &mut this.rest {
            Content::File { file, offset, length } => (Source::File(file), offset, length),
            Content::Growing { source, offset, length } => (Source::Growing(source), offset, length),
            rest => {
                return Poll::Ready(match std::mem::replace(rest, Content::Empty) {
                    Content::Bytes(bytes) if !bytes.is_empty() => Some(Ok(Frame::data(bytes))),
                    _ => None,
                });
            }
        };
        if *length == 0 {
            return Poll::Ready(None);
        }
        if let (Some(files), Source::File(file)) = (&this.files, &source) {
            let wanted = usize::try_from(*length).unwrap_or(usize::MAX).min(FRAME);
            let bytes = files.push(Arc::clone(file), *offset, wanted);
            *offset += wanted as u64;
            *length -= wanted as u64;
            return Poll::Ready(Some(Ok(Frame::data(bytes))));
        }
        let reading = this.reading.get_or_insert_with(|| source.read(*offset, (*length).min(CHUNK)));
        let read = ready!(Pin::new(reading).poll(context));
        this.reading = None;
        let bytes = read.map_err(io::Error::other).and_then(|read| read)?;
        *offset += bytes.len() as u64;
        *length -= bytes.len() as u64;
        Poll::Ready(Some(Ok(Frame::data(bytes))))
    }

    fn is_end_stream(&self) -> bool {
        self.rest.len() == 0
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.rest.len())
    }
}

/// Where the next bytes of a body are.
enum Source<'a> {
    File(&'a Arc<File>),
    Growing(&'a Arc<dyn Grows>),
}

impl Source<'_> {
    /// Reads some bytes from `at` on, on a thread that may block.
    fn read(&self, at: u64, wanted: u64) -> JoinHandle<io::Result<Bytes>> {
        match self {
            Self::File(file) => {
                let file = Arc::clone(file);
                tokio::task::spawn_blocking(move || read(&file, at, wanted))
            }
            Self::Growing(source) => {
                let source = Arc::clone(source);
                // No thread waits: as many as want may follow what comes slowly.
                tokio::spawn(async move {
                    Arc::clone(&source).wait(at).await;
                    let read = tokio::task::spawn_blocking(move || source.read(at, wanted)).await;
                    read.map_err(io::Error::other).and_then(|read| read)
                })
            }
        }
    }
}

/// Some of the bytes of a file from `at` on, at most `wanted`.
fn read(file: &File, at: u64, wanted: u64) -> io::Result<Bytes> {
    let mut buffer = vec![0; usize::try_from(wanted).unwrap_or(0)];
    loop {
        match file.read_at(&mut buffer, at) {
            Ok(0) => return Err(io::ErrorKind::UnexpectedEof.into()),
            Ok(got) => {
                buffer.truncate(got);
                return Ok(buffer.into());
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
}
