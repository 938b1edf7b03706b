//! Referrers: the manifests that are about another.

use hyper::StatusCode;
use hyper::header::{CONTENT_TYPE, HeaderName};
use serde_json::{Value, json};

use crate::oci::MediaType;
use crate::serve::answer::{Answer, Content};
use crate::serve::any_digest::AnyDigest;
use crate::serve::asked::Asked;
use crate::serve::refusal::Refusal;
use crate::serve::repository::RepositoryName;
use crate::serve::server::Server;

/// Tells the client that its filter was used.
const FILTERS_APPLIED: HeaderName = HeaderName::from_static("oci-filters-applied");

/// `GET /v2/NAME/referrers/DIGEST`; of a digest that is not there, the list is empty.
pub(in crate::serve) fn get(
    server: &Server,
    asked: &Asked,
    name: &RepositoryName,
    digest: &AnyDigest,
) -> Result<Answer, Refusal> {
    let shelf = server.shelves.now()?;
    let wanted: Vec<&str> = asked.parameters("artifactType").filter(|kind| !kind.is_empty()).collect();
    let mut manifests = Vec::new();
    if let Some(repository) = shelf.find(name) {
        let reach = server.shelves.reach(repository);
        let about = reach.referrers.get(&digest.to_string()).map(Vec::as_slice).unwrap_or_default();
        for descriptor in about.iter().filter_map(|digest| reach.manifests.get(digest)) {
            let Some(parts) = server.shelves.parts(descriptor) else { continue };
            let kind = parts.artifact_type.as_ref().map(MediaType::as_str).unwrap_or_default();
            if !wanted.is_empty() && !wanted.contains(&kind) {
                continue;
            }
            let mut entry = json!({
                "mediaType": descriptor.media_type,
                "digest": descriptor.digest,
                "size": descriptor.size,
            });
            if !kind.is_empty() {
                entry["artifactType"] = json!(kind);
            }
            if !parts.annotations.is_empty() {
                entry["annotations"] = json!(parts.annotations);
            }
            manifests.push(entry);
        }
    }
    manifests.sort_by_key(|entry: &Value| entry["digest"].to_string());
    let index = json!({"schemaVersion": 2, "mediaType": MediaType::OCI_INDEX, "manifests": manifests});
    let bytes = serde_json::to_vec(&index).unwrap_or_default();
    let answer = Answer::new(StatusCode::OK)
        .header(CONTENT_TYPE, MediaType::OCI_INDEX.as_str())
        .content(Content::Bytes(bytes.into()));
    Ok(if wanted.is_empty() { answer } else { answer.header(FILTERS_APPLIED, "artifactType") })
}
