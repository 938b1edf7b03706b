//! Lists: the repositories, and the tags of one, a page at a time.

use hyper::StatusCode;
use hyper::header::LINK;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::json;

use super::blobs;
use crate::serve::answer::Answer;
use crate::serve::asked::Asked;
use crate::serve::refusal::{Code, Refusal};
use crate::serve::repository::RepositoryName;
use crate::serve::server::Server;
use crate::serve::settings::Right;

/// The longest page, and that of a catalog if the client does not say.
const MAX_PAGE: usize = 10_000;

/// `GET /v2/_catalog`
pub(in crate::serve) fn catalog(server: &Server, asked: &Asked) -> Result<Answer, Refusal> {
    let shelf = server.shelves.now()?;
    let seen = shelf.repositories.keys().filter(|name| server.access.may(&asked.who, Right::Pull, name));
    let names: Vec<&str> = seen.map(RepositoryName::as_str).collect();
    let (page, next) = page(&names, asked)?;
    let answer = Answer::json(StatusCode::OK, &json!({"repositories": page}));
    Ok(linked(answer, asked, next))
}

/// `GET /v2/NAME/tags/list`
pub(in crate::serve) fn tags(server: &Server, asked: &Asked, name: &RepositoryName) -> Result<Answer, Refusal> {
    let shelf = server.shelves.now()?;
    let tags: Vec<&str> = match shelf.find(name) {
        Some(repository) => repository.tags.keys().map(String::as_str).collect(),
        // Only blobs were uploaded.
        None if server.store().has_claims(blobs::owner(name).as_str())? => Vec::new(),
        None => return Err(unknown(name)),
    };
    listed(asked, name, tags)
}

/// A page of tags.
pub(in crate::serve) fn listed(asked: &Asked, name: &RepositoryName, mut tags: Vec<&str>) -> Result<Answer, Refusal> {
    // In the order of the specification: case does not count.
    tags.sort_by_key(|tag| (tag.to_lowercase(), *tag));
    let (page, next) = page(&tags, asked)?;
    let answer = Answer::json(StatusCode::OK, &json!({"name": name.as_str(), "tags": page}));
    Ok(linked(answer, asked, next))
}

pub(in crate::serve) fn unknown(name: &RepositoryName) -> Refusal {
    Refusal::new(Code::NameUnknown).detail(json!({"name": name.as_str()}))
}

/// What `n` and `last` ask for, and the last item if more follow.
fn page<'a>(items: &[&'a str], asked: &Asked) -> Result<(Vec<&'a str>, Option<&'a str>), Refusal> {
    let invalid = |text: &str| Refusal::new(Code::PaginationNumberInvalid).detail(json!({"n": text}));
    let wanted = match asked.parameter("n").filter(|text| !text.is_empty()) {
        Some(text) => text.parse::<usize>().map_err(|_| invalid(text))?.min(MAX_PAGE),
        None => MAX_PAGE,
    };
    let key = |item: &str| (item.to_lowercase(), item.to_owned());
    let last = asked.parameter("last").filter(|last| !last.is_empty()).map(key);
    let mut rest = items.iter().copied().filter(|item| last.as_ref().is_none_or(|last| key(item) > *last));
    let page: Vec<&str> = rest.by_ref().take(wanted).collect();
    let next = page.last().copied().filter(|_| rest.next().is_some());
    Ok((page, next))
}

/// Tells where the next page is.
fn linked(answer: Answer, asked: &Asked, next: Option<&str>) -> Answer {
    let Some(last) = next else { return answer };
    let last = utf8_percent_encode(last, NON_ALPHANUMERIC);
    let n = asked.parameter("n").unwrap_or_default();
    let n = n.parse::<usize>().map_or(MAX_PAGE, |n| n.min(MAX_PAGE));
    answer.header(LINK, format!("<{}?last={last}&n={n}>; rel=\"next\"", asked.path))
}
