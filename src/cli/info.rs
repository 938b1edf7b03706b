use serde_json::{Value, json};

use super::completes::Completes;
use super::error::CliError;
use super::session::Session;
use super::usage::Arity;
use super::version::{VERSION, print};
use crate::docker::types;
use crate::ops::images::images;

/// Display system-wide information: the store and this machine
#[derive(Debug, clap::Args)]
#[command(override_usage = "info [OPTIONS]")]
pub(super) struct Args {
    /// Format output using a custom template: 'json', or a Go template
    #[arg(short, long, value_name = "FORMAT", add = Completes::FORMAT)]
    format: Option<String>,
    #[arg(hide = true)]
    extra: Vec<String>,
}

impl Args {
    pub(super) fn run(self, session: &Session) -> Result<(), CliError> {
        session.check(Arity::None, &self.extra)?;
        let listing = images(&session.context)?;
        for problem in listing.problems {
            session.ui.warn(&CliError::from(problem).sentence());
        }
        let facts = facts(session, listing.images.len());
        match self.format.as_deref().filter(|format| !format.is_empty()) {
            Some(format) => print(session, format, &types::INFO, &facts),
            None => Ok(session.ui.data(&text(&facts))?),
        }
    }
}

/// The fields of docker's that say something without a daemon.
fn facts(session: &Session, count: usize) -> Value {
    let cpus = std::thread::available_parallelism().map_or(1, usize::from);
    json!({
        "Containers": 0,
        "ContainersRunning": 0,
        "ContainersPaused": 0,
        "ContainersStopped": 0,
        "Images": count,
        "Driver": "oci-layout",
        "OSType": session.context.host.os,
        "Architecture": std::env::consts::ARCH,
        "NCPU": cpus,
        "DockerRootDir": session.context.store.root().display().to_string(),
        "ServerVersion": VERSION,
        "ClientInfo": { "Debug": false, "Version": VERSION, "Context": "default", "Plugins": [], "Warnings": null },
    })
}

fn text(facts: &Value) -> String {
    let fact = |name: &str| facts[name].as_str().map_or_else(|| facts[name].to_string(), str::to_owned);
    format!(
        "Client: imgtool\n Version:    {VERSION}\n Context:    default\n Debug Mode: false\n\n\
         Server: none, it works by itself\n Containers: 0\n  Running: 0\n  Paused: 0\n  Stopped: 0\n Images: {}\n \
         Server Version: {VERSION}\n Storage Driver: {}\n OSType: {}\n Architecture: {}\n CPUs: {}\n \
         Docker Root Dir: {}\n",
        fact("Images"),
        fact("Driver"),
        fact("OSType"),
        fact("Architecture"),
        fact("NCPU"),
        fact("DockerRootDir"),
    )
}
