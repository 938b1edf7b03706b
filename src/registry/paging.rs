//! Lists that come in pages
//! ([listing tags](https://github.com/opencontainers/distribution-spec/blob/v1.1.0/spec.md#listing-tags)).

use std::collections::HashSet;

use serde_json::Value;

use super::Error;
use super::authorizer::Scope;
use super::endpoint::Endpoint;
use crate::http::{Method, Request, Response, Url};

/// How many entries a page is asked to have.
pub(super) const PAGE: usize = 1000;
/// The largest page, in bytes.
const PAGE_LIMIT: u64 = 4 << 20;
/// The most entries of a list.
const MAX_ENTRIES: usize = 1_000_000;
/// The most pages of a list.
const MAX_PAGES: usize = 10_000;

/// The entries of a list: the texts of the array `field` of each page.
pub(super) fn all(
    endpoint: &Endpoint,
    scope: Scope<'_>,
    what: &str,
    path: &str,
    field: &str,
) -> Result<Vec<String>, Error> {
    let (mut url, mut entries, mut seen) = (endpoint.url(path)?, Vec::new(), HashSet::new());
    loop {
        seen.insert(url.to_string());
        let response = endpoint.send(scope, what, || {
            Request::new(Method::Get, &url).header("accept", "application/json").whole(PAGE_LIMIT)
        })?;
        if response.status() >= 300 {
            return Err(endpoint.refused(what, scope, response));
        }
        let next = next(&url, &response, what)?;
        entries.extend(read(&response.bytes(PAGE_LIMIT)?, field, what)?);
        if entries.len() > MAX_ENTRIES || seen.len() > MAX_PAGES {
            return Err(Error::Endless { what: what.to_owned(), limit: MAX_ENTRIES });
        }
        let Some(next) = next else { return Ok(entries) };
        if seen.contains(&next.to_string()) {
            return Err(Error::Link { what: what.to_owned(), link: next.to_string(), why: "it was fetched already" });
        }
        url = next;
    }
}

/// The texts in an array of a page; none, if it is null or not there.
fn read(page: &[u8], field: &str, what: &str) -> Result<Vec<String>, Error> {
    let wrong = |why: String| Error::Answer { what: what.to_owned(), why };
    let mut page: Value = serde_json::from_slice(page).map_err(|error| wrong(error.to_string()))?;
    match page.get_mut(field).map(Value::take) {
        None | Some(Value::Null) if page.is_object() => Ok(Vec::new()),
        Some(Value::Array(values)) => {
            let text = |value| match value {
                Value::String(text) => Ok(text),
                other => Err(wrong(format!("{other} in {field:?}"))),
            };
            values.into_iter().map(text).collect()
        }
        _ => Err(wrong(format!("no list {field:?}"))),
    }
}

/// The next page, which must be on the same server.
pub(super) fn next(at: &Url, response: &Response, what: &str) -> Result<Option<Url>, Error> {
    let Some(link) = response.headers("link").find_map(next_link) else { return Ok(None) };
    let wrong = |why| Error::Link { what: what.to_owned(), link: link.to_owned(), why };
    let url = at.join(link).map_err(|_| wrong("that is no URL"))?;
    if url.is_same_server(at) {
        return Ok(Some(url));
    }
    // A server behind a proxy that encrypts often does not know it.
    if at.is_secure() && !url.is_secure() && url.host() == at.host() {
        return Ok(Some(at.join(url.path_and_query()).map_err(|_| wrong("that is no URL"))?));
    }
    Err(wrong("that is another server"))
}

/// The target with `rel="next"` of a `Link` header ([RFC 8288](https://www.rfc-editor.org/rfc/rfc8288)).
fn next_link(header: &str) -> Option<&str> {
    let mut rest = header;
    while let Some((_, after)) = rest.split_once('<') {
        let (target, after) = after.split_once('>')?;
        let end = after.find(",<").or_else(|| after.find(", <")).unwrap_or(after.len());
        let (parameters, behind) = after.split_at(end);
        let is_next = parameters.split(';').any(|parameter| {
            let (name, value) = parameter.split_once('=').unwrap_or((parameter, ""));
            name.trim().eq_ignore_ascii_case("rel") && value.trim().trim_matches('"').eq_ignore_ascii_case("next")
        });
        if is_next {
            return Some(target.trim());
        }
        rest = behind;
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links() {
        let cases = [
            (r#"</v2/x/tags/list?last=b&n=2>; rel="next""#, Some("/v2/x/tags/list?last=b&n=2")),
            (r"<https://a/b?c,d>; title=x; REL=next", Some("https://a/b?c,d")),
            (r#"</first>; rel="first", </second>; rel="next""#, Some("/second")),
            (r#"</prev>; rel="prev""#, None),
            ("</x", None),
            ("", None),
        ];
        for (header, target) in cases {
            assert_eq!(next_link(header), target, "{header}");
        }
    }

    #[test]
    fn pages() {
        let of = |page: &str| read(page.as_bytes(), "tags", "x").ok();
        assert_eq!(of(r#"{"name":"x","tags":["a","b"]}"#), Some(vec!["a".to_owned(), "b".to_owned()]));
        assert_eq!(of(r#"{"name":"x","tags":null}"#), Some(vec![]));
        assert_eq!(of(r#"{"name":"x"}"#), Some(vec![]));
        for page in [r#"{"tags":[1]}"#, r#"{"tags":"a"}"#, "[]", "null", "<html>"] {
            assert_eq!(of(page), None, "{page}");
        }
    }
}
