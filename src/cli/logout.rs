use super::completes::Completes;
use super::error::CliError;
use super::login::server;
use super::session::Session;
use super::usage::Arity;
use crate::ops;

/// Log out from a registry
///
/// Without a server, from Docker Hub. What was kept by login, of imgtool or of docker, is forgotten.
#[derive(Debug, clap::Args)]
#[command(override_usage = "logout [SERVER]")]
pub(super) struct Args {
    /// The registry: ghcr.io, localhost:5000
    #[arg(value_name = "SERVER", add = Completes::Each(&[Completes::Servers]))]
    server: Vec<String>,
}

impl Args {
    pub(super) fn run(self, session: &Session) -> Result<(), CliError> {
        session.check(Arity::AtMost(1), &self.server)?;
        let server = server(self.server.first())?;
        session.ui.line(&format!("Removing login credentials for {server}"))?;
        let erased = ops::login::logout(&session.credentials, &server)?;
        for place in erased.remaining {
            session.ui.warn(&format!("{place} still has credentials for {server}, and is left as it is"));
        }
        Ok(())
    }
}
