//! Deleting tags and manifests
//! ([content management](https://github.com/opencontainers/distribution-spec/blob/v1.1.0/spec.md#content-management)).

use super::authorizer::Scope;
use super::{Error, Refusal, Repository};
use crate::http::{Method, Request};
use crate::oci::Reference;

/// What a registry makes of the wish to delete something.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Deletion {
    /// It is gone.
    Done,
    /// The registry does not delete such things, and says so.
    Unsupported(Refusal),
}

impl Repository {
    /// Deletes the manifest whose digest is in `name`, with all tags that lead to it; or the tag in `name`, without its
    /// manifest, as registries do since version 1.1 of the specification.
    pub fn delete(&self, name: &Reference) -> Result<Deletion, Error> {
        let (endpoint, repository) = (self.own(), self.name().repository());
        let which = match (name.digest(), name.tag()) {
            (Some(digest), _) => digest.to_string(),
            (None, tag) => tag.unwrap_or("latest").to_owned(),
        };
        let url = endpoint.url(&format!("/v2/{repository}/manifests/{which}"))?;
        let (scope, what) = (Scope::Delete(repository), name.familiar());
        let response = endpoint.send(scope, &what, || Request::new(Method::Delete, &url))?;
        let status = response.status();
        if (200..300).contains(&status) {
            return Ok(Deletion::Done);
        }
        let error = endpoint.refused(&what, scope, response);
        match error {
            Error::Refused { refusal, .. } if status == 404 && refusal.has("MANIFEST_UNKNOWN") => {
                Err(Error::NoManifest { name: what, refusal })
            }
            Error::Refused { refusal, .. } if matches!(status, 400 | 404 | 405 | 501) => {
                Ok(Deletion::Unsupported(refusal))
            }
            other => Err(other),
        }
    }
}
