//! The requests of the distribution API, each answered on a thread that may block.

pub(super) mod blobs;
mod body;
pub(super) mod lists;
pub(super) mod manifests;
pub(super) mod put;
mod ranges;
pub(super) mod referrers;
pub(super) mod uploads;

use hyper::header::HeaderName;

pub(super) use body::drain;

/// The digest of what is answered.
pub(in crate::serve) const CONTENT_DIGEST: HeaderName = HeaderName::from_static("docker-content-digest");
