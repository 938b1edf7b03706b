//! What refers to a manifest: signatures, attestations and other artifacts
//! ([listing referrers](https://github.com/opencontainers/distribution-spec/blob/v1.1.0/spec.md#listing-referrers)).
//!
//! A registry that does not know the API is asked for a tag that is made of the digest, under which clients keep the
//! same list.

use std::collections::HashSet;

use super::authorizer::Scope;
use super::endpoint::Endpoint;
use super::repository::Repository;
use super::{Error, manifest, paging};
use crate::http::{Method, Request};
use crate::oci::{Descriptor, Digest, Document, Index, MediaType, strict};

/// The most referrers of one manifest.
const MAX_REFERRERS: usize = 10_000;
/// The most pages of a list.
const MAX_PAGES: usize = 1000;

/// What refers to a manifest.
#[derive(Debug, Clone, PartialEq)]
pub struct Referrers {
    /// The manifests that refer to it.
    pub manifests: Vec<Descriptor>,
    /// Whether the registry finds them by itself; else clients have to keep the list.
    pub are_found: bool,
}

impl Repository {
    /// What refers to the manifest of a digest.
    pub fn referrers(&self, digest: &Digest) -> Result<Referrers, Error> {
        if let Some(manifests) = self.first(|endpoint| self.found_referrers(endpoint, digest))? {
            return Ok(Referrers { manifests: once_each(manifests), are_found: true });
        }
        let manifests = match self.manifest(&self.fallback(digest)?) {
            Ok(fetched) if fetched.descriptor.media_type.is_index() => {
                let wrong =
                    |error: strict::JsonError| Error::Answer { what: self.what(digest), why: error.to_string() };
                strict::from_slice::<Index>(&fetched.bytes, limit()).map_err(wrong)?.manifests
            }
            Ok(_) | Err(Error::NoManifest { .. }) => Vec::new(),
            Err(error) => return Err(error),
        };
        Ok(Referrers { manifests: once_each(manifests), are_found: false })
    }

    /// Lists what refers to the manifest of a digest, for a registry that does not find it by itself.
    pub fn list_referrers(&self, digest: &Digest, manifests: Vec<Descriptor>) -> Result<(), Error> {
        let index = Document::make(Index::new(MediaType::OCI_INDEX, manifests));
        self.put_manifest(&self.fallback(digest)?, &MediaType::OCI_INDEX, index.bytes())
    }

    /// The list of a server that knows the API.
    fn found_referrers(&self, endpoint: &Endpoint, digest: &Digest) -> Result<Option<Vec<Descriptor>>, Error> {
        let (name, what) = (self.name().repository(), self.what(digest));
        let scope = Scope::Pull(name);
        let wrong = |why: String| Error::Answer { what: what.clone(), why };
        let mut url = endpoint.url(&format!("/v2/{name}/referrers/{digest}"))?;
        let (mut manifests, mut seen) = (Vec::new(), HashSet::new());
        loop {
            seen.insert(url.to_string());
            let accepted = MediaType::OCI_INDEX.to_string();
            let make = || Request::new(Method::Get, &url).header("accept", accepted.as_str()).whole(manifest::LIMIT);
            let response = endpoint.send(scope, &what, make)?;
            match response.status() {
                200..300 => {}
                400 | 404 | 405 | 501 if seen.len() == 1 => return Ok(None),
                _ => return Err(endpoint.refused(&what, scope, response)),
            }
            let next = paging::next(&url, &response, &what)?;
            let page = response.bytes(manifest::LIMIT)?;
            manifests.extend(strict::from_slice::<Index>(&page, limit()).map_err(|e| wrong(e.to_string()))?.manifests);
            if manifests.len() > MAX_REFERRERS || seen.len() > MAX_PAGES {
                return Err(Error::Endless { what, limit: MAX_REFERRERS });
            }
            match next {
                None => return Ok(Some(manifests)),
                Some(next) if seen.contains(&next.to_string()) => return Err(wrong("pages in a circle".to_owned())),
                Some(next) => url = next,
            }
        }
    }

    /// The tag under which clients keep the list.
    fn fallback(&self, digest: &Digest) -> Result<crate::oci::Reference, Error> {
        let wrong =
            |error: crate::oci::ReferenceError| Error::Answer { what: self.what(digest), why: error.to_string() };
        self.name().with_tag(&digest.to_string().replace(':', "-")).map_err(wrong)
    }

    fn what(&self, digest: &Digest) -> String {
        format!("referrers of {}", self.name().with_digest(*digest).familiar())
    }
}

fn limit() -> usize {
    usize::try_from(manifest::LIMIT).unwrap_or(usize::MAX)
}

fn once_each(mut manifests: Vec<Descriptor>) -> Vec<Descriptor> {
    let mut seen = HashSet::new();
    manifests.retain(|manifest| seen.insert(manifest.digest));
    manifests
}
