//! Manifests: images, indexes and artifacts, by tag or by digest.

use std::collections::HashSet;
use std::time::SystemTime;

use hyper::StatusCode;
use hyper::header::{ALLOW, CONTENT_TYPE, ETAG};
use serde_json::json;

use super::{CONTENT_DIGEST, blobs, lists, ranges};
use crate::image::BlobSource as _;
use crate::oci::strict::MAX_DOCUMENT;
use crate::oci::{ANNOTATION_DIGEST, Descriptor, Digest, MediaType, Reference};
use crate::serve::answer::{Answer, Content};
use crate::serve::any_digest::AnyDigest;
use crate::serve::asked::Asked;
use crate::serve::notify::{self, Action};
use crate::serve::refusal::{Code, Refusal};
use crate::serve::repository::RepositoryName;
use crate::serve::route::Target;
use crate::serve::server::Server;
use crate::serve::shelf::Repository;
use crate::store::Error;

/// `GET` and `HEAD /v2/NAME/manifests/REFERENCE`. What the client accepts does not matter: a manifest is sent as it was
/// pushed, since another one would have another digest.
pub(in crate::serve) fn get(
    server: &Server,
    asked: &Asked,
    name: &RepositoryName,
    target: &Target,
) -> Result<Answer, Refusal> {
    let store = server.store();
    let shelf = server.shelves.now()?;
    let repository = shelf.find(name).ok_or_else(|| unknown(name, target))?;
    let (descriptor, digest) = match target {
        Target::Tag(tag) => {
            let descriptor = repository.tags.get(tag).ok_or_else(|| unknown(name, target))?;
            let pushed_as = descriptor.annotation(ANNOTATION_DIGEST).and_then(|text| text.parse().ok());
            (descriptor, pushed_as.unwrap_or(AnyDigest::Sha256(descriptor.digest)))
        }
        Target::Digest(digest) => {
            let found =
                digest.in_store(&store)?.and_then(|digest| server.shelves.reach(repository).manifests.get(&digest));
            (found.ok_or_else(|| unknown(name, target))?, digest.clone())
        }
    };
    if asked.is_head() && matches!(target, Target::Digest(_)) && !blobs::count_on(server, name, &descriptor.digest) {
        return Err(unknown(name, target));
    }
    let blob = store.open_blob(descriptor).map_err(|error| Refusal::broken(&error))?;
    // What an index lists need not be a manifest: a cache of buildkit lists layers.
    let blob = blob.filter(|blob| blob.size() <= MAX_DOCUMENT as u64).ok_or_else(|| unknown(name, target))?;
    let etag = format!("\"{digest}\"");
    let answer = Answer::new(StatusCode::OK)
        .header(CONTENT_TYPE, kind(server, descriptor).as_str())
        .header(CONTENT_DIGEST, digest.to_string())
        .header(ETAG, &etag);
    if ranges::is_known(asked, &etag) {
        return Ok(Answer { status: StatusCode::NOT_MODIFIED, ..answer });
    }
    let bytes = blob.read_all(MAX_DOCUMENT as u64)?;
    if !asked.is_head() {
        server.events.pulled(asked, || told(name, descriptor, &digest, target));
    }
    Ok(answer.content(Content::Bytes(bytes.into())))
}

/// The media type of a manifest: what it says itself, not what an index says that lists it.
fn kind(server: &Server, descriptor: &Descriptor) -> MediaType {
    let given = descriptor.media_type.clone();
    match server.shelves.parts(descriptor) {
        Some(parts) => match &parts.media_type {
            Some(own) => own.clone(),
            None if given.is_empty() => parts.kind("").unwrap_or(given),
            None => given,
        },
        None => given,
    }
}

/// `DELETE /v2/NAME/manifests/REFERENCE`: a tag, or a manifest with all its tags. What an index of the repository needs
/// stays, since the index could not be pulled any more; what only an index that is deleted listed, stays until it is
/// collected.
pub(in crate::serve) fn delete(
    server: &Server,
    asked: &Asked,
    name: &RepositoryName,
    target: &Target,
) -> Result<Answer, Refusal> {
    let shelf = server.shelves.now()?;
    let repository = shelf.find(name).ok_or_else(|| lists::unknown(name))?;
    let stored = name.in_store().ok_or_else(|| lists::unknown(name))?;
    let (store, turn) = (server.store(), server.events.turn());
    let was_there = match target {
        Target::Tag(tag) => {
            let tagged = stored.with_tag(tag).map_err(|error| Refusal::broken(&error))?;
            store.update(|catalog| {
                let Some(entry) = catalog.find(&tagged) else { return Ok(false) };
                let descriptor = entry.descriptor.clone();
                catalog.drop_names(&HashSet::from([tagged]));
                catalog.leave(&stored, &descriptor, SystemTime::now());
                Ok::<_, Error>(true)
            })??
        }
        Target::Digest(digest) => {
            let digest = digest.in_store(&store)?.ok_or_else(|| unknown(name, target))?;
            if !server.shelves.reach(repository).manifests.contains_key(&digest) {
                return Err(unknown(name, target));
            }
            if let Some(index) = parent(server, repository, &digest)? {
                let why = format!("the index {index} of the repository needs this manifest: delete that first");
                return Err(Refusal::because(Code::Denied, why)
                    .status(StatusCode::METHOD_NOT_ALLOWED)
                    .header(ALLOW, "GET, HEAD, PUT"));
            }
            store.update(|catalog| {
                let leads = catalog.leading_to(&digest).filter_map(|entry| entry.name.clone());
                let is_named = leads.filter(|name: &Reference| name.name() == stored.name()).count() > 0;
                store.delete_manifest(&server.links, catalog, &stored, &digest, SystemTime::now())?;
                Ok::<_, Error>(is_named)
            })??
        }
    };
    if !was_there {
        return Err(unknown(name, target));
    }
    turn.tell(asked, Action::Delete, || match target {
        Target::Tag(tag) => notify::Target::tag(name, tag),
        Target::Digest(digest) => notify::Target::digest(name, digest),
    })?;
    Ok(Answer::new(StatusCode::ACCEPTED))
}

/// A manifest that was pulled, as others are told of it.
fn told(name: &RepositoryName, descriptor: &Descriptor, digest: &AnyDigest, target: &Target) -> notify::Target {
    let tag = if let Target::Tag(tag) = target { Some(tag.as_str()) } else { None };
    notify::Target::manifest(name, descriptor, digest, tag)
}

/// An index of the repository that lists a manifest.
fn parent(server: &Server, repository: &Repository, digest: &Digest) -> Result<Option<Digest>, Refusal> {
    let store = server.store();
    for descriptor in server.shelves.reach(repository).manifests.values() {
        let parts = server.shelves.parts(descriptor);
        for need in parts.iter().flat_map(|parts| &parts.manifests) {
            if need.digest.in_store(&store)? == Some(*digest) {
                return Ok(Some(descriptor.digest));
            }
        }
    }
    Ok(None)
}

pub(in crate::serve) fn unknown(name: &RepositoryName, target: &Target) -> Refusal {
    let reference = match target {
        Target::Tag(tag) => json!({"name": name.as_str(), "Tag": tag}),
        Target::Digest(digest) => json!({"name": name.as_str(), "Digest": digest.to_string()}),
    };
    Refusal::new(Code::ManifestUnknown).detail(reference)
}
