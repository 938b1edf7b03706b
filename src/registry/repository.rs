//! A repository: the images of one name.

use std::io::Read as _;
use std::sync::Arc;

use super::authorizer::Scope;
use super::blob::BlobStream;
use super::endpoint::Endpoint;
use super::manifest::{self, Fetched};
use super::{Error, RegistryHost, paging};
use crate::http::{self, Method, Request, Response};
use crate::oci::{Descriptor, Digest, Reference};

/// A repository of a registry. Cloning is cheap; threads may share one.
#[derive(Clone)]
pub struct Repository {
    name: Reference,
    /// Where it is: the mirrors first, the registry itself last.
    endpoints: Arc<[Arc<Endpoint>]>,
}

impl Repository {
    pub(super) fn new(name: &Reference, endpoints: Arc<[Arc<Endpoint>]>) -> Self {
        Self { name: name.without_tag().without_digest(), endpoints }
    }

    /// Its name, without tag and digest.
    pub fn name(&self) -> &Reference {
        &self.name
    }

    /// The manifest or index of a name with a tag or digest.
    pub fn manifest(&self, name: &Reference) -> Result<Fetched, Error> {
        let response = self.ask_for_manifest(Method::Get, name)?;
        manifest::read(name, name.digest(), response)
    }

    /// What the registry says of a manifest, without fetching it; nothing, if it does not say all of it.
    pub fn head(&self, name: &Reference) -> Result<Option<Descriptor>, Error> {
        Ok(manifest::announced(&self.ask_for_manifest(Method::Head, name)?))
    }

    /// The digest of a manifest, without fetching it; nothing, if the registry does not say it.
    pub fn digest(&self, name: &Reference) -> Result<Option<Digest>, Error> {
        Ok(manifest::announced_digest(&self.ask_for_manifest(Method::Head, name)?))
    }

    /// The manifest or index of a digest.
    pub fn manifest_of(&self, digest: &Digest) -> Result<Fetched, Error> {
        self.manifest(&self.name.with_digest(*digest))
    }

    /// The bytes of a blob from `offset` on. An interrupted transfer is continued; the bytes are not verified.
    pub fn blob(&self, descriptor: &Descriptor, offset: u64) -> Result<BlobStream, Error> {
        let (repository, digest) = (self.clone(), descriptor.digest);
        let request = move |offset| repository.ask_for_blob(&digest, offset);
        BlobStream::open(Box::new(request), self.name.familiar(), descriptor, offset)
    }

    /// How many bytes a blob has, as the registry says.
    pub fn blob_size(&self, digest: &Digest) -> Result<u64, Error> {
        let path = format!("/v2/{}/blobs/{digest}", self.name.repository());
        let (scope, what) = (Scope::Pull(self.name.repository()), self.name.familiar());
        self.first(|endpoint| {
            let url = endpoint.url(&path)?;
            let response = endpoint.send(scope, &what, || Request::new(Method::Head, &url))?;
            if response.status() >= 300 {
                return Err(endpoint.refused(&format!("{what}: blob {digest}"), scope, response));
            }
            let size = response.header("content-length").and_then(|text| text.trim().parse().ok());
            let unknown = || Error::Answer { what: what.clone(), why: format!("no size of blob {digest}") };
            size.ok_or_else(unknown)
        })
    }

    /// A config or another document, whose bytes match its descriptor.
    pub fn document(&self, descriptor: &Descriptor) -> Result<Vec<u8>, Error> {
        let Descriptor { digest: expected, size, .. } = *descriptor;
        let name = || format!("{}@{expected}", self.name.familiar());
        if size > manifest::LIMIT {
            return Err(Error::Size { name: name(), digest: expected, expected: manifest::LIMIT, actual: size });
        }
        let mut bytes = Vec::new();
        let read = self.blob(descriptor, 0)?.read_to_end(&mut bytes);
        read.map_err(|error| http::Error::Body { why: format!("{}: {error}", name()) })?;
        let actual = Digest::of(&bytes);
        if actual == expected { Ok(bytes) } else { Err(Error::Digest { name: name(), expected, actual }) }
    }

    /// The tags, in the registry's order.
    pub fn tags(&self) -> Result<Vec<String>, Error> {
        let (scope, what) = (Scope::Pull(self.name.repository()), self.name.familiar());
        self.first(|endpoint| {
            let path = format!("/v2/{}/tags/list?n={}", self.name.repository(), paging::PAGE);
            paging::all(endpoint, scope, &what, &path, "tags")
        })
    }

    /// Sends a request for a blob, with the offset at which it is to begin.
    fn ask_for_blob(&self, digest: &Digest, offset: u64) -> Result<Response, Error> {
        let path = format!("/v2/{}/blobs/{digest}", self.name.repository());
        let (scope, what) = (Scope::Pull(self.name.repository()), self.name.familiar());
        self.first(|endpoint| {
            let url = endpoint.url(&path)?;
            let response = endpoint.send(scope, &what, || Request::new(Method::Get, &url).from_offset(offset))?;
            match response.status() {
                200..300 | 416 => Ok(response),
                _ => Err(endpoint.refused(&format!("{what}: blob {digest}"), scope, response)),
            }
        })
    }

    fn ask_for_manifest(&self, method: Method, name: &Reference) -> Result<Response, Error> {
        let which = match (name.digest(), name.tag()) {
            (Some(digest), _) => digest.to_string(),
            (None, tag) => tag.unwrap_or("latest").to_owned(),
        };
        let path = format!("/v2/{}/manifests/{which}", self.name.repository());
        let (scope, what) = (Scope::Pull(self.name.repository()), name.familiar());
        self.first(|endpoint| {
            let url = endpoint.url(&path)?;
            // In one header: some servers look at the first of several only.
            let accepted = manifest::accept();
            let make = || Request::new(method, &url).whole(manifest::LIMIT).header("accept", accepted.as_str());
            let response = endpoint.send(scope, &what, make)?;
            match response.status() {
                200..300 => Ok(response),
                404 => Err(match endpoint.refused(&what, scope, response) {
                    Error::Refused { refusal, .. } => Error::NoManifest { name: what.clone(), refusal },
                    other => other,
                }),
                _ => Err(endpoint.refused(&what, scope, response)),
            }
        })
    }

    /// The answer of the first endpoint that has one; else the registry's own error.
    pub(super) fn first<T>(&self, ask: impl Fn(&Endpoint) -> Result<T, Error>) -> Result<T, Error> {
        let (last, mirrors) = self.endpoints.split_last().expect("a registry has an endpoint");
        let answer = mirrors.iter().find_map(|mirror| ask(mirror).ok());
        answer.map_or_else(|| ask(last), Ok)
    }

    /// The servers: the mirrors first, the registry itself last.
    pub(super) fn endpoints(&self) -> &[Arc<Endpoint>] {
        &self.endpoints
    }

    /// The registry.
    pub fn host(&self) -> &RegistryHost {
        self.endpoints.last().expect("a registry has an endpoint").host()
    }
}
