//! The distribution API: what an honest registry answers.

use serde_json::{Value, json};

use super::auth::{Auth, Scope};
use super::content::Content;
use super::reply::Reply;
use super::uploads;
use super::wire::Request;

/// Answers a request; `base` is the address that the registry knows itself by.
pub(super) fn answer(content: &mut Content, auth: &Auth, realm: &str, request: &Request) -> Reply {
    let path = request.path.as_str();
    match path {
        _ if path == "/token" || realm.split_once(&request.to.to_string()).is_some_and(|(_, own)| own == path) => {
            match auth {
                Auth::Bearer(issuer) => issuer.answer(request),
                _ => unknown(),
            }
        }
        "/v1/search" => search(content, request),
        "/v1/_ping" => Reply::json(200, &json!({})),
        _ if path == "/v2" || path.starts_with("/v2/") || path.starts_with(BESIDE) => {
            let reply = v2(content, auth, realm, request, Place::at(path).unwrap_or(Place::Elsewhere));
            reply.with("Docker-Distribution-Api-Version", "registry/2.0")
        }
        _ => unknown(),
    }
}

fn unknown() -> Reply {
    Reply::new(404, "404 page not found\n").with("Content-Type", "text/plain")
}

fn v2(content: &mut Content, auth: &Auth, realm: &str, request: &Request, place: Place<'_>) -> Reply {
    for needed in place.needs(request).iter().map(Some).chain(place.is_root().then_some(None)) {
        if let Some(refusal) = auth.refusal(request, needed, realm) {
            return refusal;
        }
    }
    match (request.method.as_str(), &place) {
        ("POST", Place::Begin(name)) => return uploads::begin(content, request, name),
        (_, Place::Session(name, last)) => return uploads::session(content, request, name, last),
        ("PUT", Place::Manifest(name, reference)) => return uploads::put_manifest(content, request, name, reference),
        ("DELETE", Place::Manifest(name, reference)) => return uploads::delete(content, name, reference),
        ("GET" | "HEAD", _) => {}
        _ => return Reply::error(405, "UNSUPPORTED", "the operation is unsupported"),
    }
    match place {
        Place::Root => Reply::json(200, &json!({})),
        Place::Catalog => {
            let names: Vec<String> = content.repositories.keys().cloned().collect();
            page(request, content.page, "repositories", &names, &json!({}))
        }
        Place::Tags(name) => match content.repositories.get(name) {
            Some(found) => {
                let tags: Vec<String> = found.tags.keys().cloned().collect();
                page(request, content.page, "tags", &tags, &json!({"name": name}))
            }
            None => Reply::error(404, "NAME_UNKNOWN", "repository name not known to registry"),
        },
        Place::Manifest(name, reference) => manifest(content, request, name, reference),
        Place::Blob(name, digest) => match content.repositories.get(name).and_then(|found| found.blobs.get(digest)) {
            Some(bytes) => blob(request, digest, bytes),
            None => Reply::error(404, "BLOB_UNKNOWN", "blob unknown to registry"),
        },
        Place::Begin(_) | Place::Session(..) | Place::Elsewhere => unknown(),
    }
}

/// The refusal of a request whose bytes have not come yet, if it is refused for what its head says.
pub(super) fn refuse_early(content: &Content, auth: &Auth, realm: &str, request: &Request) -> Option<Reply> {
    let place = Place::at(&request.path)?;
    let refusal = place.needs(request).iter().find_map(|needed| auth.refusal(request, Some(needed), realm));
    match place {
        Place::Session(name, last) => refusal.or_else(|| uploads::refuse_early(content, request, name, last)),
        _ => refusal,
    }
}

/// Takes note of what came of an upload before its connection broke.
pub(super) fn broken(content: &mut Content, request: &Request) {
    if let Some(Place::Session(_, last)) = Place::at(&request.path) {
        uploads::broken(content, request, last);
    }
}

/// Where some have their sessions: beside the API, each in its repository.
const BESIDE: &str = "/artifacts-uploads/namespaces/p/repositories/";

/// What a path leads to.
#[derive(Clone, Copy)]
enum Place<'a> {
    Root,
    Catalog,
    Tags(&'a str),
    Manifest(&'a str, &'a str),
    Blob(&'a str, &'a str),
    /// Where uploads begin.
    Begin(&'a str),
    /// An upload.
    Session(&'a str, &'a str),
    Elsewhere,
}

impl<'a> Place<'a> {
    fn at(path: &'a str) -> Option<Self> {
        if let Some((name, last)) = path.strip_prefix(BESIDE).and_then(|rest| rest.split_once("/uploads/")) {
            return Some(Self::Session(name, last));
        }
        let rest = path.strip_prefix("/v2")?;
        (rest.is_empty() || rest.starts_with('/')).then(|| Self::of(rest.trim_matches('/')))
    }

    fn of(rest: &'a str) -> Self {
        if rest.is_empty() {
            return Self::Root;
        }
        if rest == "_catalog" {
            return Self::Catalog;
        }
        if let Some(name) = rest.strip_suffix("/tags/list") {
            return Self::Tags(name);
        }
        if let Some(name) = rest.strip_suffix("/blobs/uploads") {
            return Self::Begin(name);
        }
        let (before, last) = rest.rsplit_once('/').unwrap_or((rest, ""));
        match before.rsplit_once('/') {
            Some((name, "manifests")) => Self::Manifest(name, last),
            Some((name, "blobs")) => Self::Blob(name, last),
            Some((name, "uploads" | "upload")) => {
                name.strip_suffix("/blobs").map_or(Self::Elsewhere, |name| Self::Session(name, last))
            }
            _ => Self::Elsewhere,
        }
    }

    fn is_root(&self) -> bool {
        matches!(self, Self::Root | Self::Elsewhere)
    }

    /// What a request must be allowed to do.
    fn needs(&self, request: &Request) -> Vec<Scope> {
        let actions = match request.method.as_str() {
            "GET" | "HEAD" => "pull",
            "DELETE" => "delete",
            _ => "pull,push",
        };
        match self {
            Self::Root | Self::Elsewhere => Vec::new(),
            Self::Catalog => vec![Scope::catalog()],
            Self::Begin(name) => {
                let from = request.param("from").map(|from| Scope::of(&from, "pull"));
                [Some(Scope::of(name, "pull,push")), from].into_iter().flatten().collect()
            }
            Self::Session(name, _) => vec![Scope::of(name, "pull,push")],
            Self::Tags(name) | Self::Manifest(name, _) | Self::Blob(name, _) => vec![Scope::of(name, actions)],
        }
    }
}

fn manifest(content: &Content, request: &Request, name: &str, reference: &str) -> Reply {
    let Some((digest, found)) = content.repositories.get(name).and_then(|found| found.manifest(reference)) else {
        return Reply::error(404, "MANIFEST_UNKNOWN", "manifest unknown");
    };
    let accepted = request.headers.iter().filter(|(name, _)| name == "accept").flat_map(|(_, value)| value.split(','));
    let mut accepted = accepted.map(|kind| kind.split(';').next().unwrap_or_default().trim());
    if !accepted.any(|kind| kind == found.media_type || kind == "*/*") {
        let why = format!("{} found, but accept header does not support it", found.media_type);
        return Reply::error(404, "MANIFEST_UNKNOWN", &why);
    }
    Reply::new(200, found.bytes.clone())
        .with("Content-Type", found.media_type.as_str())
        .with("Docker-Content-Digest", digest)
        .with("Etag", format!("\"{digest}\""))
}

fn blob(request: &Request, digest: &str, bytes: &[u8]) -> Reply {
    let size = bytes.len();
    let reply = match request.header("range").map(|range| parts(range, size)) {
        None => Reply::new(200, bytes),
        Some(Some((first, last))) => {
            Reply::new(206, &bytes[first..=last]).with("Content-Range", format!("bytes {first}-{last}/{size}"))
        }
        Some(None) => return Reply::new(416, "").with("Content-Range", format!("bytes */{size}")),
    };
    reply
        .with("Content-Type", "application/octet-stream")
        .with("Accept-Ranges", "bytes")
        .with("Docker-Content-Digest", digest)
}

/// The first and the last byte of a range; `None` if there is none.
fn parts(range: &str, size: usize) -> Option<(usize, usize)> {
    let (first, last) = range.strip_prefix("bytes=")?.split_once('-')?;
    let first: usize = first.parse().ok()?;
    let last = if last.is_empty() { size.checked_sub(1)? } else { last.parse::<usize>().ok()?.min(size - 1) };
    (first <= last).then_some((first, last))
}

/// A page of names, and where the next one is. `most` is how many the server gives at once.
fn page(request: &Request, most: Option<usize>, field: &str, names: &[String], document: &Value) -> Reply {
    let asked = request.param("n").and_then(|text| text.parse().ok());
    let count = asked.unwrap_or(usize::MAX).min(most.unwrap_or(usize::MAX)).max(1);
    let last = request.param("last").unwrap_or_default();
    let rest: Vec<&String> = names.iter().filter(|name| **name > last).collect();
    let shown = &rest[..count.min(rest.len())];
    let mut document = document.clone();
    document[field] = json!(shown);
    let reply = Reply::json(200, &document);
    match shown.last() {
        Some(last) if shown.len() < rest.len() => {
            let next = format!("<{}?last={last}&n={count}>; rel=\"next\"", request.path);
            reply.with("Link", next)
        }
        _ => reply,
    }
}

/// Docker's search of old, as its hub still answers it.
fn search(content: &Content, request: &Request) -> Reply {
    if content.found.is_empty() {
        return unknown();
    }
    let query = request.param("q").unwrap_or_default();
    let size: usize = request.param("n").and_then(|text| text.parse().ok()).unwrap_or(25);
    let is_found = |result: &&Value| result["name"].as_str().is_some_and(|name| name.contains(&query));
    let results: Vec<&Value> = content.found.iter().filter(is_found).take(size).collect();
    let mut found = json!({"page": 1, "num_pages": 1, "page_size": size, "query": query});
    found["num_results"] = json!(results.len());
    found["results"] = json!(results);
    Reply::json(200, &found)
}
