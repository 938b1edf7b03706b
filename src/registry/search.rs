//! Docker's search. It is no part of the distribution API: Docker Hub answers it, and a few others that took it over from
//! docker's first registries.
//!
//! ```text
//! GET /v1/search?q=TERM&n=LIMIT ─▶ {"results": [{"name": …, "description": …, "star_count": …, "is_official": …}, …]}
//! ```

use serde_json::{Map, Value};

use super::authorizer::Scope;
use super::endpoint::Endpoint;
use super::{Error, RegistryHost};
use crate::http::{Method, Request, Url, UrlError};

/// Where Docker Hub answers searches.
const HUB: &str = "https://index.docker.io/";
/// The largest answer, in bytes.
const ANSWER_LIMIT: u64 = 4 << 20;

/// A repository that a search found. No text of it is escaped.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SearchResult {
    /// Its name, without the registry.
    pub name: String,
    /// What its owner says of it.
    pub description: String,
    /// How many have marked it as good.
    pub stars: i64,
    /// Whether it is one of Docker's own.
    pub is_official: bool,
    /// Whether it was built by Docker Hub, which says so no longer.
    pub is_automated: bool,
}

/// The URL of the server on which Docker Hub, which is `host`, answers searches.
pub(super) fn hub(host: &RegistryHost) -> Result<Url, Error> {
    HUB.parse().map_err(|error: UrlError| wrong(host.as_str(), error.to_string()))
}

/// The repositories that the server finds for a term, in its order, no more than `limit`.
pub(super) fn search(endpoint: &Endpoint, term: &str, limit: usize) -> Result<Vec<SearchResult>, Error> {
    let host = endpoint.host();
    let what = host.as_str();
    let url = query(&endpoint.url("/v1/search")?, term, limit, host)?;
    let make = || Request::new(Method::Get, &url).header("accept", "application/json");
    let response = endpoint.send(Scope::Ping, what, make)?;
    let no_search = || Error::NoSearch { host: host.clone() };
    if response.status() >= 300 {
        return Err(match endpoint.refused(what, Scope::Ping, response) {
            Error::Refused { refusal, .. } if refusal.is_of_path() && !host.is_hub() => no_search(),
            other => other,
        });
    }
    // Some servers answer every path, with a page for people.
    let answer: Value = serde_json::from_slice(&response.bytes(ANSWER_LIMIT)?).map_err(|_| no_search())?;
    let mut results = read(answer).map_err(|why| wrong(what, why))?.ok_or_else(no_search)?;
    results.truncate(limit);
    Ok(results)
}

fn query(url: &Url, term: &str, limit: usize, host: &RegistryHost) -> Result<Url, Error> {
    let limit = limit.to_string();
    let url = url.with_query([("q", term), ("n", &limit)]);
    url.map_err(|error| wrong(host.as_str(), error.to_string()))
}

fn wrong(what: &str, why: String) -> Error {
    Error::Answer { what: what.to_owned(), why }
}

/// The results of an answer; `None` if it is no answer to a search.
fn read(answer: Value) -> Result<Option<Vec<SearchResult>>, String> {
    let Value::Object(mut answer) = answer else { return Ok(None) };
    match answer.remove("results") {
        None => Ok(None),
        Some(Value::Null) => Ok(Some(Vec::new())),
        Some(Value::Array(results)) => results.iter().map(result).collect::<Result<_, _>>().map(Some),
        Some(_) => Err("no list \"results\"".to_owned()),
    }
}

/// One result. What it does not say is empty, as in docker.
fn result(value: &Value) -> Result<SearchResult, String> {
    let fields = value.as_object().ok_or_else(|| format!("{value} in \"results\""))?;
    let text = |name| field(fields, name, |value| value.as_str().map(str::to_owned));
    let flag = |name| field(fields, name, Value::as_bool);
    Ok(SearchResult {
        name: text("name")?,
        description: text("description")?,
        stars: field(fields, "star_count", Value::as_i64)?,
        is_official: flag("is_official")?,
        is_automated: flag("is_automated")?,
    })
}

fn field<T: Default>(fields: &Map<String, Value>, name: &str, read: impl Fn(&Value) -> Option<T>) -> Result<T, String> {
    match fields.get(name) {
        None | Some(Value::Null) => Ok(T::default()),
        Some(value) => read(value).ok_or_else(|| format!("{value} in {name:?}")),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn answers_of_servers() {
        let whole =
            json!({"name": "a/b", "description": "c", "star_count": 7, "is_official": true, "is_automated": true});
        let found = SearchResult {
            name: "a/b".to_owned(),
            description: "c".to_owned(),
            stars: 7,
            is_official: true,
            is_automated: true,
        };
        let named = SearchResult { name: "x".to_owned(), ..SearchResult::default() };
        let cases = [
            (json!({"results": [whole]}), Ok(Some(vec![found]))),
            (json!({"results": [{"name": "x", "description": null, "is_public": true}]}), Ok(Some(vec![named]))),
            (json!({"results": null, "num_results": 0}), Ok(Some(vec![]))),
            (json!({}), Ok(None)),
            (json!([]), Ok(None)),
            (json!({"results": {}}), Err("no list \"results\"")),
            (json!({"results": ["x"]}), Err("\"x\" in \"results\"")),
            (json!({"results": [{"name": 5}]}), Err("5 in \"name\"")),
            (json!({"results": [{"star_count": 0.5}]}), Err("0.5 in \"star_count\"")),
        ];
        for (answer, expected) in cases {
            assert_eq!(read(answer.clone()), expected.map_err(str::to_owned), "{answer}");
        }
    }
}
