//! Uploads: what an honest registry does with bytes, and the manners in which honest registries differ.

use std::collections::BTreeMap;

use super::super::digest;
use super::content::{Content, Repository};
use super::reply::Reply;
use super::wire::Request;

/// How a registry takes what is pushed.
#[derive(Clone, Debug)]
#[expect(clippy::struct_excessive_bools, reason = "registries combine them as they like")]
pub(crate) struct Manners {
    /// What stands before the path of a session: nothing, or the registry's URL.
    pub(crate) origin: String,
    /// Where sessions are; `NAME` is the repository.
    pub(crate) place: &'static str,
    /// Whether a session is told from others by the query of its URL, and not by the path alone.
    pub(crate) queries: bool,
    /// The fewest bytes of a chunk that is not the last one.
    pub(crate) least: Option<usize>,
    /// The most bytes of one request; more is refused with 413 before they have come.
    pub(crate) most: Option<usize>,
    /// The status with which a blob in one piece is refused, if it is.
    pub(crate) only_chunks: Option<u16>,
    /// The status of a chunk that was taken.
    pub(crate) chunk: u16,
    /// Whether it takes blobs from its other repositories.
    pub(crate) mounts: bool,
    /// Whether a session has what came before a connection broke.
    pub(crate) keeps: bool,
    /// Whether it says nothing to clients that wait to be told to send.
    pub(crate) silent: bool,
    /// Of a longer request so many bytes are read, and then nothing happens as long as this is so; then it is broken.
    pub(crate) pause: Option<usize>,
    pub(crate) deletes: Deletes,
}

/// What can be deleted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Deletes {
    Nothing,
    Manifests,
    /// Also tags, and nothing else with them.
    Tags,
}

impl Default for Manners {
    fn default() -> Self {
        Self {
            origin: String::new(),
            place: "/v2/NAME/blobs/uploads/",
            queries: false,
            least: None,
            most: None,
            only_chunks: None,
            chunk: 202,
            mounts: true,
            keeps: true,
            silent: false,
            pause: None,
            deletes: Deletes::Tags,
        }
    }
}

/// The sessions of a registry.
#[derive(Debug, Default)]
pub(crate) struct Uploads {
    pub(crate) manners: Manners,
    /// How many requests wait where `Manners::pause` says.
    pub(crate) paused: usize,
    begun: usize,
    /// The bytes that came, by the number of the session.
    sessions: BTreeMap<usize, Vec<u8>>,
}

impl Uploads {
    /// Forgets all sessions, as a registry that is started again.
    pub(crate) fn forget(&mut self) {
        self.sessions.clear();
    }

    /// Changes the bytes of all sessions.
    pub(crate) fn spoil(&mut self) {
        self.sessions.values_mut().flatten().for_each(|byte| *byte ^= 1);
    }

    /// The sessions that have not ended.
    pub(crate) fn open(&self) -> usize {
        self.sessions.len()
    }

    fn location(&self, name: &str, number: usize) -> String {
        let Manners { origin, place, queries, .. } = &self.manners;
        let path = format!("{origin}{}", place.replace("NAME", name));
        // Characters that a client has to leave as they are.
        if *queries { format!("{path}one?_state=a%2Fb%3D{number}&n={number}") } else { format!("{path}{number}") }
    }

    fn number(&self, request: &Request, last: &str) -> Option<usize> {
        let number = if self.manners.queries { request.param("n")? } else { last.to_owned() };
        let state = format!("a/b={number}");
        if self.manners.queries && request.param("_state") != Some(state) {
            return None;
        }
        number.parse().ok()
    }

    /// What a session has, in the answer's headers.
    fn state(&self, name: &str, number: usize, reply: Reply) -> Reply {
        let end = self.sessions.get(&number).map_or(0, Vec::len).saturating_sub(1);
        reply.with("Location", self.location(name, number)).with("Range", format!("0-{end}"))
    }

    /// Why the bytes of a request cannot be for a session.
    fn refusal(&self, request: &Request, name: &str, number: usize, is_last: bool) -> Option<Reply> {
        let Manners { least, most, only_chunks, .. } = &self.manners;
        let (has, comes) = (self.sessions.get(&number)?.len(), request.length());
        let begins =
            request.header("content-range").map(|range| range.split('-').next().and_then(|at| at.parse().ok()));
        if begins.is_some_and(|at| at != Some(has)) {
            return Some(self.state(name, number, Reply::error(416, "RANGE_INVALID", "out of order")));
        }
        if most.is_some_and(|most| comes > most) {
            return Some(too_large());
        }
        match only_chunks {
            Some(status) if is_last && has == 0 && comes > 0 => {
                Some(Reply::error(*status, "UNSUPPORTED", "not in one piece"))
            }
            _ if !is_last && least.is_some_and(|least| comes < least) => {
                Some(Reply::error(416, "SIZE_INVALID", "the chunk is too small"))
            }
            _ => None,
        }
    }
}

fn too_large() -> Reply {
    Reply::new(413, "<html>413 Request Entity Too Large</html>").with("Content-Type", "text/html")
}

/// The refusal of bytes that have not come yet.
pub(super) fn refuse_early(content: &Content, request: &Request, name: &str, last: &str) -> Option<Reply> {
    let uploads = &content.uploads;
    uploads.refusal(request, name, uploads.number(request, last)?, request.method == "PUT")
}

/// Begins an upload, or takes the blob from another repository.
pub(super) fn begin(content: &mut Content, request: &Request, name: &str) -> Reply {
    if let (Some(digest), Some(from)) = (request.param("mount"), request.param("from"))
        && content.uploads.manners.mounts
        && let Some(blob) = content.repositories.get(&from).and_then(|from| from.blobs.get(&digest)).cloned()
    {
        content.repository(name).blobs.insert(digest.clone(), blob);
        return created(name, &digest);
    }
    let uploads = &mut content.uploads;
    uploads.begun += 1;
    let number = uploads.begun;
    uploads.sessions.insert(number, Vec::new());
    let reply = uploads.state(name, number, Reply::new(202, ""));
    match uploads.manners.least {
        Some(least) => reply.with("OCI-Chunk-Min-Length", least.to_string()),
        None => reply,
    }
}

/// A request for a session.
pub(super) fn session(content: &mut Content, request: &Request, name: &str, last: &str) -> Reply {
    let uploads = &mut content.uploads;
    let number = uploads.number(request, last).filter(|number| uploads.sessions.contains_key(number));
    let Some(number) = number else {
        return Reply::error(404, "BLOB_UPLOAD_UNKNOWN", "blob upload unknown to registry");
    };
    let is_last = request.method == "PUT";
    match request.method.as_str() {
        "GET" => return uploads.state(name, number, Reply::new(204, "")),
        "PATCH" | "PUT" => {}
        _ => return Reply::error(405, "UNSUPPORTED", "the operation is unsupported"),
    }
    if let Some(refusal) = uploads.refusal(request, name, number, is_last) {
        return refusal;
    }
    let session = uploads.sessions.get_mut(&number).expect("it was there");
    session.extend(&request.body);
    if !is_last {
        return uploads.state(name, number, Reply::new(uploads.manners.chunk, ""));
    }
    let bytes = uploads.sessions.remove(&number).expect("it was there");
    let wanted = request.param("digest").unwrap_or_default();
    if digest(&bytes) != wanted {
        return Reply::error(400, "DIGEST_INVALID", "provided digest did not match uploaded content");
    }
    content.repository(name).blobs.insert(wanted.clone(), bytes.into());
    created(name, &wanted)
}

/// What came of a request whose connection broke.
pub(super) fn broken(content: &mut Content, request: &Request, last: &str) {
    let uploads = &mut content.uploads;
    let number = uploads.number(request, last).filter(|_| uploads.manners.keeps);
    if let Some(session) = number.and_then(|number| uploads.sessions.get_mut(&number)) {
        session.extend(&request.body);
    }
}

fn created(name: &str, digest: &str) -> Reply {
    Reply::new(201, "").with("Location", format!("/v2/{name}/blobs/{digest}")).with("Docker-Content-Digest", digest)
}

/// Takes a manifest, if all is there that it needs.
pub(super) fn put_manifest(content: &mut Content, request: &Request, name: &str, reference: &str) -> Reply {
    let repository = content.repository(name);
    if let Some(missing) = missing(repository, &request.body) {
        return Reply::error(404, "MANIFEST_BLOB_UNKNOWN", &format!("blob unknown to registry: {missing}"));
    }
    let digest = digest(&request.body);
    let tag = Some(reference).filter(|reference| !reference.contains(':'));
    if tag.is_none() && digest != reference {
        return Reply::error(400, "DIGEST_INVALID", "provided digest did not match uploaded content");
    }
    let media_type = request.header("content-type").unwrap_or_default().to_owned();
    repository.put_manifest(tag, &media_type, request.body.clone());
    Reply::new(201, "").with("Location", format!("/v2/{name}/manifests/{digest}")).with("Docker-Content-Digest", digest)
}

/// What a manifest needs and the repository does not have.
fn missing(repository: &Repository, manifest: &[u8]) -> Option<String> {
    let document: serde_json::Value = serde_json::from_slice(manifest).expect("a manifest is JSON");
    let of = |field: &str| document[field].as_array().cloned().unwrap_or_default();
    let digest = |descriptor: &serde_json::Value| descriptor["digest"].as_str().map(ToOwned::to_owned);
    let mut blobs = of("layers");
    blobs.extend(document.get("config").cloned());
    let blob = blobs.iter().filter_map(digest).find(|digest| !repository.blobs.contains_key(digest));
    blob.or_else(|| of("manifests").iter().filter_map(digest).find(|digest| !repository.manifests.contains_key(digest)))
}

/// Deletes a tag or a manifest.
pub(super) fn delete(content: &mut Content, name: &str, reference: &str) -> Reply {
    let deletes = content.uploads.manners.deletes;
    let repository = content.repository(name);
    let is_digest = reference.contains(':');
    if deletes == Deletes::Nothing {
        return Reply::error(405, "UNSUPPORTED", "The operation is unsupported.");
    }
    if !is_digest && deletes == Deletes::Manifests {
        return Reply::error(400, "DIGEST_INVALID", "provided digest did not match uploaded content");
    }
    let was_there = if is_digest {
        repository.tags.retain(|_, digest| digest != reference);
        repository.manifests.remove(reference).is_some()
    } else {
        repository.tags.remove(reference).is_some()
    };
    if was_there { Reply::new(202, "") } else { Reply::error(404, "MANIFEST_UNKNOWN", "manifest unknown") }
}
