//! The bytes of a blob of a registry, as one stream that goes on where a connection broke.

use std::io::{self, Read};
use std::time::Duration;

use super::Error;
use crate::http::{self, Body, BodyError, Response, Url};
use crate::oci::Descriptor;

/// How often in a row a transfer is continued that gets nowhere.
const ATTEMPTS: u32 = 5;
/// How many bytes have to come in between for a transfer to have got somewhere.
const PROGRESS: u64 = 4 << 10;
/// The delay before a transfer is continued that got nowhere; it is doubled each time.
const DELAY: Duration = Duration::from_millis(250);

/// Asks for the bytes of a blob from an offset on.
pub(super) type RequestBlob = dyn Fn(u64) -> Result<Response, Error> + Send;

/// The bytes of a blob from some offset on, up to the size in its descriptor. Interrupted transfers are continued. The
/// bytes are not verified.
pub struct BlobStream {
    /// Asks for the bytes from an offset on.
    request: Box<RequestBlob>,
    /// The repository, for errors.
    name: String,
    descriptor: Descriptor,
    /// The offset of the next byte.
    at: u64,
    body: Option<Body>,
    attempts: u32,
    /// Where the transfer was begun or continued.
    since: u64,
}

impl BlobStream {
    pub(super) fn open(
        request: Box<RequestBlob>,
        name: String,
        descriptor: &Descriptor,
        offset: u64,
    ) -> Result<Self, Error> {
        let descriptor = descriptor.clone();
        let mut stream = Self { request, name, descriptor, at: offset, body: None, attempts: 0, since: offset };
        if offset < stream.descriptor.size {
            stream.body = Some(stream.ask()?);
        }
        Ok(stream)
    }

    /// Asks for the bytes from where the stream is.
    fn ask(&self) -> Result<Body, Error> {
        let Descriptor { digest, size, .. } = self.descriptor;
        let name = || self.name.clone();
        let mut response = (self.request)(self.at)?;
        if response.status() == 416 {
            // The server has another idea of what is there. The digest tells whether what came fits.
            response = (self.request)(0)?;
        }
        let sent = response.starts_at()?;
        if sent > self.at {
            return Err(Error::Range { name: name(), digest, wanted: self.at, sent });
        }
        if let Some(length) = response.size()
            && sent.saturating_add(length) != size
        {
            let actual = sent.saturating_add(length);
            return Err(Error::Size { name: name(), digest, expected: size, actual });
        }
        let url = response.url().clone();
        let mut body = response.into_body();
        skip(&mut body, self.at - sent, &url)?;
        Ok(body)
    }

    /// Continues after an error, unless that has led to nothing for too long.
    fn go_on(&mut self, error: io::Error) -> io::Result<()> {
        if self.at - self.since >= PROGRESS {
            self.attempts = 0;
        }
        self.since = self.at;
        loop {
            if self.attempts == ATTEMPTS {
                return Err(error);
            }
            std::thread::sleep(DELAY * 2_u32.pow(self.attempts));
            self.attempts += 1;
            match self.ask() {
                Ok(body) => {
                    self.body = Some(body);
                    return Ok(());
                }
                Err(Error::Http(again)) if again.is_passing() => {}
                Err(other) => return Err(io::Error::other(other)),
            }
        }
    }
}

impl Read for BlobStream {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        loop {
            let left = self.descriptor.size.saturating_sub(self.at);
            let want = into.len().min(usize::try_from(left).unwrap_or(usize::MAX));
            let Some(body) = self.body.as_mut().filter(|_| want > 0) else { return Ok(0) };
            match body.read(&mut into[..want]) {
                Ok(0) => {
                    self.go_on(io::Error::new(io::ErrorKind::UnexpectedEof, BodyError::Closed { left: Some(left) }))?;
                }
                Ok(got) => {
                    self.at += got as u64;
                    return Ok(got);
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => self.go_on(error)?,
            }
        }
    }
}

/// Reads past `count` bytes that are known already.
fn skip(body: &mut Body, count: u64, url: &Url) -> Result<(), http::Error> {
    let broken = |source| http::Error::Transfer { url: url.clone(), source };
    match io::copy(&mut body.take(count), &mut io::sink()) {
        Ok(skipped) if skipped == count => Ok(()),
        Ok(skipped) => Err(broken(BodyError::Closed { left: Some(count - skipped) })),
        Err(error) => Err(broken(BodyError::of(&error).cloned().unwrap_or(BodyError::Reset))),
    }
}
