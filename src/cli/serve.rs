use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::thread;

use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::iterator::Signals;

use super::error::CliError;
use super::session::Session;
use super::usage::Arity;
use crate::serve::{Address, Level, Log, LogFormat, Names, Running, Settings, Stop, Webhook, serve};

/// How many names are told at the start that are served under another one, and that are not served.
const MAX_NAMES: usize = 10;

/// Serve the store as a registry
///
/// docker, podman and other clients push to it and pull from it: what is pushed is an image of the store, and what was
/// loaded can be pulled. The image demo:1 of the store is HOST:PORT/demo:1 for them.
#[derive(Debug, clap::Args)]
#[command(override_usage = "serve [OPTIONS]")]
pub(super) struct Args {
    /// Listen at this address, or at a Unix socket (unix:PATH); can be given several times
    #[arg(long, value_name = "HOST:PORT", default_value = "127.0.0.1:5000", value_parser = parse_address)]
    addr: Vec<Address>,
    /// Refuse to push and to delete
    #[arg(long)]
    read_only: bool,
    /// Refuse to delete
    #[arg(long)]
    no_delete: bool,
    /// Log requests to standard output: as web servers do, as JSON, or not at all; errors go to standard error
    #[arg(long, value_name = "plain|json|none", default_value = "plain", value_parser = parse_log, hide_default_value = true)]
    log: LogFormat,
    /// Tell this server what is pushed, pulled and deleted; can be given several times
    #[arg(long, value_name = "URL[,format=docker|docker-v2|hub][,secret-file=FILE]")]
    notify: Vec<Webhook>,
    /// Nothing else is taken
    #[arg(hide = true)]
    operands: Vec<String>,
}

impl Args {
    pub(super) fn run(self, session: &Session) -> Result<(), CliError> {
        session.check(Arity::Exactly(0), &self.operands)?;
        for webhook in &self.notify {
            webhook.check().map_err(|error| CliError::Plain(format!("invalid --notify: {error}")))?;
        }
        let settings = Settings {
            addresses: self.addr,
            read_only: self.read_only,
            no_delete: self.no_delete,
            log: start_log(session, self.log),
            notify: self.notify,
        };
        let stop = Stop::default();
        stop_on_signals(session, &stop)?;
        serve(&session.context, settings, &stop, |running| announce(session, running))?;
        Ok(())
    }
}

/// Ends the server when a signal asks for it: requests that are being answered are finished. A second signal ends the
/// program at once.
fn stop_on_signals(session: &Session, stop: &Stop) -> Result<(), CliError> {
    let failed = |source: io::Error| CliError::Serve(crate::serve::ServeError::Start(source));
    // Signals do not cancel a job that is publishing its results.
    session.context.store.job().finish().map_err(failed)?;
    let mut signals = Signals::new([SIGINT, SIGTERM, SIGHUP]).map_err(failed)?;
    let stop = stop.clone();
    thread::spawn(move || {
        if signals.forever().next().is_some() {
            stop.stop();
        }
    });
    Ok(())
}

/// Requests are data, all else is talk. In JSON, talk is an object a line, too.
fn start_log(session: &Session, format: LogFormat) -> Log {
    let ui = session.ui.clone();
    Log::start(format, move |level, line| {
        match level {
            Level::Request => return ui.line(line).is_ok(),
            _ if format == LogFormat::Json => ui.note(line),
            Level::Note => ui.note(line),
            Level::Warning => ui.warn(line),
            Level::Error => ui.error(line),
        }
        true
    })
}

fn announce(session: &Session, running: &Running) {
    for address in &running.addresses {
        let place = match address {
            Address::Tcp(address) => format!("http://{address}"),
            Address::Unix(path) => format!("unix:{}", path.display()),
        };
        session.ui.note(&format!("serving {} at {place}", session.context.store.root().display()));
    }
    let Names { renamed, unserved } = &running.names;
    for (name, served) in renamed.iter().take(MAX_NAMES) {
        session.ui.note(&format!("{name} is served as {served}, since a repository's name has no port"));
    }
    for name in unserved.iter().take(MAX_NAMES) {
        session.ui.note(&format!(
            "{name} is not served, since a repository's name has no port: give it another name with tag"
        ));
    }
    let more = renamed.len().saturating_sub(MAX_NAMES) + unserved.len().saturating_sub(MAX_NAMES);
    if more > 0 {
        session.ui.note(&format!("{more} more names have a port"));
    }
}

fn parse_log(text: &str) -> Result<LogFormat, String> {
    match text {
        "plain" => Ok(LogFormat::Plain),
        "json" => Ok(LogFormat::Json),
        "none" => Ok(LogFormat::None),
        _ => Err("expected plain, json or none".to_owned()),
    }
}

fn parse_address(text: &str) -> Result<Address, String> {
    if let Some(path) = text.strip_prefix("unix:") {
        return Ok(Address::Unix(PathBuf::from(path.trim_start_matches("//"))));
    }
    // Docker's form for all addresses: :5000
    let full = if text.starts_with(':') { format!("0.0.0.0{text}") } else { text.replace("localhost:", "127.0.0.1:") };
    full.parse::<SocketAddr>()
        .map(Address::Tcp)
        .map_err(|_| "expected an IP address and a port, as 127.0.0.1:5000, or unix:PATH".to_owned())
}
