use serde_json::json;

use super::error::CliError;
use super::session::{Session, json_line};
use super::usage::Arity;
use crate::ops::tags::catalog;
use crate::ui::text::escape;

/// List the repositories of a registry
///
/// Docker Hub and most other public registries have no such list, or have it only for those who own them: imgtool search
/// looks for repositories in Docker Hub, imgtool tags lists the tags of one.
#[derive(Debug, clap::Args)]
#[command(override_usage = "catalog [OPTIONS] HOST[:PORT]")]
pub(super) struct Args {
    /// Print the repositories as JSON
    #[arg(long, value_name = "FORMAT", value_parser = ["json"])]
    format: Option<String>,
    /// The registry: localhost:5000
    #[arg(value_name = "HOST[:PORT]")]
    host: Vec<String>,
}

impl Args {
    pub(super) fn run(self, session: &Session) -> Result<(), CliError> {
        session.check(Arity::Exactly(1), &self.host)?;
        let (host, repositories) = catalog(&session.context, &self.host[0])?;
        if self.format.is_some() {
            let object = json!({"Registry": host.as_str(), "Repositories": repositories});
            return Ok(session.ui.line(&json_line(&object))?);
        }
        // A name is a line, whatever it is made of.
        repositories.iter().try_for_each(|repository| Ok(session.ui.line(&escape(repository))?))
    }
}
