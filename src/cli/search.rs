use serde_json::{Map, Value, json};

use super::completes::Completes;
use super::error::CliError;
use super::session::Session;
use super::usage::Arity;
use crate::docker::types::SEARCH_ROW;
use crate::ops;
use crate::ops::search::{SearchFilters, SearchOptions, search};
use crate::registry::SearchResult;
use crate::ui::{OutputFormat, render_rows, text};

/// Search Docker Hub, or another registry, for images
///
/// TERM is looked for in Docker Hub; with a registry before it, as in localhost:5000/TERM, there. Most registries have
/// no search: imgtool catalog lists the repositories of those that have a list, imgtool tags the tags of a repository.
#[derive(Debug, clap::Args)]
#[command(override_usage = "search [OPTIONS] TERM")]
pub(super) struct Args {
    /// Filter output based on conditions provided: is-official=BOOL, stars=NUMBER
    #[arg(short, long, value_name = "FILTER", add = Completes::Words(&["is-official=true", "stars="]))]
    filter: Vec<String>,
    /// Format output: 'table', 'table TEMPLATE', 'json', or a Go template
    #[arg(long, value_name = "FORMAT", add = Completes::FORMAT)]
    format: Option<String>,
    /// Max number of search results: 1 to 100, 25 by default
    #[arg(long, value_name = "N")]
    limit: Option<i64>,
    /// Don't truncate output
    #[arg(long)]
    no_trunc: bool,
    /// What to look for, in names and descriptions
    #[arg(value_name = "TERM")]
    terms: Vec<String>,
}

const TABLE: &str = "table {{.Name}}\t{{.Description}}\t{{.StarCount}}\t{{.IsOfficial}}";
const HEADERS: [(&str, &str); 4] =
    [("Name", "NAME"), ("Description", "DESCRIPTION"), ("StarCount", "STARS"), ("IsOfficial", "OFFICIAL")];
/// How wide a description may be in a table.
const DESCRIPTION_WIDTH: usize = 45;
const AUTOMATED: &str = "WARNING: the \"is-automated\" filter is deprecated, and searching for \"is-automated=true\" \
                         will not yield any results in future.";

impl Args {
    pub(super) fn run(self, session: &Session) -> Result<(), CliError> {
        session.check(Arity::Exactly(1), &self.terms)?;
        let filters = SearchFilters::parse(&self.filter);
        if self.filter.iter().any(|filter| filter.trim_start().to_lowercase().starts_with("is-automated")) {
            session.ui.note(AUTOMATED);
        }
        let options =
            SearchOptions { limit: self.limit.unwrap_or_default(), filters: filters.map_err(ops::Error::from)? };
        let format = OutputFormat::parse(self.format.as_deref(), TABLE)?;
        let results = search(&session.context, &self.terms[0], &options)?;
        let rows: Vec<Map<String, Value>> = results.iter().map(|result| self.row(session, result)).collect();
        Ok(session.ui.data(&render_rows(&format, &SEARCH_ROW, &HEADERS, &rows)?)?)
    }

    fn row(&self, session: &Session, result: &SearchResult) -> Map<String, Value> {
        let description = result.description.replace(['\n', '\r'], " ");
        let description =
            if self.no_trunc { description } else { text::ellipsis(&description, DESCRIPTION_WIDTH).into_owned() };
        let word = |text: &str| Value::String(session.ui.word(text).into_owned());
        let pairs = [
            ("Description", word(&description)),
            ("IsOfficial", json!(result.is_official.to_string())),
            ("Name", word(&result.name)),
            ("StarCount", json!(result.stars.to_string())),
        ];
        pairs.into_iter().map(|(key, value)| (key.to_owned(), value)).collect()
    }
}
