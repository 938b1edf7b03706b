//! Requests that send bytes to an upload session.

use std::io::{self, Read};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use super::session::{Session, received};
use crate::http::{self, Method, Request, Response, Url};
use crate::oci::{Descriptor, Digest, Reference};
use crate::registry::authorizer::Scope;
use crate::registry::endpoint::{Authorize, Endpoint};
use crate::registry::{Error, Repository};

/// How often in a row a transfer is continued that gets nowhere.
const ATTEMPTS: u32 = 5;
/// The delay before a transfer is continued that got nowhere; it is doubled each time.
const DELAY: Duration = Duration::from_millis(250);
/// The longest time that a server may ask to wait.
const LONGEST: Duration = Duration::from_secs(60);
/// From how many bytes on the server is asked before they are sent: it may refuse them for what it knows already.
const ASKED_FIRST: u64 = 1 << 20;

/// How many redirects of one request are followed, as in Go's client.
const MOST_MOVES: usize = 10;

/// Gives the bytes of a blob from an offset on, as often as asked.
pub type OpenBlob<'a> = &'a (dyn Fn(u64) -> io::Result<Box<dyn Read + Send>> + Sync);

/// Sends one blob to a repository.
pub(super) struct Transfer<'a> {
    endpoint: &'a Endpoint,
    name: &'a Reference,
    /// Is called with the number of bytes that were sent for the first time since the last call.
    moved: &'a (dyn Fn(u64) + Sync),
    /// How far the blob was sent at any time.
    reached: AtomicU64,
    /// Whether the server, or a proxy before it, does not understand that it is asked first.
    is_not_asked: AtomicBool,
}

/// What became of a request with bytes.
pub(super) enum Sent {
    /// The server has them.
    Done(Response),
    /// The connection broke, or the server was busy and said how long to wait: how far it is has to be asked.
    Broken(Error, Option<Duration>),
    /// The server, or a proxy before it, does not take so much at once.
    TooMuch(Error),
    /// The server does not take bytes in this manner: in one piece, or in chunks.
    Unwanted(Error),
    /// Somebody else sends the same: to this session, or has sent the blob.
    Taken(Error),
    /// The server has the bytes, and they do not have the digest.
    Wrong(Error),
    /// The server has forgotten the session.
    Lost,
    /// The bytes are wanted at another URL.
    Moved(Url),
}

/// Counts the attempts that led to nothing.
#[derive(Default)]
pub(super) struct Attempts(u32);

impl Attempts {
    /// Waits before the next attempt, as long as the server asked if it did; gives up after several.
    pub(super) fn next(&mut self, error: Error, asked: Option<Duration>) -> Result<(), Error> {
        if self.0 == ATTEMPTS || asked.is_some_and(|asked| asked > LONGEST) {
            return Err(error);
        }
        std::thread::sleep((DELAY * 2_u32.pow(self.0)).max(asked.unwrap_or_default()));
        self.0 += 1;
        Ok(())
    }

    /// How many there were.
    pub(super) fn count(&self) -> u32 {
        self.0
    }
}

impl<'a> Transfer<'a> {
    pub(super) fn new(repository: &'a Repository, moved: &'a (dyn Fn(u64) + Sync)) -> Self {
        let (reached, is_not_asked) = (AtomicU64::new(0), AtomicBool::new(false));
        Self { endpoint: repository.own(), name: repository.name(), moved, reached, is_not_asked }
    }

    /// Whether the repository is known to have a blob. Who may only write is not told, and sends it, as with docker.
    pub(super) fn has(&self, digest: &Digest) -> Result<bool, Error> {
        let url = self.endpoint.url(&format!("/v2/{}/blobs/{digest}", self.name.repository()))?;
        let response = match self.endpoint.send(self.scope(), &self.what(), || Request::new(Method::Head, &url)) {
            Err(Error::Unauthorized { .. }) => return Ok(false),
            response => response?,
        };
        match response.status() {
            200..300 => Ok(true),
            429 => Err(self.endpoint.refused(&self.what(), self.scope(), response)),
            400..500 => Ok(false),
            _ => Err(self.endpoint.refused(&self.what(), self.scope(), response)),
        }
    }

    /// Whether the server has refused chunks before.
    pub(super) fn refuses_chunks(&self) -> bool {
        self.endpoint.refuses_chunks()
    }

    /// Takes note that it does.
    pub(super) fn has_refused_chunks(&self) {
        self.endpoint.has_refused_chunks();
    }

    /// Begins a session.
    pub(super) fn begin(&self) -> Result<Session, Error> {
        let url = self.endpoint.url(&format!("/v2/{}/blobs/uploads/", self.name.repository()))?;
        let make = || Request::new(Method::Post, &url).repeatable().sent_on();
        let response = self.endpoint.send(self.scope(), &self.what(), make)?;
        match response.status() {
            201 | 202 => Session::of(&response, &self.what()),
            _ => Err(self.endpoint.refused(&self.what(), self.scope(), response)),
        }
    }

    /// Goes on with a session of an earlier run, if the server still has it.
    pub(super) fn continued(&self, url: &str) -> Option<(Session, u64)> {
        let session = Session { url: url.parse().ok()?, least: None };
        let (session, at) = self.state_of(session).ok()?;
        self.reach(at);
        Some((session, at))
    }

    /// How far a session is.
    pub(super) fn state_of(&self, session: Session) -> Result<(Session, u64), Error> {
        let url = session.url.clone();
        let response = self.endpoint.exchange(self.scope(), &self.what(), &mut |authorize| {
            self.send(authorize, &url, Request::new(Method::Get, &url))
        })?;
        if !(200..300).contains(&response.status()) {
            return Err(self.lost());
        }
        let at = received(&response);
        Ok((session.moved(&response, &self.what())?, at))
    }

    /// Sends the bytes from `from` on, which are the last, and ends the session.
    pub(super) fn put(
        &self,
        blob: &Descriptor,
        session: &Session,
        from: u64,
        open: OpenBlob<'_>,
    ) -> Result<Sent, Error> {
        let digest = blob.digest.to_string();
        let url = session.url.with_query([("digest", digest.as_str())]);
        let url = url.map_err(|error| Error::Answer { what: self.what(), why: error.to_string() })?;
        follow(&url, |url| self.request(Method::Put, url, (from, blob.size - from), open))
    }

    /// Sends some bytes from `from` on.
    pub(super) fn patch(&self, session: &Session, from: u64, count: u64, open: OpenBlob<'_>) -> Result<Sent, Error> {
        follow(&session.url, |url| self.request(Method::Patch, url, (from, count), open))
    }

    /// Sends all that a stream has, whose length is not known, in one request. What of it is lost is lost.
    pub(super) fn patch_all(&self, session: &Session, stream: &mut (dyn Read + Send)) -> Result<Sent, Error> {
        let mut stream = Begun { stream, is_begun: false };
        follow(&session.url, |url| {
            let answer = self.endpoint.exchange(self.scope(), &self.what(), &mut |authorize| {
                if stream.is_begun {
                    return Err(http::Error::Body { why: "the registry refuses what it has begun to take".to_owned() });
                }
                let request = Request::new(Method::Patch, url).header("content-type", "application/octet-stream");
                self.send(authorize, url, self.asking(request, ASKED_FIRST).stream_to_end(&mut stream))
            });
            self.sent(answer)
        })
    }

    fn request(&self, method: Method, url: &Url, (from, count): (u64, u64), open: OpenBlob<'_>) -> Result<Sent, Error> {
        let mut unreadable = None;
        let answer = self.endpoint.exchange(self.scope(), &self.what(), &mut |authorize| {
            let mut request = Request::new(method, url).header("content-type", "application/octet-stream");
            if count == 0 {
                return self.send(authorize, url, request.once());
            }
            if method == Method::Patch || from > 0 {
                request = request.header("content-range", format!("{from}-{}", from + count - 1));
            }
            request = self.asking(request, count);
            let mut bytes = match open(from) {
                Ok(stream) => Outgoing { transfer: self, stream, at: from, end: from + count, error: None },
                Err(error) => {
                    let why = error.to_string();
                    unreadable = Some(error);
                    return Err(http::Error::Body { why });
                }
            };
            let answer = self.send(authorize, url, request.stream(&mut bytes, count));
            unreadable = bytes.error.take();
            answer
        });
        match unreadable {
            Some(source) => Err(self.unreadable(source)),
            None => self.sent(answer),
        }
    }

    /// The request of so many bytes with the question whether they are wanted, if it is one of many.
    fn asking<'r>(&self, request: Request<'r>, count: u64) -> Request<'r> {
        let asks = count >= ASKED_FIRST && !self.is_not_asked.load(Ordering::Relaxed);
        if asks { request.header("expect", "100-continue") } else { request }
    }

    fn sent(&self, answer: Result<Response, Error>) -> Result<Sent, Error> {
        let response = match answer {
            Err(Error::Http(error)) if error.is_passing() => return Ok(Sent::Broken(Error::Http(error), None)),
            answer => answer?,
        };
        let (status, is_passing, wait) = (response.status(), response.is_passing(), response.retry_after());
        match status {
            200..=299 => return Ok(Sent::Done(response)),
            301 | 302 | 307 | 308 => {
                if let Some(to) = response.redirect()? {
                    return Ok(Sent::Moved(to));
                }
            }
            417 if !self.is_not_asked.swap(true, Ordering::Relaxed) => {
                return Ok(Sent::Moved(response.url().clone()));
            }
            _ => {}
        }
        let error = self.endpoint.refused(&self.what(), self.scope(), response);
        let says = |code: &str| error.refusal().is_some_and(|refusal| refusal.has(code));
        match status {
            _ if says("DIGEST_INVALID") => Ok(Sent::Wrong(error)),
            _ if says("BLOB_UPLOAD_UNKNOWN") => Ok(Sent::Lost),
            404 | 410 => Ok(Sent::Lost),
            413 => Ok(Sent::TooMuch(error)),
            400 | 405 | 411 | 415 | 501 => Ok(Sent::Unwanted(error)),
            409 => Ok(Sent::Taken(error)),
            416 => Ok(Sent::Broken(error, None)),
            _ if is_passing => {
                // Who sends waits at once.
                if let Some(wait) = wait.filter(|wait| *wait <= LONGEST) {
                    self.endpoint.is_waited_for(wait);
                }
                Ok(Sent::Broken(error, wait))
            }
            _ => Err(error),
        }
    }

    /// Sends a request to the URL of a session. Another server than the registry's gets no credentials.
    fn send(&self, authorize: &Authorize<'_>, url: &Url, request: Request<'_>) -> Result<Response, http::Error> {
        let base = self.endpoint.base()?;
        if url.is_same_server(base) { authorize.send(request) } else { authorize.send_without(request.foreign(base)) }
    }

    /// Compares the digest that the server gives for a blob, if it gives one.
    pub(super) fn check(&self, blob: &Descriptor, response: &Response) -> Result<(), Error> {
        let said = response.header("docker-content-digest").and_then(|digest| digest.trim().parse::<Digest>().ok());
        match said.filter(|said| *said != blob.digest) {
            None => Ok(()),
            Some(actual) => Err(Error::Stored { what: self.what(), expected: blob.digest, actual }),
        }
    }

    pub(super) fn unreadable(&self, source: io::Error) -> Error {
        Error::UploadSource { what: self.what(), source }
    }

    pub(super) fn lost(&self) -> Error {
        Error::UploadLost { what: self.what() }
    }

    /// Takes note that the blob was sent up to there.
    fn reach(&self, at: u64) {
        let before = self.reached.fetch_max(at, Ordering::Relaxed);
        if at > before {
            (self.moved)(at - before);
        }
    }

    fn scope(&self) -> Scope<'_> {
        Scope::Push(self.name.repository())
    }

    pub(super) fn what(&self) -> String {
        self.name.familiar()
    }
}

/// Sends a request to a URL, and to those that its answers lead to. The bytes are sent again for each: a server that
/// looks at the head of a request answers before they come.
fn follow(url: &Url, mut request: impl FnMut(&Url) -> Result<Sent, Error>) -> Result<Sent, Error> {
    let mut at = url.clone();
    for _ in 0..=MOST_MOVES {
        match request(&at)? {
            Sent::Moved(to) => at = to,
            sent => return Ok(sent),
        }
    }
    Err(http::Error::TooManyRedirects { url: url.clone(), limit: MOST_MOVES }.into())
}

/// A stream of which it is known whether anything was read.
struct Begun<'a> {
    stream: &'a mut (dyn Read + Send),
    is_begun: bool,
}

impl Read for Begun<'_> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        self.is_begun = true;
        self.stream.read(into)
    }
}

/// The bytes of a request on their way.
struct Outgoing<'a> {
    transfer: &'a Transfer<'a>,
    stream: Box<dyn Read + Send>,
    at: u64,
    end: u64,
    /// Why they cannot be read.
    error: Option<io::Error>,
}

impl Read for Outgoing<'_> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let left = usize::try_from(self.end - self.at).unwrap_or(usize::MAX).min(into.len());
        let got = match self.stream.read(&mut into[..left]) {
            Ok(0) if left > 0 => Err(io::ErrorKind::UnexpectedEof.into()),
            got => got,
        };
        match got {
            Ok(got) => {
                self.at += got as u64;
                self.transfer.reach(self.at);
                Ok(got)
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => Err(error),
            Err(error) => {
                let shown = io::Error::new(error.kind(), error.to_string());
                self.error = Some(error);
                Err(shown)
            }
        }
    }
}
