//! `search`: repositories of a registry that fit a term.

use super::filter::boolean;
use super::search_error::MOST;
pub use super::search_error::SearchError;
use super::{Context, Error};
use crate::registry::{self, RegistryHost, SearchResult};

/// How many results are asked for if nothing is said.
const DEFAULT_LIMIT: usize = 25;
/// Where docker's own repositories are in Docker Hub; their names are shown without it.
const OFFICIAL: &str = "library/";

/// Options of `search`.
#[derive(Debug, Clone, Default)]
pub struct SearchOptions {
    /// How many results are wanted at most; 0 and less mean docker's default.
    pub limit: i64,
    /// The conditions that results have to meet.
    pub filters: SearchFilters,
}

/// The conditions that results have to meet.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SearchFilters {
    /// Whether it is one of Docker's own.
    pub is_official: Option<bool>,
    /// Whether it was built by Docker Hub.
    pub is_automated: Option<bool>,
    /// The fewest stars.
    pub stars: Option<i64>,
}

impl SearchFilters {
    /// Reads docker's `key=value` filters.
    pub fn parse(typed: &[String]) -> Result<Self, SearchError> {
        let mut filters = Self::default();
        for text in typed {
            let (key, value) = text.split_once('=').ok_or_else(|| SearchError::Filter(text.clone()))?;
            let (key, value) = (key.trim().to_lowercase(), value.trim());
            match key.as_str() {
                "is-official" => set(&mut filters.is_official, &key, value)?,
                "is-automated" => set(&mut filters.is_automated, &key, value)?,
                "stars" => {
                    let stars = value.parse().map_err(|_| SearchError::Filter(format!("stars={value}")))?;
                    filters.stars = filters.stars.max(Some(stars));
                }
                _ => return Err(SearchError::Filter(key)),
            }
        }
        Ok(filters)
    }

    fn fit(&self, result: &SearchResult) -> bool {
        self.is_official.is_none_or(|wanted| wanted == result.is_official)
            && self.is_automated.is_none_or(|wanted| wanted == result.is_automated)
            && self.stars.is_none_or(|fewest| result.stars >= fewest)
    }
}

fn set(flag: &mut Option<bool>, key: &str, value: &str) -> Result<(), SearchError> {
    // Docker takes fewer words here than for flags.
    let wanted = boolean(value).filter(|_| ["0", "1", "true", "false"].contains(&value));
    let wanted = wanted.ok_or_else(|| SearchError::Filter(format!("{key}=[{value}]")))?;
    if flag.is_some_and(|other| other != wanted) {
        return Err(SearchError::Filter(format!("{key}=[true false]")));
    }
    *flag = Some(wanted);
    Ok(())
}

/// Searches the registry that was typed before a slash, or Docker Hub. The results are in the registry's order, as
/// docker shows them.
pub fn search(context: &Context, typed: &str, options: &SearchOptions) -> Result<Vec<SearchResult>, Error> {
    let (host, term) = place(typed)?;
    let limit = match options.limit {
        ..=0 => DEFAULT_LIMIT,
        limit => usize::try_from(limit.min(MOST + 1)).unwrap_or(DEFAULT_LIMIT),
    };
    if options.limit > MOST {
        return Err(SearchError::Limit { limit: options.limit }.into());
    }
    let mut results = context.registries.search(&host, term, limit)?;
    results.retain(|result| options.filters.fit(result));
    Ok(results)
}

/// Splits what was typed as docker does: what is before the first slash is a registry if it looks like a host.
fn place(typed: &str) -> Result<(RegistryHost, &str), Error> {
    if typed.contains("://") {
        return Err(SearchError::Scheme(typed.to_owned()).into());
    }
    let is_host = |text: &str| text == "localhost" || text.contains(['.', ':']);
    let (host, term) = match typed.split_once('/').filter(|(first, _)| is_host(first)) {
        Some((host, term)) => (RegistryHost::typed(host).map_err(registry::Error::from)?, term),
        None => (RegistryHost::hub(), typed),
    };
    let term = if host.is_hub() { term.strip_prefix(OFFICIAL).unwrap_or(term) } else { term };
    Ok((host, term))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn where_it_is_searched() {
        let cases = [
            ("ubuntu", Some(("docker.io", "ubuntu"))),
            ("library/ubuntu", Some(("docker.io", "ubuntu"))),
            ("team/app", Some(("docker.io", "team/app"))),
            ("docker.io/library/ubuntu", Some(("docker.io", "ubuntu"))),
            ("index.docker.io/x", Some(("docker.io", "x"))),
            ("localhost/app", Some(("localhost", "app"))),
            ("localhost:5000/library/app", Some(("localhost:5000", "library/app"))),
            ("registry.example/", Some(("registry.example", ""))),
            ("[::1]:5000/a", Some(("[::1]:5000", "a"))),
            ("a b", Some(("docker.io", "a b"))),
            ("", Some(("docker.io", ""))),
            ("https://registry.example/app", None),
            ("user:password@registry.example/app", None),
        ];
        for (typed, expected) in cases {
            let found = place(typed).ok();
            assert_eq!(found.as_ref().map(|(host, term)| (host.as_str(), *term)), expected, "{typed}");
        }
    }

    #[test]
    fn filters_as_docker_reads_them() {
        let parse = |typed: &[&str]| {
            let typed: Vec<String> = typed.iter().map(ToString::to_string).collect();
            SearchFilters::parse(&typed).map_err(|error| error.to_string())
        };
        let stars = |stars| Ok(SearchFilters { stars: Some(stars), ..SearchFilters::default() });
        assert_eq!(parse(&["stars=4", "stars=6", "stars=-1"]), stars(6));
        assert_eq!(parse(&[" Stars = 4 "]), stars(4));
        let official = SearchFilters { is_official: Some(true), is_automated: Some(false), stars: None };
        assert_eq!(parse(&["is-official=1", "is-official=true", "is-automated=0"]), Ok(official));
        for (typed, word) in [
            (&["stars=x"][..], "stars=x"),
            (&["is-official=T"], "is-official=[T]"),
            (&["is-official=true", "is-official=false"], "is-official=[true false]"),
            (&["nosuch=true"], "nosuch"),
        ] {
            assert_eq!(parse(typed), Err(format!("invalid filter '{word}'")));
        }
    }
}
