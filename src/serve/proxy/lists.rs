//! The tags of a repository of the upstream.

use super::refused::Why;
use super::upstream::Upstream;
use crate::serve::answer::Answer;
use crate::serve::api;
use crate::serve::asked::Asked;
use crate::serve::refusal::{Code, Refusal};
use crate::serve::repository::RepositoryName;
use crate::serve::server::Server;

/// `GET /v2/NAME/tags/list`: those of the upstream; if it cannot be asked, those that are here.
pub(in crate::serve) fn tags(
    server: &Server,
    upstream: &Upstream,
    asked: &Asked,
    name: &RepositoryName,
) -> Result<Answer, Refusal> {
    let full = name.in_store().ok_or_else(|| Refusal::new(Code::NameUnknown))?;
    match upstream.repository(&full).and_then(|repository| repository.tags()) {
        Ok(tags) => api::lists::listed(asked, name, tags.iter().map(String::as_str).collect()),
        Err(error) => {
            let why = Why::of(&error);
            api::lists::tags(server, asked, name).map_err(|_| why.refusal(upstream.host(), Code::NameUnknown))
        }
    }
}
