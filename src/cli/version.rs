use serde_json::{Value, json};

use super::completes::Completes;
use super::error::CliError;
use super::session::Session;
use super::usage::Arity;
use crate::docker::types;
use crate::go::template::{Struct, TemplateError};
use crate::ui::render_object;

/// Show the imgtool version information
#[derive(Debug, clap::Args)]
#[command(override_usage = "version [OPTIONS]")]
pub(super) struct Args {
    /// Format output using a custom template: 'json', or a Go template
    #[arg(short, long, value_name = "FORMAT", add = Completes::FORMAT)]
    format: Option<String>,
    #[arg(hide = true)]
    extra: Vec<String>,
}

pub(super) const VERSION: &str = env!("CARGO_PKG_VERSION");
/// Docker's exit code for a template that cannot be parsed.
const BAD_TEMPLATE: u8 = 64;

impl Args {
    pub(super) fn run(self, session: &Session) -> Result<(), CliError> {
        session.check(Arity::None, &self.extra)?;
        let host = &session.context.host;
        let Some(format) = self.format.as_deref().filter(|format| !format.is_empty()) else {
            let both =
                format!(" Version:           {VERSION}\n OS/Arch:           {}/{}\n", host.os, host.architecture);
            let text =
                format!("Client: imgtool\n{both} Context:           default\n\nServer: none, it works by itself\n");
            return Ok(session.ui.data(&text)?);
        };
        // Scripts ask for the server's version to see whether docker works: here what works is the client.
        let part =
            json!({ "Platform": {"Name": "imgtool"}, "Version": VERSION, "Os": host.os, "Arch": host.architecture });
        let mut client = part.clone();
        client["Context"] = json!("default");
        let all = json!({ "Client": client, "Server": part });
        print(session, format, &types::VERSION, &all)
    }
}

/// Prints an object as a template says; one that cannot be parsed has an exit code of its own.
pub(super) fn print(session: &Session, format: &str, of: &'static Struct, object: &Value) -> Result<(), CliError> {
    match render_object(format, of, object) {
        Ok(text) => Ok(session.ui.line(&text)?),
        Err(error @ TemplateError::Parse { .. }) => {
            session.ui.error(&error.to_string());
            Err(CliError::AlreadyReported { code: BAD_TEMPLATE })
        }
        Err(TemplateError::Execute { message }) => {
            session.ui.line("")?;
            Err(CliError::Plain(message))
        }
    }
}
