//! Uploads of blobs: in one request, in two, or in many.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use hyper::StatusCode;
use hyper::header::{CONTENT_RANGE, HeaderName, LOCATION, RANGE};
use serde_json::json;

use super::{CONTENT_DIGEST, blobs, body};
use crate::serve::answer::Answer;
use crate::serve::any_digest::AnyDigest;
use crate::serve::asked::Asked;
use crate::serve::incoming::Incoming;
use crate::serve::refusal::{Code, Refusal};
use crate::serve::repository::RepositoryName;
use crate::serve::server::{Server, blocking};
use crate::store::IncomingBlob;

/// The ID of an upload.
const UPLOAD_ID: HeaderName = HeaderName::from_static("docker-upload-uuid");
/// How long a blob waits for the manifest that needs it.
const CLAIM: Duration = Duration::from_secs(24 * 60 * 60);
/// How many bytes are gathered before they are hashed and written, on a thread that may block.
const GATHER: usize = 256 << 10;

/// `POST /v2/NAME/blobs/uploads/`: begins an upload, mounts a blob, or takes one whole.
pub(in crate::serve) async fn begin(
    server: &Arc<Server>,
    asked: &Arc<Asked>,
    name: RepositoryName,
    body: Incoming,
) -> Result<Answer, Refusal> {
    if name.in_store().is_none() {
        return Err(Refusal::new(Code::NameInvalid).detail(json!({"name": name.as_str()})));
    }
    if let (Some(mount), Some(from)) = (asked.parameter("mount"), asked.parameter("from")) {
        let (mount, from) = (parse_digest(mount)?, RepositoryName::parse(from));
        let (server, target) = (Arc::clone(server), name.clone());
        let mounted = tokio::task::spawn_blocking(move || self::mount(&server, &target, from.as_ref(), &mount)).await;
        if let Some(answer) = mounted.unwrap_or_else(|panic| Err(Refusal::broken(&panic)))? {
            return Ok(answer);
        }
    }
    let begun = Arc::clone(server);
    let owner = name.clone();
    let id = tokio::task::spawn_blocking(move || begun.uploads.begin(&begun.store(), &owner)).await;
    let id = id.unwrap_or_else(|panic| Err(Refusal::broken(&panic)))?;
    if asked.parameter("digest").is_some() {
        return finish(server, asked, name, id, body).await;
    }
    Ok(accepted(StatusCode::ACCEPTED, &name, &id, 0))
}

/// Gives a repository a blob that another one has; nothing, if that does not have it.
fn mount(
    server: &Server,
    name: &RepositoryName,
    from: Option<&RepositoryName>,
    digest: &AnyDigest,
) -> Result<Option<Answer>, Refusal> {
    let Some(from) = from else { return Ok(None) };
    let Some(found) = blobs::find(server, from, digest)? else { return Ok(None) };
    let is_there = server.store().claim(blobs::owner(name).as_str(), &found, SystemTime::now() + CLAIM)?;
    Ok(is_there.then(|| created(name, digest)))
}

/// `PATCH /v2/NAME/blobs/uploads/ID`
pub(in crate::serve) async fn append(
    server: &Arc<Server>,
    asked: &Arc<Asked>,
    name: RepositoryName,
    id: String,
    body: Incoming,
) -> Result<Answer, Refusal> {
    let incoming = receive(server, asked, &name, &id, body).await?;
    let size = incoming.arrived().size();
    server.uploads.remember(&id, incoming.arrived().clone());
    Ok(accepted(StatusCode::ACCEPTED, &name, &id, size))
}

/// `PUT /v2/NAME/blobs/uploads/ID?digest=DIGEST`
pub(in crate::serve) async fn finish(
    server: &Arc<Server>,
    asked: &Arc<Asked>,
    name: RepositoryName,
    id: String,
    body: Incoming,
) -> Result<Answer, Refusal> {
    let wanted = parse_digest(asked.parameter("digest").unwrap_or_default())?;
    let incoming = receive(server, asked, &name, &id, body).await?;
    blocking(server, asked, move |_, _| {
        let AnyDigest::Sha256(digest) = wanted else {
            return Err(Refusal::because(Code::DigestInvalid, "only sha256 is taken"));
        };
        if incoming.arrived().digest() != digest {
            incoming.discard()?;
            return Err(Refusal::new(Code::DigestInvalid).detail(json!({"digest": digest})));
        }
        incoming.keep(blobs::owner(&name).as_str(), SystemTime::now() + CLAIM)?;
        Ok(created(&name, &wanted))
    })
    .await
}

/// `GET /v2/NAME/blobs/uploads/ID`
pub(in crate::serve) fn status(server: &Server, name: &RepositoryName, id: &str) -> Result<Answer, Refusal> {
    let incoming = server.uploads.open(&server.store(), name, id)?;
    server.uploads.remember(id, incoming.arrived().clone());
    Ok(accepted(StatusCode::NO_CONTENT, name, id, incoming.arrived().size()))
}

/// `DELETE /v2/NAME/blobs/uploads/ID`
pub(in crate::serve) fn cancel(server: &Server, name: &RepositoryName, id: &str) -> Result<Answer, Refusal> {
    server.uploads.open(&server.store(), name, id)?.discard()?;
    Ok(Answer::new(StatusCode::NO_CONTENT))
}

/// Appends a body to an upload. What has arrived of one that breaks stays.
async fn receive(
    server: &Arc<Server>,
    asked: &Arc<Asked>,
    name: &RepositoryName,
    id: &str,
    mut body: Incoming,
) -> Result<IncomingBlob, Refusal> {
    let (opened, repository, upload) = (Arc::clone(server), name.clone(), id.to_owned());
    let opening = tokio::task::spawn_blocking(move || opened.uploads.open(&opened.store(), &repository, &upload));
    let mut incoming = opening.await.unwrap_or_else(|panic| Err(Refusal::broken(&panic)))?;
    let size = incoming.arrived().size();
    if let Some(range) = asked.header(CONTENT_RANGE)
        && start_of(range) != Some(size)
    {
        server.uploads.remember(id, incoming.arrived().clone());
        let at = accepted(StatusCode::RANGE_NOT_SATISFIABLE, name, id, size);
        return Err(at.headers.iter().fold(Refusal::new(Code::RangeInvalid), |refusal, (name, value)| {
            refusal.header(name.clone(), value.to_str().unwrap_or_default())
        }));
    }
    let mut gathered = Vec::new();
    loop {
        let next = body::next(&mut body).await;
        let (is_last, broken) = match next {
            Ok(Some(bytes)) => {
                gathered.extend_from_slice(&bytes);
                (false, None)
            }
            Ok(None) => (true, None),
            Err(refusal) => (true, Some(refusal)),
        };
        if gathered.len() >= GATHER || is_last && !gathered.is_empty() {
            let bytes = std::mem::take(&mut gathered);
            let appending = tokio::task::spawn_blocking(move || {
                let appended = incoming.append(&bytes);
                (incoming, appended)
            });
            let appended;
            (incoming, appended) = appending.await.map_err(|panic| Refusal::broken(&panic))?;
            appended?;
        }
        match (is_last, broken) {
            (_, Some(refusal)) => {
                server.uploads.remember(id, incoming.arrived().clone());
                return Err(refusal);
            }
            (true, None) => return Ok(incoming),
            (false, None) => {}
        }
    }
}

/// Where a `Content-Range` of the form `START-END` begins.
fn start_of(range: &str) -> Option<u64> {
    let range = range.trim().trim_start_matches("bytes").trim_start_matches([' ', '=']);
    range.split(['-', '/']).next()?.trim().parse().ok()
}

fn parse_digest(text: &str) -> Result<AnyDigest, Refusal> {
    text.parse().map_err(|_| {
        let shown: String = text.chars().take(200).collect();
        Refusal::because(Code::DigestInvalid, "the digest is not one of sha256 or sha512")
            .detail(json!({"digest": shown}))
    })
}

fn accepted(status: StatusCode, name: &RepositoryName, id: &str, size: u64) -> Answer {
    Answer::new(status)
        .header(LOCATION, format!("/v2/{name}/blobs/uploads/{id}"))
        .header(RANGE, format!("0-{}", size.saturating_sub(1)))
        .header(UPLOAD_ID, id)
}

fn created(name: &RepositoryName, digest: &AnyDigest) -> Answer {
    Answer::new(StatusCode::CREATED)
        .header(LOCATION, format!("/v2/{name}/blobs/{digest}"))
        .header(CONTENT_DIGEST, digest.to_string())
}
