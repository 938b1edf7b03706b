//! Blobs of the upstream.

use std::sync::Arc;
use std::thread;
use std::time::SystemTime;

use hyper::StatusCode;
use hyper::header::{CONTENT_LENGTH, CONTENT_TYPE, ETAG, RANGE};

use super::fetch::Fetch;
use super::manifests::{KEEP, settle};
use super::refused::Why;
use super::upstream::{Upstream, lock};
use crate::oci::{Descriptor, Digest, MediaType};
use crate::serve::answer::{Answer, Content};
use crate::serve::any_digest::AnyDigest;
use crate::serve::api;
use crate::serve::asked::Asked;
use crate::serve::refusal::{Code, Refusal};
use crate::serve::repository::RepositoryName;
use crate::serve::server::Server;

/// How many blobs are fetched at once.
const MAX_FETCHES: usize = 128;

/// `GET` and `HEAD /v2/NAME/blobs/DIGEST`
pub(in crate::serve) fn get(
    server: &Arc<Server>,
    upstream: &Upstream,
    asked: &Asked,
    name: &RepositoryName,
    digest: &AnyDigest,
) -> Result<Answer, Refusal> {
    let here = || api::blobs::get(server, asked, name, digest);
    let AnyDigest::Sha256(wanted) = digest else { return here() };
    if api::blobs::find(server, name, digest)?.is_some() {
        return here();
    }
    let refuse = |why: Why| why.refusal(upstream.host(), Code::BlobUnknown);
    let full = name.in_store().ok_or_else(|| Refusal::new(Code::BlobUnknown))?;
    let size = if let Some(size) = upstream.size(wanted) {
        size
    } else {
        let size = upstream.repository(&full).and_then(|repository| repository.blob_size(wanted));
        size.map_err(|error| refuse(Why::of(&error)))?
    };
    let answer = Answer::new(StatusCode::OK)
        .header(CONTENT_TYPE, "application/octet-stream")
        .header(api::CONTENT_DIGEST, digest.to_string())
        .header(ETAG, format!("\"{digest}\""))
        .header(CONTENT_LENGTH, size.to_string());
    if asked.is_head() {
        return Ok(answer);
    }
    let fetch = fetch(server, upstream, name, wanted, size).map_err(refuse)?;
    fetch.begun().map_err(refuse)?;
    if asked.header(RANGE).is_some() {
        fetch.ended().map_err(refuse)?;
        return here();
    }
    Ok(answer.content(Content::Growing { source: fetch, offset: 0, length: size }))
}

/// The blob on its way; begins to fetch it if nobody does.
fn fetch(
    server: &Arc<Server>,
    upstream: &Upstream,
    name: &RepositoryName,
    digest: &Digest,
    size: u64,
) -> Result<Arc<Fetch>, Why> {
    let key = (name.clone(), *digest);
    let mut fetches = lock(&upstream.fetches);
    if let Some(fetch) = fetches.get(&key) {
        return Ok(Arc::clone(fetch));
    }
    if fetches.len() >= MAX_FETCHES {
        return Err(Why::busy(MAX_FETCHES));
    }
    let full = name.in_store().ok_or_else(|| Why::broken(&std::fmt::Error))?;
    let repository = upstream.repository(&full).map_err(|error| Why::of(&error))?;
    let fetch = Arc::new(Fetch::new(size));
    fetches.insert(key.clone(), Arc::clone(&fetch));
    drop(fetches);
    let (server, running) = (Arc::clone(server), Arc::clone(&fetch));
    thread::spawn(move || {
        let (name, digest) = &key;
        let expected = Descriptor::new(MediaType::default(), *digest, size);
        let owner = api::blobs::owner(name);
        running.run(&repository, &expected, &server.store(), owner.as_str(), SystemTime::now() + KEEP);
        let Some(upstream) = &server.upstream else { return };
        lock(&upstream.fetches).remove(&key);
        match running.ended() {
            Ok(()) => settle(&server, upstream, name),
            Err(why) => server.settings.log.warn(&format!("{name}: blob {digest} did not come: {why}")),
        }
    });
    Ok(fetch)
}
