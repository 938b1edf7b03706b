//! Blobs: layers, configs, and what else manifests need.

use std::time::SystemTime;

use hyper::StatusCode;
use hyper::header::{ALLOW, CONTENT_TYPE, ETAG};
use serde_json::json;

use super::CONTENT_DIGEST;
use super::ranges::{self, Wanted};
use crate::image::BlobSource as _;
use crate::oci::{Descriptor, Digest, MediaType};
use crate::serve::answer::{Answer, Content};
use crate::serve::any_digest::AnyDigest;
use crate::serve::asked::Asked;
use crate::serve::notify::{Action, Target};
use crate::serve::refusal::{Code, Refusal};
use crate::serve::repository::RepositoryName;
use crate::serve::server::Server;
use crate::serve::settings::Right;
use crate::serve::shelf::canonical;

/// `GET` and `HEAD /v2/NAME/blobs/DIGEST`
pub(in crate::serve) fn get(
    server: &Server,
    asked: &Asked,
    name: &RepositoryName,
    digest: &AnyDigest,
) -> Result<Answer, Refusal> {
    let found = find(server, name, digest)?.ok_or_else(|| unknown(digest))?;
    if asked.is_head() && !count_on(server, name, &found) {
        return Err(unknown(digest));
    }
    let blob = server.store().open_blob(&Descriptor::new(MediaType::default(), found, 0));
    let blob = blob.map_err(|error| Refusal::broken(&error))?.ok_or_else(|| unknown(digest))?;
    let etag = format!("\"{digest}\"");
    let answer = Answer::new(StatusCode::OK)
        .header(CONTENT_TYPE, "application/octet-stream")
        .header(CONTENT_DIGEST, digest.to_string())
        .header(ETAG, &etag);
    if ranges::is_known(asked, &etag) {
        return Ok(Answer { status: StatusCode::NOT_MODIFIED, ..answer });
    }
    let Some((file, offset)) = blob.as_range()? else { return Err(unknown(digest)) };
    let Wanted { status, start, length, header } = ranges::wanted(asked, &etag, blob.size())?;
    let answer = Answer { status, ..answer }.content(Content::File { file, offset: offset + start, length });
    Ok(header.into_iter().fold(answer, |answer, (name, value)| answer.header(name, value)))
}

/// `DELETE /v2/NAME/blobs/DIGEST`: only what no manifest needs.
pub(in crate::serve) fn delete(
    server: &Server,
    asked: &Asked,
    name: &RepositoryName,
    digest: &AnyDigest,
) -> Result<Answer, Refusal> {
    let found = find(server, name, digest)?.ok_or_else(|| unknown(digest))?;
    if is_needed(server, name, &found)? {
        let why = "a manifest of the repository needs this blob: delete that first";
        return Err(Refusal::because(Code::Denied, why)
            .status(StatusCode::METHOD_NOT_ALLOWED)
            .header(ALLOW, "GET, HEAD"));
    }
    let turn = server.events.turn();
    server.store().drop_claim(owner(name).as_str(), &found)?;
    turn.tell(asked, Action::Delete, || Target::digest(name, digest))?;
    Ok(Answer::new(StatusCode::ACCEPTED))
}

/// The blob of that digest in a repository: one that its manifests need, or that was uploaded to it.
pub(in crate::serve) fn find(
    server: &Server,
    name: &RepositoryName,
    digest: &AnyDigest,
) -> Result<Option<Digest>, Refusal> {
    let store = server.store();
    let Some(digest) = digest.in_store(&store)? else { return Ok(None) };
    let is_here = is_needed(server, name, &digest)? || store.has_claim(owner(name).as_str(), &digest);
    Ok((is_here && store.has_blob(&digest)).then_some(digest))
}

/// The blob of that digest, if a manifest of any repository needs it or it was uploaded to any.
pub(super) fn find_anywhere(server: &Server, asked: &Asked, digest: &AnyDigest) -> Result<Option<Digest>, Refusal> {
    let store = server.store();
    let Some(digest) = digest.in_store(&store)? else { return Ok(None) };
    if !store.has_blob(&digest) {
        return Ok(None);
    }
    let shelf = server.shelves.now()?;
    let is_needed = shelf.repositories.iter().any(|(name, repository)| {
        if !server.access.may(&asked.who, Right::Pull, name) {
            return false;
        }
        let reach = server.shelves.reach(repository);
        reach.blobs.contains_key(&digest) || reach.manifests.contains_key(&digest)
    });
    // A claim does not say in words whose it is.
    Ok((is_needed || !server.access.is_locked() && store.is_claimed(&digest)?).then_some(digest))
}

/// Whether a manifest of the repository needs a blob, or is it.
fn is_needed(server: &Server, name: &RepositoryName, digest: &Digest) -> Result<bool, Refusal> {
    let shelf = server.shelves.now()?;
    Ok(shelf.find(name).is_some_and(|repository| {
        let reach = server.shelves.reach(repository);
        reach.blobs.contains_key(digest) || reach.manifests.contains_key(digest)
    }))
}

/// Lets a client count on a blob or a manifest that it is told to be there: whoever asks only whether it is may push
/// what needs it. Returns whether it is still there. Where nothing can be written, nobody can push.
pub(super) fn count_on(server: &Server, name: &RepositoryName, digest: &Digest) -> bool {
    if server.settings.read_only {
        return true;
    }
    server.store().claim_again(owner(name).as_str(), digest, SystemTime::now()).unwrap_or(true)
}

/// Who claims the blobs of a repository: its one name.
pub(in crate::serve) fn owner(name: &RepositoryName) -> RepositoryName {
    canonical(name).unwrap_or_else(|| name.clone())
}

pub(in crate::serve) fn unknown(digest: &AnyDigest) -> Refusal {
    Refusal::new(Code::BlobUnknown).detail(json!({"digest": digest.to_string()}))
}
