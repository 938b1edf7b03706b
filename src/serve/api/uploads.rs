//! Uploads of blobs: in one request, in two, or in many.

use std::sync::Arc;
use std::time::SystemTime;

use http_body::Body as _;
use hyper::StatusCode;
use hyper::header::{CONTENT_RANGE, HeaderName, LOCATION, RANGE};
use serde_json::json;

use super::{CONTENT_DIGEST, blobs, body};
use crate::oci::Digest;
use crate::serve::answer::Answer;
use crate::serve::any_digest::AnyDigest;
use crate::serve::asked::Asked;
use crate::serve::incoming::Incoming;
use crate::serve::notify::{Action, Target};
use crate::serve::refusal::{Code, Refusal};
use crate::serve::repository::RepositoryName;
use crate::serve::server::{Server, blocking};
use crate::serve::settings::Right;
use crate::serve::uploads::{Session, Uploads};
use crate::store::CLAIM;

/// The ID of an upload.
const UPLOAD_ID: HeaderName = HeaderName::from_static("docker-upload-uuid");

/// `POST /v2/NAME/blobs/uploads/`: begins an upload, mounts a blob, or takes one whole.
pub(in crate::serve) async fn begin(
    server: &Arc<Server>,
    asked: &Arc<Asked>,
    name: RepositoryName,
    mut body: Incoming,
) -> Result<Answer, Refusal> {
    let (digest, mount) = match beginning(asked, &name) {
        Ok(digests) => digests,
        Err(refusal) => {
            body::drain(asked, &mut body).await;
            return Err(refusal);
        }
    };
    let (shared, request, owner) = (Arc::clone(server), Arc::clone(asked), name.clone());
    let work = move || match mount.map_or(Ok(None), |digest| mounted(&shared, &request, &owner, &digest))? {
        Some(answer) => Ok(Err(answer)),
        None => shared.uploads.begin(&shared.store(), &request, &owner).map(Ok),
    };
    let begun = tokio::task::spawn_blocking(work).await.unwrap_or_else(|panic| Err(Refusal::broken(&panic)))?;
    let id = match begun {
        Ok(id) => id,
        Err(mounted) => return Ok(mounted),
    };
    let Some(digest) = digest else { return Ok(accepted(StatusCode::ACCEPTED, &name, &id, 0)) };
    let kept = take_whole(server, asked, &name, &id, digest, body).await;
    if kept.is_err() {
        // The client does not know of the upload.
        blocking(server, asked, move |server, asked| cancel(server, asked, &name, &id)).await.ok();
    }
    kept
}

/// What a blob must be that comes with the request, and what is to be mounted.
fn beginning(asked: &Asked, name: &RepositoryName) -> Result<(Option<AnyDigest>, Option<AnyDigest>), Refusal> {
    if name.in_store().is_none() {
        return Err(Refusal::new(Code::NameInvalid).detail(json!({"name": name.as_str()})));
    }
    if let Some(algorithm) = asked.parameter("digest-algorithm")
        && !matches!(algorithm, "sha256" | "sha512")
    {
        return Err(Refusal::because(Code::DigestInvalid, "the digest algorithm is not sha256 or sha512"));
    }
    let digest = asked.parameter("digest").map(parse_digest).transpose()?;
    // What cannot be mounted, since it is no digest either, is uploaded.
    Ok((digest, asked.parameter("mount").and_then(|text| text.parse().ok())))
}

/// Gives a repository a blob that another one has, or any if none is named; nothing, if it does not have it.
fn mounted(
    server: &Server,
    asked: &Asked,
    name: &RepositoryName,
    digest: &AnyDigest,
) -> Result<Option<Answer>, Refusal> {
    let from = asked.parameter("from").map(RepositoryName::parse);
    let found = match &from {
        // What one may not read is as if it were not there.
        Some(Some(from)) if !server.access.may(&asked.who, Right::Pull, from) => None,
        Some(Some(from)) => blobs::find(server, from, digest)?,
        Some(None) => None,
        None => blobs::find_anywhere(server, asked, digest)?,
    };
    let Some(found) = found else { return Ok(None) };
    let is_there = server.store().claim(blobs::owner(name).as_str(), &found, SystemTime::now() + CLAIM)?;
    if !is_there {
        return Ok(None);
    }
    let size = server.store().blob_size(&found).unwrap_or_default();
    let target = || Target::blob(name, digest, size).mounted(from.flatten().as_ref());
    server.events.turn().tell(asked, Action::Mount, target)?;
    Ok(Some(created(name, digest)))
}

/// `PATCH /v2/NAME/blobs/uploads/ID`
pub(in crate::serve) async fn append(
    server: &Arc<Server>,
    asked: &Arc<Asked>,
    name: RepositoryName,
    id: String,
    body: Incoming,
) -> Result<Answer, Refusal> {
    let session = receive(server, asked, &name, &id, body).await?;
    Ok(accepted(StatusCode::ACCEPTED, &name, &id, session.size()))
}

/// `PUT /v2/NAME/blobs/uploads/ID?digest=DIGEST`
pub(in crate::serve) async fn finish(
    server: &Arc<Server>,
    asked: &Arc<Asked>,
    name: RepositoryName,
    id: String,
    mut body: Incoming,
) -> Result<Answer, Refusal> {
    match parse_digest(asked.parameter("digest").unwrap_or_default()) {
        Ok(digest) => take_whole(server, asked, &name, &id, digest, body).await,
        Err(refusal) => {
            body::drain(asked, &mut body).await;
            Err(refusal)
        }
    }
}

/// Receives the rest of an upload, which becomes a blob of the repository. If it is another one than its digest says, the
/// upload is over, as the specification has it for all answers of 4xx but 416.
async fn take_whole(
    server: &Arc<Server>,
    asked: &Arc<Asked>,
    name: &RepositoryName,
    id: &str,
    wanted: AnyDigest,
    body: Incoming,
) -> Result<Answer, Refusal> {
    let session = receive(server, asked, name, id, body).await?;
    let name = name.clone();
    blocking(server, asked, move |server, asked| {
        let size = session.size();
        keep(server, session, &name, &wanted)?;
        server.events.turn().tell(asked, Action::Push, || Target::blob(&name, &wanted, size))?;
        Ok(created(&name, &wanted))
    })
    .await
}

fn keep(server: &Server, mut session: Session, name: &RepositoryName, wanted: &AnyDigest) -> Result<(), Refusal> {
    let store = server.store();
    let incoming = session.open(&store)?;
    let found = match wanted {
        AnyDigest::Sha256(_) => AnyDigest::Sha256(incoming.arrived().digest()),
        AnyDigest::Sha512(_) => AnyDigest::sha512_of(|into, offset| incoming.read_at(into, offset))?,
    };
    if found != *wanted {
        incoming.discard()?;
        session.end();
        return Err(Refusal::new(Code::DigestInvalid).detail(json!({"digest": wanted.to_string()})));
    }
    let digest: Digest = incoming.keep(blobs::owner(name).as_str(), SystemTime::now() + CLAIM)?;
    session.end();
    if let AnyDigest::Sha512(hex) = wanted {
        store.add_alias(hex, &digest)?;
    }
    Ok(())
}

/// `GET /v2/NAME/blobs/uploads/ID`
pub(in crate::serve) fn status(
    server: &Server,
    asked: &Asked,
    name: &RepositoryName,
    id: &str,
) -> Result<Answer, Refusal> {
    let size = Uploads::size(&server.store(), asked, name, id)?;
    Ok(accepted(StatusCode::NO_CONTENT, name, id, size))
}

/// `DELETE /v2/NAME/blobs/uploads/ID`
pub(in crate::serve) fn cancel(
    server: &Server,
    asked: &Asked,
    name: &RepositoryName,
    id: &str,
) -> Result<Answer, Refusal> {
    let store = server.store();
    let mut session = server.uploads.take(&store, asked, name, id)?;
    session.open(&store)?.discard()?;
    session.end();
    Ok(Answer::new(StatusCode::NO_CONTENT))
}

/// Appends a body to an upload. What has arrived of one that breaks stays.
async fn receive(
    server: &Arc<Server>,
    asked: &Arc<Asked>,
    name: &RepositoryName,
    id: &str,
    mut body: Incoming,
) -> Result<Session, Refusal> {
    let (taken, request, repository, upload) = (Arc::clone(server), Arc::clone(asked), name.clone(), id.to_owned());
    let taking =
        tokio::task::spawn_blocking(move || taken.uploads.take(&taken.store(), &request, &repository, &upload));
    let taken = match taking.await.unwrap_or_else(|panic| Err(Refusal::broken(&panic))) {
        Ok(session) => check_range(asked, name, id, &session, body.size_hint().exact()).map(|()| session),
        Err(refusal) => Err(refusal),
    };
    let mut session = match taken {
        Ok(session) => session,
        Err(refusal) => {
            body::drain(asked, &mut body).await;
            return Err(refusal);
        }
    };
    loop {
        let mut gathered = Vec::new();
        let more = body::gather(&mut body, &mut gathered).await;
        if !gathered.is_empty() {
            let server = Arc::clone(server);
            let appending = tokio::task::spawn_blocking(move || {
                let appended = session.append(&server.store(), &gathered);
                (session, appended)
            });
            let appended;
            (session, appended) = appending.await.map_err(|panic| Refusal::broken(&panic))?;
            appended?;
        }
        if !more? {
            return Ok(session);
        }
    }
}

/// Refuses a chunk that does not begin where the upload is, or is not as long as its range.
fn check_range(
    asked: &Asked,
    name: &RepositoryName,
    id: &str,
    session: &Session,
    length: Option<u64>,
) -> Result<(), Refusal> {
    let Some(range) = asked.header(CONTENT_RANGE) else { return Ok(()) };
    let range = parse_range(range);
    if range.is_none_or(|(start, _)| start != session.size()) {
        let at = accepted(StatusCode::RANGE_NOT_SATISFIABLE, name, id, session.size());
        return Err(at.headers.iter().fold(Refusal::new(Code::RangeInvalid), |refusal, (name, value)| {
            refusal.header(name.clone(), value.to_str().unwrap_or_default())
        }));
    }
    let is_as_long = range.is_none_or(|(start, end)| length.is_none_or(|length| length == end - start + 1));
    if !is_as_long {
        return Err(Refusal::because(Code::SizeInvalid, "the body is not as long as Content-Range says"));
    }
    Ok(())
}

/// The first and the last byte of a `Content-Range` as uploads have it: `0-1023`. Some clients write it as HTTP does:
/// `bytes 0-1023/*`.
fn parse_range(range: &str) -> Option<(u64, u64)> {
    let range = range.trim();
    let range = range.strip_prefix("bytes").map_or(range, |rest| rest.trim_start_matches([' ', '=']));
    let (start, end) = range.split('/').next()?.split_once('-')?;
    let number = |text: &str| text.parse::<u64>().ok().filter(|_| text.bytes().all(|byte| byte.is_ascii_digit()));
    let (start, end) = (number(start)?, number(end)?);
    (start <= end && end < u64::MAX).then_some((start, end))
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_of_chunks() {
        assert_eq!(parse_range("0-1023"), Some((0, 1023)));
        assert_eq!(parse_range("bytes 5-6/*"), Some((5, 6)));
        assert_eq!(parse_range("bytes=5-6"), Some((5, 6)));
        for wrong in
            ["", "0", "-", "0-", "-5", "6-5", "+0-5", "0-18446744073709551615", "0-99999999999999999999", "a-b"]
        {
            assert_eq!(parse_range(wrong), None, "{wrong}");
        }
    }
}
