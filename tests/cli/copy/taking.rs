//! A registry that takes what it is sent.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard};

use crate::support::digest;
use crate::support::registry::Registry;
use crate::support::registry::reply::Reply;
use crate::support::registry::wire::Request;

/// What has come: blobs by repository and digest, manifests by repository and tag or digest.
#[derive(Default)]
pub(super) struct Taken {
    blobs: BTreeMap<(String, String), Vec<u8>>,
    manifests: BTreeMap<(String, String), (String, Vec<u8>)>,
    /// What has come in sessions that have not ended.
    sessions: Vec<Vec<u8>>,
    /// How many bytes of blobs came.
    pub(super) bytes: usize,
}

/// The registry, and what it has taken.
pub(super) struct Taking {
    pub(super) registry: Registry,
    taken: Arc<Mutex<Taken>>,
}

impl Taking {
    pub(super) fn start() -> Self {
        let (registry, taken) = (Registry::start(), Arc::<Mutex<Taken>>::default());
        let state = Arc::clone(&taken);
        registry.script(move |request, honest| state.lock().expect("no test panics here").answer(request, honest));
        Self { registry, taken }
    }

    pub(super) fn taken(&self) -> MutexGuard<'_, Taken> {
        self.taken.lock().expect("no test panics here")
    }

    /// `docker://127.0.0.1:PORT/name`
    pub(super) fn at(&self, name: &str) -> String {
        format!("docker://{}", self.registry.name(name))
    }
}

impl Taken {
    /// The digest that a tag leads to.
    pub(super) fn digest(&self, repository: &str, tag: &str) -> Option<String> {
        self.manifests.get(&(repository.to_owned(), tag.to_owned())).map(|(_, bytes)| digest(bytes))
    }

    fn answer(&mut self, request: &Request, honest: Reply) -> Reply {
        let path = request.path.trim_start_matches("/v2/");
        if let Some((repository, reference)) = path.split_once("/manifests/") {
            return self.manifest(request, (repository.to_owned(), reference.to_owned()));
        }
        match path.split_once("/blobs/") {
            Some((repository, "uploads/")) => self.begin(request, repository),
            Some((repository, rest)) if rest.starts_with("uploads/") => self.take(request, repository),
            Some((repository, wanted)) => match self.blobs.get(&(repository.to_owned(), wanted.to_owned())) {
                Some(bytes) => Reply::new(200, bytes.clone()),
                None => Reply::error(404, "BLOB_UNKNOWN", "blob unknown to registry"),
            },
            None => honest,
        }
    }

    fn begin(&mut self, request: &Request, repository: &str) -> Reply {
        if let (Some(mounted), Some(from)) = (request.param("mount"), request.param("from"))
            && let Some(bytes) = self.blobs.get(&(from, mounted.clone())).cloned()
        {
            self.blobs.insert((repository.to_owned(), mounted), bytes);
            return Reply::new(201, "");
        }
        self.sessions.push(Vec::new());
        Reply::new(202, "").with("Location", format!("/v2/{repository}/blobs/uploads/{}", self.sessions.len()))
    }

    fn take(&mut self, request: &Request, repository: &str) -> Reply {
        let number = request.path.rsplit('/').next().and_then(|number| number.parse::<usize>().ok());
        let Some(session) = number.and_then(|number| self.sessions.get_mut(number - 1)) else {
            return Reply::error(404, "BLOB_UPLOAD_UNKNOWN", "blob upload unknown to registry");
        };
        self.bytes += request.body.len();
        session.extend(&request.body);
        if request.method == "PATCH" {
            return Reply::new(202, "").with("Range", format!("0-{}", session.len().saturating_sub(1)));
        }
        let (wanted, bytes) = (request.param("digest").unwrap_or_default(), std::mem::take(session));
        if digest(&bytes) != wanted {
            return Reply::error(400, "DIGEST_INVALID", "provided digest did not match uploaded content");
        }
        self.blobs.insert((repository.to_owned(), wanted), bytes);
        Reply::new(201, "")
    }

    fn manifest(&mut self, request: &Request, place: (String, String)) -> Reply {
        if request.method == "PUT" {
            let found = (request.header("content-type").unwrap_or_default().to_owned(), request.body.clone());
            let by_digest = (place.0.clone(), digest(&request.body));
            self.manifests.insert(by_digest, found.clone());
            self.manifests.insert(place, found);
            return Reply::new(201, "").with("Docker-Content-Digest", digest(&request.body));
        }
        match self.manifests.get(&place) {
            Some((kind, bytes)) => Reply::new(200, bytes.clone())
                .with("Content-Type", kind.as_str())
                .with("Docker-Content-Digest", digest(bytes)),
            None => Reply::error(404, "MANIFEST_UNKNOWN", "manifest unknown"),
        }
    }
}
