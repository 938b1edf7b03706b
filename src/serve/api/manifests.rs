//! Manifests: images, indexes and artifacts, by tag or by digest.

use std::sync::Arc;

use hyper::StatusCode;
use hyper::header::{CONTENT_TYPE, ETAG, HeaderName, LOCATION};
use serde_json::json;

use super::{CONTENT_DIGEST, blobs, body, lists, ranges};
use crate::image::BlobSource as _;
use crate::layer::Limits;
use crate::oci::strict::MAX_DOCUMENT;
use crate::oci::{Descriptor, Digest, MediaType, Reference};
use crate::serve::answer::{Answer, Content};
use crate::serve::any_digest::AnyDigest;
use crate::serve::asked::Asked;
use crate::serve::incoming::Incoming;
use crate::serve::manifest::Parts;
use crate::serve::refusal::{Code, Refusal};
use crate::serve::repository::RepositoryName;
use crate::serve::route::Target;
use crate::serve::server::{Server, blocking};
use crate::store::{Error, Quarantine};

/// Tells the client that the subject of its manifest was understood.
const SUBJECT: HeaderName = HeaderName::from_static("oci-subject");

/// `GET` and `HEAD /v2/NAME/manifests/REFERENCE`
pub(in crate::serve) fn get(
    server: &Server,
    asked: &Asked,
    name: &RepositoryName,
    target: &Target,
) -> Result<Answer, Refusal> {
    let shelf = server.shelves.now()?;
    let repository = shelf.find(name).ok_or_else(|| unknown(name, target))?;
    let found = match target {
        Target::Tag(tag) => repository.tags.get(tag),
        Target::Digest(AnyDigest::Sha256(digest)) => server.shelves.reach(repository).manifests.get(digest),
        Target::Digest(AnyDigest::Sha512(_)) => None,
    };
    let descriptor = found.ok_or_else(|| unknown(name, target))?;
    let blob = server.store().open_blob(descriptor).map_err(|error| Refusal::broken(&error))?;
    let blob = blob.ok_or_else(|| unknown(name, target))?;
    let etag = format!("\"{}\"", descriptor.digest);
    let answer = Answer::new(StatusCode::OK)
        .header(CONTENT_TYPE, descriptor.media_type.as_str())
        .header(CONTENT_DIGEST, descriptor.digest.to_string())
        .header(ETAG, &etag);
    if ranges::is_known(asked, &etag) {
        return Ok(Answer { status: StatusCode::NOT_MODIFIED, ..answer });
    }
    let bytes = blob.read_all(MAX_DOCUMENT as u64)?;
    Ok(answer.content(Content::Bytes(bytes.into())))
}

/// `PUT /v2/NAME/manifests/REFERENCE`
pub(in crate::serve) async fn put(
    server: &Arc<Server>,
    asked: &Arc<Asked>,
    name: RepositoryName,
    target: Target,
    body: Incoming,
) -> Result<Answer, Refusal> {
    let too_large = || {
        Refusal::because(Code::ManifestInvalid, "the manifest has more than 4 MiB")
            .status(StatusCode::PAYLOAD_TOO_LARGE)
    };
    let bytes = body::whole(body, MAX_DOCUMENT, too_large).await?;
    blocking(server, asked, move |server, asked| keep(server, asked, &name, &target, &bytes)).await
}

fn keep(
    server: &Server,
    asked: &Asked,
    name: &RepositoryName,
    target: &Target,
    bytes: &[u8],
) -> Result<Answer, Refusal> {
    let invalid = |why: String| Refusal::because(Code::ManifestInvalid, why);
    let stored = name.in_store().ok_or_else(|| Refusal::new(Code::NameInvalid))?;
    let parts = Parts::parse(bytes).map_err(invalid)?;
    let digest = Digest::of(bytes);
    if let Target::Digest(AnyDigest::Sha256(wanted)) = target
        && *wanted != digest
    {
        return Err(Refusal::new(Code::DigestInvalid).detail(json!({"digest": digest})));
    }
    let media_type = media_type(asked, &parts).map_err(invalid)?;
    let missing: Vec<_> = missing(server, name, &parts)?;
    if !missing.is_empty() {
        return Err(Refusal::new(Code::ManifestBlobUnknown).detail(json!(missing)));
    }
    let descriptor = Descriptor::new(media_type, digest, bytes.len() as u64);
    publish(server, &stored, target, &descriptor, bytes)?;
    let answer = Answer::new(StatusCode::CREATED)
        .header(LOCATION, format!("/v2/{name}/manifests/{digest}"))
        .header(CONTENT_DIGEST, digest.to_string());
    Ok(match &parts.subject {
        Some(subject) => answer.header(SUBJECT, subject.to_string()),
        None => answer,
    })
}

/// The media type of a manifest: what it says itself, or the header.
fn media_type(asked: &Asked, parts: &Parts) -> Result<MediaType, String> {
    let header = asked.header(CONTENT_TYPE).unwrap_or_default();
    let header = header.split(';').next().unwrap_or_default().trim();
    let own = parts.media_type.as_ref().map(MediaType::as_str);
    match (own, header) {
        (Some(own), "" | "application/json" | "application/octet-stream") => Ok(MediaType::from(own.to_owned())),
        (Some(own), header) if own != header => {
            Err(format!("the manifest says that it is {own}, and the header Content-Type says {header}"))
        }
        (_, "") => Err("there is no header Content-Type, and the manifest does not say its type".to_owned()),
        (_, header) => Ok(MediaType::from(header.to_owned())),
    }
}

/// What a manifest needs and the repository does not have.
fn missing(server: &Server, name: &RepositoryName, parts: &Parts) -> Result<Vec<serde_json::Value>, Refusal> {
    let mut missing = Vec::new();
    for need in parts.blobs.iter().chain(&parts.manifests).filter(|need| !need.is_elsewhere) {
        if blobs::find(server, name, &need.digest)?.is_none() {
            missing.push(json!({"digest": need.digest.to_string()}));
        }
    }
    Ok(missing)
}

/// Keeps the manifest under its name. What the name led to keeps a name by digest, until it is collected.
fn publish(
    server: &Server,
    stored: &Reference,
    target: &Target,
    descriptor: &Descriptor,
    bytes: &[u8],
) -> Result<(), Refusal> {
    let by_digest = |digest: &Digest| stored.with_digest(*digest);
    let name = match target {
        Target::Tag(tag) => stored.with_tag(tag).map_err(|error| Refusal::broken(&error))?,
        Target::Digest(_) => by_digest(&descriptor.digest),
    };
    let quarantine = Quarantine::new(&server.store(), Limits::default())?;
    quarantine.keep_bytes(bytes)?;
    let published = quarantine.publish(|catalog| {
        let old = catalog.tag(&name, descriptor, true);
        if let Some(old) = old {
            catalog.tag(&by_digest(&old.from.digest), &old.from, true);
        }
        Ok::<_, Error>(())
    });
    Ok(published??)
}

/// `DELETE /v2/NAME/manifests/REFERENCE`
pub(in crate::serve) fn delete(server: &Server, name: &RepositoryName, target: &Target) -> Result<Answer, Refusal> {
    let shelf = server.shelves.now()?;
    let repository = shelf.find(name).ok_or_else(|| lists::unknown(name))?;
    let stored = name.in_store().ok_or_else(|| lists::unknown(name))?;
    let store = server.store();
    match target {
        Target::Tag(tag) => {
            let descriptor = repository.tags.get(tag).ok_or_else(|| unknown(name, target))?;
            let tagged = stored.with_tag(tag).map_err(|error| Refusal::broken(&error))?;
            store.update(|catalog| {
                catalog.tag(&stored.with_digest(descriptor.digest), descriptor, true);
                catalog.untag_all(&[tagged]);
                Ok::<_, Error>(())
            })??;
        }
        Target::Digest(AnyDigest::Sha256(digest)) => {
            if !server.shelves.reach(repository).manifests.contains_key(digest) {
                return Err(unknown(name, target));
            }
            store.update(|catalog| {
                let leads = catalog.leading_to(digest).filter_map(|entry| entry.name.clone());
                let names: Vec<Reference> = leads.filter(|name| name.name() == stored.name()).collect();
                catalog.untag_all(&names);
                Ok::<_, Error>(())
            })??;
        }
        Target::Digest(AnyDigest::Sha512(_)) => return Err(unknown(name, target)),
    }
    Ok(Answer::new(StatusCode::ACCEPTED))
}

fn unknown(name: &RepositoryName, target: &Target) -> Refusal {
    let reference = match target {
        Target::Tag(tag) => json!({"name": name.as_str(), "Tag": tag}),
        Target::Digest(digest) => json!({"name": name.as_str(), "Digest": digest.to_string()}),
    };
    Refusal::new(Code::ManifestUnknown).detail(reference)
}
