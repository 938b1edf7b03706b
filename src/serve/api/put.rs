//! Manifests that are pushed: checked, and published under their tags or their digest.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::SystemTime;

use hyper::StatusCode;
use hyper::header::{CONTENT_TYPE, HeaderName, LOCATION};
use serde_json::{Value, json};

use super::{CONTENT_DIGEST, blobs, body};
use crate::image::MAX_INDEX_DEPTH;
use crate::layer::Limits;
use crate::oci::strict::MAX_DOCUMENT;
use crate::oci::{ANNOTATION_DIGEST, Descriptor, Digest, Reference};
use crate::serve::answer::Answer;
use crate::serve::any_digest::AnyDigest;
use crate::serve::asked::Asked;
use crate::serve::incoming::Incoming;
use crate::serve::manifest::Parts;
use crate::serve::notify::{self, Action};
use crate::serve::refusal::{Code, Refusal};
use crate::serve::repository::RepositoryName;
use crate::serve::route::Target;
use crate::serve::server::{Server, blocking};
use crate::store::{Catalog, Error, Quarantine};

/// Tells the client that the subject of its manifest was understood.
const SUBJECT: HeaderName = HeaderName::from_static("oci-subject");
/// Tells the client which of the tags that it asked for were given.
const TAGS: HeaderName = HeaderName::from_static("oci-tag");
/// The most tags that one request gives.
const MAX_TAGS: usize = 100;
/// How many missing blobs a client is told of.
const MAX_MISSING: usize = 100;
/// The most blobs and manifests that one manifest may lead to, if it names any by SHA-512.
const MAX_NEEDS: usize = 500_000;

/// A manifest that is to be published.
struct Pushed {
    descriptor: Descriptor,
    parts: Parts,
    /// All that it leads to, if it names anything by SHA-512.
    needs: Option<BTreeSet<Digest>>,
    /// What of all that it leads to is there, and must still be when it is published.
    counted: Vec<Digest>,
    /// Those of it that are manifests.
    children: Vec<Digest>,
}

/// `PUT /v2/NAME/manifests/REFERENCE`, and with `?tag=TAG` under further tags.
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
    let bytes = body::whole(asked, body, MAX_DOCUMENT, too_large).await?;
    blocking(server, asked, move |server, asked| keep(server, asked, &name, &target, &bytes)).await
}

fn keep(
    server: &Server,
    asked: &Asked,
    name: &RepositoryName,
    target: &Target,
    bytes: &[u8],
) -> Result<Answer, Refusal> {
    let stored = name.in_store().ok_or_else(|| Refusal::new(Code::NameInvalid))?;
    let digest = named(target, bytes)?;
    let tags = tags(asked, target)?;
    let pushed = check(server, asked, name, bytes)?;
    let turn = server.events.turn();
    publish(server, &stored, &tags, &digest, &pushed, bytes)?;
    if let AnyDigest::Sha512(hex) = &digest {
        server.store().add_alias(hex, &pushed.descriptor.digest)?;
    }
    turn.tell_all(asked, Action::Push, || told(name, &tags, &digest, &pushed))?;
    let answer = Answer::new(StatusCode::CREATED)
        .header(LOCATION, format!("/v2/{name}/manifests/{digest}"))
        .header(CONTENT_DIGEST, digest.to_string());
    let answer = match &pushed.parts.subject {
        Some(subject) => answer.header(SUBJECT, subject.to_string()),
        None => answer,
    };
    Ok(if asked.parameter("tag").is_some() { answer.header(TAGS, tags.join(", ")) } else { answer })
}

/// What was pushed, as others are told of it: once for each tag.
fn told(name: &RepositoryName, tags: &[String], digest: &AnyDigest, pushed: &Pushed) -> Vec<notify::Target> {
    let one = |tag| notify::Target::manifest(name, &pushed.descriptor, digest, tag).needing(&pushed.parts);
    if tags.is_empty() { vec![one(None)] } else { tags.iter().map(|tag| one(Some(tag))).collect() }
}

/// The digest of the manifest, of the algorithm that the client uses.
fn named(target: &Target, bytes: &[u8]) -> Result<AnyDigest, Refusal> {
    let own = match target {
        Target::Digest(AnyDigest::Sha512(_)) => AnyDigest::sha512(bytes),
        _ => AnyDigest::Sha256(Digest::of(bytes)),
    };
    match target {
        Target::Digest(wanted) if *wanted != own => {
            Err(Refusal::new(Code::DigestInvalid).detail(json!({"digest": own.to_string()})))
        }
        _ => Ok(own),
    }
}

/// The tags that the manifest gets.
fn tags(asked: &Asked, target: &Target) -> Result<Vec<String>, Refusal> {
    let mut tags = match target {
        Target::Tag(tag) => vec![tag.clone()],
        Target::Digest(_) => Vec::new(),
    };
    for text in asked.parameters("tag") {
        match Target::parse(text)? {
            Target::Tag(tag) if tags.contains(&tag) => {}
            Target::Tag(tag) => tags.push(tag),
            Target::Digest(_) => return Err(Refusal::because(Code::TagInvalid, "invalid tag")),
        }
        if tags.len() > MAX_TAGS {
            let why = format!("more than {MAX_TAGS} tags in one request");
            return Err(Refusal::because(Code::TagInvalid, why).status(StatusCode::URI_TOO_LONG));
        }
    }
    Ok(tags)
}

/// Checks a manifest: its form, its type, and that what it needs is there. What it is about need not be.
fn check(server: &Server, asked: &Asked, name: &RepositoryName, bytes: &[u8]) -> Result<Pushed, Refusal> {
    let invalid = |why: String| Refusal::because(Code::ManifestInvalid, why);
    let parts = Parts::parse(bytes).map_err(invalid)?;
    let kind = parts.kind(asked.header(CONTENT_TYPE).unwrap_or_default()).map_err(invalid)?;
    let (mut counted, mut missing) = (Vec::with_capacity(parts.len()), Vec::new());
    for need in parts.blobs.iter().chain(&parts.manifests) {
        match blobs::find(server, name, &need.digest)? {
            Some(digest) => counted.push(digest),
            None if need.is_elsewhere => {}
            None => missing.push(json!({"digest": need.digest.to_string()})),
        }
        if missing.len() >= MAX_MISSING {
            break;
        }
    }
    if !missing.is_empty() {
        return Err(blob_unknown(missing));
    }
    let mut needs = BTreeSet::new();
    let has_sha512 = collect(server, &parts, 0, &mut needs)?;
    if needs.len() > MAX_NEEDS {
        return Err(invalid(format!("the manifest leads to more than {MAX_NEEDS} blobs")));
    }
    let descriptor = Descriptor::new(kind, Digest::of(bytes), bytes.len() as u64);
    let store = server.store();
    // Also what the manifests of an index need must not be deleted before the index is there.
    counted.extend(needs.iter().filter(|digest| store.has_blob(digest)));
    let children = parts.manifests.iter().filter_map(|need| need.digest.in_store(&store).transpose());
    let children = children.collect::<Result<Vec<_>, _>>()?;
    Ok(Pushed { descriptor, parts, needs: has_sha512.then_some(needs), counted, children })
}

fn blob_unknown(missing: Vec<Value>) -> Refusal {
    Refusal::new(Code::ManifestBlobUnknown).each(missing)
}

/// Adds all that a manifest leads to. Whether anything there is named by SHA-512.
fn collect(server: &Server, parts: &Parts, depth: usize, into: &mut BTreeSet<Digest>) -> Result<bool, Refusal> {
    let store = server.store();
    let mut has_sha512 = parts.has_sha512();
    for need in &parts.blobs {
        into.extend(need.digest.in_store(&store)?);
    }
    for need in &parts.manifests {
        let Some(digest) = need.digest.in_store(&store)? else { continue };
        if depth >= MAX_INDEX_DEPTH || into.len() > MAX_NEEDS || !into.insert(digest) {
            continue;
        }
        let child = Descriptor::new(need.media_type.clone(), digest, need.size);
        if let Some(parts) = server.shelves.parts(&child) {
            has_sha512 |= collect(server, &parts, depth + 1, into)?;
        }
    }
    Ok(has_sha512)
}

/// Keeps the manifest under its tags, or its digest if it has none. What a tag led to keeps a name by digest, until it is
/// collected.
fn publish(
    server: &Server,
    stored: &Reference,
    tags: &[String],
    digest: &AnyDigest,
    pushed: &Pushed,
    bytes: &[u8],
) -> Result<(), Refusal> {
    let store = server.store();
    let mut descriptor = pushed.descriptor.clone();
    if let AnyDigest::Sha512(_) = digest {
        descriptor.annotations.insert(ANNOTATION_DIGEST.to_owned(), digest.to_string());
    }
    let names = tags.iter().map(|tag| stored.with_tag(tag)).collect::<Result<Vec<_>, _>>();
    let mut names = names.map_err(|error| Refusal::broken(&error))?;
    if names.is_empty() {
        names.push(stored.with_digest(descriptor.digest));
    }
    let quarantine = Quarantine::new(&store, Limits::default())?;
    quarantine.keep_bytes(bytes)?;
    let published = quarantine.publish(|catalog: &mut Catalog| {
        // Nothing is deleted while this runs.
        if let Some(digest) = pushed.counted.iter().find(|digest| !store.has_blob(digest)) {
            return Err(Error::Removed { digest: *digest });
        }
        if let Some(needs) = &pushed.needs {
            store.add_needs(&descriptor.digest, needs)?;
        }
        for name in &names {
            let old = catalog.tag(name, &descriptor, true);
            if let Some(old) = old {
                catalog.leave(stored, &old.from, SystemTime::now());
            }
        }
        // They are there as long as the index is.
        catalog.adopt(stored, pushed.children.iter().copied());
        Ok(())
    });
    match published? {
        Err(Error::Removed { digest }) => Err(blob_unknown(vec![json!({"digest": digest})])),
        published => Ok(published?),
    }
}
