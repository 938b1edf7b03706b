//! Blobs on their way into a registry
//! ([pushing blobs](https://github.com/opencontainers/distribution-spec/blob/v1.1.0/spec.md#pushing-blobs)).
//!
//! ```text
//! HEAD ─▶ there already
//! POST ?mount=…&from=… ─▶ mounted, or a session ─┐
//! POST ──────────────────────────────────────────┴▶ session ─▶ PUT, all in one          ─▶ there
//!      a session of an earlier run ─▶ GET, how far it is ───▶ PATCH … PATCH, PUT        ─┘
//! ```
//!
//! A session is the URL that the server gives for it, and gives anew with each answer. A transfer that breaks goes on
//! where the server is; if the server has forgotten the session, or says that it has more than was sent, it begins again.
//! What the server says of how far it is counts only after an interruption; in the end the digest decides.
//!
//! A blob goes in one request, which every server takes that docker can push to; only few take chunks. Chunks are tried
//! where one request is refused or breaks, smaller ones where they are too large for a proxy, and where chunks are refused
//! it is one request again: [`Run`] has the order. A server may lead the bytes to another one by a redirect.

mod buffer;
mod run;
mod session;
mod stream;
mod transfer;

use std::io::Read;

pub use session::{NoSessions, Sessions};
pub use transfer::OpenBlob;

use super::authorizer::Scope;
use super::endpoint::Endpoint;
use super::{Error, Repository};
use crate::http::{Method, Request};
use crate::oci::{Descriptor, Digest, MediaType, Reference};
use run::Run;
use session::Session;
use transfer::Transfer;

/// How many repositories are asked for a blob that none of them may have.
const MOST_MOUNTS: usize = 3;

/// How a blob came into a repository.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Arrived {
    /// It was there.
    Exists,
    /// The registry had it in that repository.
    Mounted(String),
    /// It was sent.
    Sent,
}

/// A blob that is to be in a repository.
pub struct Upload<'a> {
    /// Its digest and size.
    pub descriptor: &'a Descriptor,
    /// Its bytes.
    pub open: OpenBlob<'a>,
    /// Finds repositories of the same registry that may have it, the likeliest first.
    pub elsewhere: &'a (dyn Fn() -> Vec<String> + Sync),
    /// Where sessions are kept for a later run.
    pub sessions: &'a dyn Sessions,
    /// Is called with the number of bytes that were sent since the last call; those that are sent again do not count.
    pub moved: &'a (dyn Fn(u64) + Sync),
}

impl Repository {
    /// Whether a blob is in the repository.
    pub fn has_blob(&self, digest: &Digest) -> Result<bool, Error> {
        Transfer::new(self, &|_| {}).has(digest)
    }

    /// Puts a blob into the repository, if it is not there: from another repository if the registry has it there, else
    /// by sending it.
    pub fn upload(&self, upload: &Upload<'_>) -> Result<Arrived, Error> {
        let (blob, sessions) = (upload.descriptor, upload.sessions);
        let transfer = Transfer::new(self, upload.moved);
        if transfer.has(&blob.digest)? {
            sessions.forget(&blob.digest);
            return Ok(Arrived::Exists);
        }
        let run = |session| Run::new(&transfer, blob, upload.open, sessions, session);
        let kept = sessions.find(&blob.digest).and_then(|url| transfer.continued(&url));
        if let Some((session, at)) = kept.filter(|(_, at)| *at <= blob.size) {
            return run(session).resumed(at).finish().map(|()| Arrived::Sent);
        }
        let mut session = None;
        let others = (upload.elsewhere)().into_iter().filter(|from| from != self.name().repository());
        for from in others.take(MOST_MOUNTS) {
            match self.mount(&blob.digest, &from)? {
                Mounted::Yes => {
                    sessions.forget(&blob.digest);
                    return Ok(Arrived::Mounted(from));
                }
                // The registry began to wait for the blob instead.
                Mounted::No(begun) => session = begun.or(session),
            }
        }
        let session = session.map_or_else(|| transfer.begin(), Ok)?;
        run(session).finish().map(|()| Arrived::Sent)
    }

    /// Sends what `stream` gives, and returns its digest and size. The session is kept under `key`, which stands for
    /// those bytes: if it is interrupted, a later run goes on where this one was.
    pub fn upload_stream(
        &self,
        stream: &mut (dyn Read + Send),
        key: &Digest,
        sessions: &dyn Sessions,
    ) -> Result<(Digest, u64), Error> {
        Transfer::new(self, &|_| {}).stream(stream, key, sessions)
    }

    /// Puts a manifest or index into the repository, under the tag of `name` or under its digest. What it refers to has
    /// to be there.
    pub fn put_manifest(&self, name: &Reference, media_type: &MediaType, bytes: &[u8]) -> Result<(), Error> {
        let (endpoint, digest) = (self.own(), Digest::of(bytes));
        let which = name.tag().map_or_else(|| digest.to_string(), str::to_owned);
        let url = endpoint.url(&format!("/v2/{}/manifests/{which}", name.repository()))?;
        let (scope, what) = (Scope::Push(name.repository()), name.familiar());
        let make = || {
            let request = Request::new(Method::Put, &url).header("content-type", media_type.as_str());
            request.bytes(bytes).repeatable().sent_on()
        };
        let response = endpoint.send(scope, &what, make)?;
        if !(200..300).contains(&response.status()) {
            return Err(endpoint.refused(&what, scope, response));
        }
        let said = response.header("docker-content-digest").and_then(|said| said.trim().parse::<Digest>().ok());
        match said.filter(|said| *said != digest) {
            None => Ok(()),
            Some(actual) => Err(Error::Stored { what, expected: digest, actual }),
        }
    }

    /// Asks the registry to take a blob from another repository of its own. Whatever is against it, the blob can still
    /// be sent.
    fn mount(&self, digest: &Digest, from: &str) -> Result<Mounted, Error> {
        let (endpoint, name) = (self.own(), self.name().repository());
        let url = endpoint.url(&format!("/v2/{name}/blobs/uploads/?mount={digest}&from={from}"))?;
        let answer = endpoint
            .send(Scope::Mount(name, from), &self.name().familiar(), || Request::new(Method::Post, &url).sent_on());
        Ok(match answer {
            Ok(response) if response.status() == 201 => Mounted::Yes,
            Ok(response) if response.status() == 202 => {
                Mounted::No(Session::of(&response, &self.name().familiar()).ok())
            }
            Ok(_) | Err(Error::Unauthorized { .. }) => Mounted::No(None),
            Err(error) => return Err(error),
        })
    }

    /// The registry's own server: mirrors are only read.
    pub(super) fn own(&self) -> &Endpoint {
        self.endpoints().last().expect("a registry has an endpoint")
    }
}

/// The answer to a mount.
enum Mounted {
    Yes,
    No(Option<Session>),
}
