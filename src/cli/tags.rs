use serde_json::json;

use super::error::CliError;
use super::session::{Session, json_line};
use super::usage::Arity;
use crate::ops::tags::tags;
use crate::ui::text::escape;

/// List the tags of a repository in a registry
#[derive(Debug, clap::Args)]
#[command(override_usage = "tags [OPTIONS] REPOSITORY")]
pub(super) struct Args {
    /// Print the tags as JSON
    #[arg(long, value_name = "FORMAT", value_parser = ["json"])]
    format: Option<String>,
    /// The repository, as in the names of its images: ubuntu, ghcr.io/OWNER/NAME, localhost:5000/NAME
    #[arg(value_name = "REPOSITORY")]
    repository: Vec<String>,
}

impl Args {
    pub(super) fn run(self, session: &Session) -> Result<(), CliError> {
        session.check(Arity::Exactly(1), &self.repository)?;
        let list = tags(&session.context, &self.repository[0])?;
        if self.format.is_some() {
            let object = json!({"Repository": list.repository.name(), "Tags": list.tags});
            return Ok(session.ui.line(&json_line(&object))?);
        }
        // A name is a line, whatever it is made of.
        list.tags.iter().try_for_each(|tag| Ok(session.ui.line(&escape(tag))?))
    }
}
