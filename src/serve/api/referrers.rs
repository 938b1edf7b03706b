//! Referrers: the manifests that are about another.

use hyper::StatusCode;
use hyper::header::{CONTENT_TYPE, HeaderName, LINK};
use serde_json::{Value, json};

use crate::image::BlobSource as _;
use crate::oci::strict::MAX_DOCUMENT;
use crate::oci::{ANNOTATION_DIGEST, Descriptor, Digest, MediaType};
use crate::serve::answer::{Answer, Content};
use crate::serve::any_digest::AnyDigest;
use crate::serve::asked::Asked;
use crate::serve::manifest;
use crate::serve::refusal::{Code, Refusal};
use crate::serve::repository::RepositoryName;
use crate::serve::server::Server;
use crate::serve::settings::Right;

/// Tells the client that its filter was used.
const FILTERS_APPLIED: HeaderName = HeaderName::from_static("oci-filters-applied");
/// How many bytes one list has, with one entry more at most: clients read no larger manifests.
const MAX_LIST: usize = MAX_DOCUMENT;

/// `GET /v2/NAME/referrers/DIGEST`; of a digest that is not there, the list is empty. A list that is too long for one
/// manifest has a link to the rest.
pub(in crate::serve) fn get(
    server: &Server,
    asked: &Asked,
    name: &RepositoryName,
    digest: &AnyDigest,
) -> Result<Answer, Refusal> {
    let shelf = server.shelves.now()?;
    let wanted: Vec<&str> = asked.parameters("artifactType").filter(|kind| !kind.is_empty()).collect();
    let last = asked.parameter("last").map(str::parse::<Digest>).transpose();
    let last = last.map_err(|_| Refusal::because(Code::DigestInvalid, "the parameter last is not a digest"))?;
    let (mut manifests, mut size, mut next) = (Vec::new(), 0, None);
    let seen = shelf.find(name).filter(|_| server.access.may(&asked.who, Right::Pull, name));
    if let Some(repository) = seen {
        let reach = server.shelves.reach(repository);
        let mut about = reach.referrers.get(&digest.to_string()).cloned().unwrap_or_default();
        about.sort();
        about.dedup();
        let rest = about.iter().filter(|digest| last.is_none_or(|last| **digest > last));
        for descriptor in rest.filter_map(|digest| reach.manifests.get(digest)) {
            let Some(entry) = entry(server, descriptor, &wanted) else { continue };
            let length = entry.to_string().len();
            if size > 0 && size + length > MAX_LIST {
                next = manifests.last().map(|(digest, _): &(Digest, Value)| *digest);
                break;
            }
            size += length;
            manifests.push((descriptor.digest, entry));
        }
    }
    let manifests: Vec<Value> = manifests.into_iter().map(|(_, entry)| entry).collect();
    let index = json!({"schemaVersion": 2, "mediaType": MediaType::OCI_INDEX, "manifests": manifests});
    let bytes = serde_json::to_vec(&index).unwrap_or_default();
    let mut answer = Answer::new(StatusCode::OK)
        .header(CONTENT_TYPE, MediaType::OCI_INDEX.as_str())
        .content(Content::Bytes(bytes.into()));
    if let Some(last) = next {
        let mut link = format!("<{}?last={last}", asked.path);
        for kind in &wanted {
            link += "&artifactType=";
            link.extend(percent_encoding::utf8_percent_encode(kind, percent_encoding::NON_ALPHANUMERIC));
        }
        answer = answer.header(LINK, link + ">; rel=\"next\"");
    }
    Ok(if wanted.is_empty() { answer } else { answer.header(FILTERS_APPLIED, "artifactType") })
}

/// A manifest as the list has it; none if it is not of a type that is wanted, or cannot be read.
fn entry(server: &Server, descriptor: &Descriptor, wanted: &[&str]) -> Option<Value> {
    let parts = server.shelves.parts(descriptor)?;
    let kind = parts.artifact_type.as_ref().map(MediaType::as_str).unwrap_or_default();
    if !wanted.is_empty() && !wanted.contains(&kind) {
        return None;
    }
    let blob = server.store().open_blob(descriptor).ok()??;
    let annotations = manifest::annotations(&blob.read_all(MAX_DOCUMENT as u64).ok()?);
    let digest = descriptor.annotation(ANNOTATION_DIGEST).map_or_else(|| descriptor.digest.to_string(), str::to_owned);
    let mut entry = json!({"mediaType": descriptor.media_type, "digest": digest, "size": descriptor.size});
    if !kind.is_empty() {
        entry["artifactType"] = json!(kind);
    }
    if !annotations.is_empty() {
        entry["annotations"] = json!(annotations);
    }
    Some(entry)
}
