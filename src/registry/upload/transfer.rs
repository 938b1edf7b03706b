//! Sends the bytes of one blob.

use std::io::{self, Read};
use std::time::Duration;

use super::session::{Session, Sessions, received};
use crate::http::{self, Method, Request, Response, Url};
use crate::oci::{Descriptor, Digest, Reference};
use crate::registry::Error;
use crate::registry::authorizer::Scope;
use crate::registry::endpoint::{Authorize, Endpoint};

/// How often in a row a transfer is continued that gets nowhere.
const ATTEMPTS: u32 = 5;
/// The delay before a transfer is continued that got nowhere; it is doubled each time.
const DELAY: Duration = Duration::from_millis(250);
/// The size of chunks for a server that refuses a blob in one, in bytes.
const CHUNK: u64 = 4 << 20;

/// Gives the bytes of a blob from an offset on, as often as asked.
pub type OpenBlob<'a> = &'a (dyn Fn(u64) -> io::Result<Box<dyn Read + Send>> + Sync);

/// What sends blobs to a repository.
pub(super) struct Transfer<'a> {
    pub(super) endpoint: &'a Endpoint,
    pub(super) name: &'a Reference,
    /// Is called with the number of bytes that were sent since the last call.
    pub(super) moved: &'a (dyn Fn(u64) + Sync),
}

/// What became of a request with bytes.
pub(super) enum Sent {
    /// The server has them.
    Done(Response),
    /// The connection broke, or the server was busy: how far it is has to be asked.
    Broken(Error),
    /// The server does not take so much at once.
    TooMuch(Error),
    /// The server has forgotten the session.
    Lost,
}

/// Counts the attempts that led to nothing.
#[derive(Default)]
pub(super) struct Attempts(u32);

impl Attempts {
    /// Waits before the next attempt; gives up after several.
    pub(super) fn next(&mut self, error: Error) -> Result<(), Error> {
        if self.0 == ATTEMPTS {
            return Err(error);
        }
        std::thread::sleep(DELAY * 2_u32.pow(self.0));
        self.0 += 1;
        Ok(())
    }
}

impl Transfer<'_> {
    /// Begins a session.
    pub(super) fn begin(&self) -> Result<Session, Error> {
        let url = self.endpoint.url(&format!("/v2/{}/blobs/uploads/", self.name.repository()))?;
        let make = || Request::new(Method::Post, &url).repeatable();
        let response = self.endpoint.send(self.scope(), &self.what(), make)?;
        match response.status() {
            201 | 202 => Session::of(&response, &url, &self.what()),
            _ => Err(self.endpoint.refused(&self.what(), self.scope(), response)),
        }
    }

    /// Sends a blob from `at` on in a session that has the bytes before.
    pub(super) fn run(
        &self,
        blob: &Descriptor,
        open: OpenBlob<'_>,
        sessions: &dyn Sessions,
        (mut session, mut at): (Session, u64),
    ) -> Result<(), Error> {
        let (mut attempts, mut chunk) = (Attempts::default(), None);
        loop {
            sessions.keep(&blob.digest, &session.url.to_string());
            let begun = at;
            let left = blob.size - at;
            let sent = if left == 0 || (at == 0 && chunk.is_none() && session.least.is_none()) {
                self.bytes_of(blob, &session, at, open)?
            } else {
                let most = chunk.map_or(left, |chunk: u64| chunk.max(session.least.unwrap_or(0)).min(left));
                match self.patch_from(&session, at, most, open)? {
                    Sent::Done(response) => {
                        session = session.moved(&response, &self.what())?;
                        (at, attempts) = (at + most, Attempts::default());
                        continue;
                    }
                    other => other,
                }
            };
            match sent {
                Sent::Done(response) => {
                    sessions.forget(&blob.digest);
                    return self.check_of(blob, &response);
                }
                Sent::TooMuch(error) if chunk.is_some() => return Err(error),
                Sent::TooMuch(_) => {
                    chunk = Some(CHUNK);
                    (session, at) = self.resume(session, blob)?;
                }
                Sent::Broken(error) => {
                    attempts.next(error)?;
                    (session, at) = self.resume(session, blob)?;
                    if at > begun {
                        attempts = Attempts::default();
                    }
                }
                Sent::Lost => {
                    attempts.next(Error::UploadLost { what: self.what() })?;
                    (session, at) = (self.begin()?, 0);
                }
            }
        }
    }

    /// How far a session is, or a new one if the server has forgotten it.
    pub(super) fn resume(&self, session: Session, blob: &Descriptor) -> Result<(Session, u64), Error> {
        match self.state_of(session) {
            Ok((session, at)) if at <= blob.size => Ok((session, at)),
            Ok(_) | Err(Error::UploadLost { .. }) => Ok((self.begin()?, 0)),
            Err(error) => Err(error),
        }
    }

    /// How far a session is.
    pub(super) fn state_of(&self, session: Session) -> Result<(Session, u64), Error> {
        let url = session.url.clone();
        let response = self.endpoint.exchange(self.scope(), &self.what(), &mut |authorize| {
            self.send(authorize, &url, Request::new(Method::Get, &url))
        })?;
        if !(200..300).contains(&response.status()) {
            return Err(Error::UploadLost { what: self.what() });
        }
        let at = received(&response);
        Ok((session.moved(&response, &self.what())?, at))
    }

    /// Ends a session that has all bytes before `from`, which is the end.
    pub(super) fn put_of(&self, blob: &Descriptor, session: &Session, from: u64) -> Result<Sent, Error> {
        self.bytes_of(blob, session, from, &|_| Ok(Box::new(io::empty())))
    }

    /// Sends the bytes from `from` on, which are the last, and ends the session.
    fn bytes_of(&self, blob: &Descriptor, session: &Session, from: u64, open: OpenBlob<'_>) -> Result<Sent, Error> {
        let digest = blob.digest.to_string();
        let url = session.url.with_query([("digest", digest.as_str())]);
        let url = url.map_err(|error| Error::Answer { what: self.what(), why: error.to_string() })?;
        self.request(Method::Put, &url, (from, blob.size - from), open)
    }

    /// Sends some bytes from `from` on.
    pub(super) fn patch_from(
        &self,
        session: &Session,
        from: u64,
        count: u64,
        open: OpenBlob<'_>,
    ) -> Result<Sent, Error> {
        self.request(Method::Patch, &session.url, (from, count), open)
    }

    fn request(&self, method: Method, url: &Url, (from, count): (u64, u64), open: OpenBlob<'_>) -> Result<Sent, Error> {
        let mut unreadable = None;
        let answer = self.endpoint.exchange(self.scope(), &self.what(), &mut |authorize| {
            let request = Request::new(method, url).header("content-type", "application/octet-stream");
            if count == 0 {
                return self.send(authorize, url, request.once());
            }
            let request = match method {
                Method::Patch => request.header("content-range", format!("{from}-{}", from + count - 1)),
                _ => request,
            };
            let stream = open(from).map_err(|error| {
                let why = error.to_string();
                unreadable = Some(error);
                http::Error::Body { why }
            })?;
            let mut counted = Counted { stream: stream.take(count), moved: self.moved };
            self.send(authorize, url, request.stream(&mut counted, count))
        });
        if let Some(source) = unreadable {
            return Err(self.unreadable(source));
        }
        self.sent(answer)
    }

    fn sent(&self, answer: Result<Response, Error>) -> Result<Sent, Error> {
        let response = match answer {
            Err(Error::Http(error)) if error.is_passing() => return Ok(Sent::Broken(Error::Http(error))),
            answer => answer?,
        };
        let (status, is_passing) = (response.status(), response.is_passing());
        if (200..300).contains(&status) {
            return Ok(Sent::Done(response));
        }
        let error = self.endpoint.refused(&self.what(), self.scope(), response);
        match status {
            404 | 410 => Ok(Sent::Lost),
            400 | 405 | 411 | 413 | 415 | 501 => Ok(Sent::TooMuch(error)),
            416 => Ok(Sent::Broken(error)),
            _ if is_passing => Ok(Sent::Broken(error)),
            _ => Err(error),
        }
    }

    /// Sends a request to the URL of a session. Another server than the registry's gets no credentials.
    fn send(&self, authorize: &Authorize<'_>, url: &Url, request: Request<'_>) -> Result<Response, http::Error> {
        let base = self.endpoint.base()?;
        if url.is_same_server(base) { authorize.send(request) } else { authorize.send_without(request.foreign(base)) }
    }

    /// Compares the digest that the server gives for a blob, if it gives one.
    pub(super) fn check_of(&self, blob: &Descriptor, response: &Response) -> Result<(), Error> {
        let said = response.header("docker-content-digest").and_then(|digest| digest.trim().parse::<Digest>().ok());
        match said.filter(|said| *said != blob.digest) {
            None => Ok(()),
            Some(actual) => Err(Error::Digest { name: self.what(), expected: blob.digest, actual }),
        }
    }

    pub(super) fn unreadable(&self, source: io::Error) -> Error {
        Error::UploadSource { what: self.what(), source }
    }

    fn scope(&self) -> Scope<'_> {
        Scope::Push(self.name.repository())
    }

    pub(super) fn what(&self) -> String {
        self.name.familiar()
    }
}

/// Counts what is read.
struct Counted<'a, R> {
    stream: R,
    moved: &'a (dyn Fn(u64) + Sync),
}

impl<R: Read> Read for Counted<'_, R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let got = self.stream.read(into)?;
        (self.moved)(got as u64);
        Ok(got)
    }
}
