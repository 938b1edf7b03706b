mod config;
mod systemd;

use std::net::SocketAddr;
use std::path::PathBuf;
use std::thread;
use std::time::Duration;

use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::iterator::Signals;
use signal_hook::low_level;

use self::systemd::Systemd;
use super::completes::Completes;
use super::error::CliError;
use super::session::Session;
use super::usage::Arity;
use crate::ops::filter::duration;
use crate::registry::RegistryHost;
use crate::serve::{
    AccessSettings, Address, Collection, Control, Level, Log, LogFormat, Names, ProxySettings, Running, ServeError,
    Settings, TlsSettings, Webhook, serve,
};

/// How many names are told at the start that are served under another one, and that are not served.
const MAX_NAMES: usize = 10;
/// For how long another registry is not asked again what a tag leads to, if nothing else is said, in seconds.
const TTL: u64 = 60;
/// How long requests may take at the end, if nothing else is said, in seconds.
const GRACE: u64 = 30;
/// How long a client may send nothing in the middle of a request, if nothing else is said, in seconds.
const STALL: u64 = 60;

/// Serve the store as a registry
///
/// docker, podman and other clients push to it and pull from it: what is pushed is an image of the store, and what was
/// loaded can be pulled. The image demo:1 of the store is HOST:PORT/demo:1 for them.
#[derive(Debug, Default, clap::Args)]
#[expect(clippy::struct_excessive_bools, reason = "each is a flag")]
#[command(override_usage = "serve [OPTIONS]")]
pub(super) struct Args {
    /// Listen at this address [default: 127.0.0.1:5000], or at a Unix socket (unix:PATH); can be given several times
    #[arg(long, value_name = "HOST:PORT", value_parser = parse_address)]
    addr: Vec<Address>,
    /// Read flags from this file, and rules for users; JSON, with the flags' names as keys
    #[arg(long, value_name = "FILE", add = Completes::Files)]
    config: Option<PathBuf>,
    /// Refuse to push and to delete
    #[arg(long)]
    read_only: bool,
    /// Refuse to delete
    #[arg(long)]
    no_delete: bool,
    /// Log requests to standard output: as web servers do (plain), as JSON, or not at all; errors go to standard error
    #[arg(long, value_name = "plain|json|none", value_parser = parse_log)]
    log: Option<LogFormat>,
    /// Collect garbage each time so much time has passed, 0 for never [default: 1h]
    #[arg(long, value_name = "DURATION", value_parser = parse_duration)]
    gc_interval: Option<Duration>,
    /// Keep a manifest so long that lost its last tag [default: 168h]
    #[arg(long, value_name = "DURATION", value_parser = parse_duration)]
    gc_grace: Option<Duration>,
    /// Tell this server what is pushed, pulled and deleted; can be given several times
    #[arg(long, value_name = "URL[,format=docker|docker-v2|hub][,secret-file=FILE]")]
    notify: Vec<Webhook>,
    /// Fetch what is asked for and not here from this registry, and keep it
    #[arg(long, value_name = "HOST[:PORT]", value_parser = RegistryHost::typed)]
    proxy: Option<RegistryHost>,
    /// Ask that registry again what a tag leads to after so many seconds [default: 60]
    #[arg(long, value_name = "SECONDS", value_parser = clap::value_parser!(u64).range(..=31_536_000))]
    proxy_ttl: Option<u64>,
    /// Let in only the users in this file (made with htpasswd -B); it is read again when it changes
    #[arg(long, value_name = "FILE", add = Completes::Files)]
    htpasswd: Option<PathBuf>,
    /// Let everybody pull, and only users push
    #[arg(long)]
    anonymous_pull: bool,
    /// Encrypt connections with this certificate chain (PEM); it is read again when it changes
    #[arg(long, value_name = "FILE", add = Completes::Files)]
    tls_cert: Option<PathBuf>,
    /// The certificate's private key (PEM)
    #[arg(long, value_name = "FILE", add = Completes::Files)]
    tls_key: Option<PathBuf>,
    /// Encrypt connections with a certificate for these names and addresses, of an authority that is made for it
    #[arg(long, value_name = "NAME", value_delimiter = ',')]
    tls_self_signed: Vec<String>,
    /// Listen in the network without encryption
    #[arg(long)]
    insecure: bool,
    /// Drop a client that sends nothing for so many seconds in the middle of a request [default: 60]
    #[arg(long, value_name = "SECONDS", value_parser = clap::value_parser!(u64).range(1..=86400))]
    client_timeout: Option<u64>,
    /// Give requests so many seconds to finish when the server is told to end [default: 30]
    #[arg(long, value_name = "SECONDS", value_parser = clap::value_parser!(u64).range(0..=86400))]
    stop_timeout: Option<u64>,
    /// Nothing else is taken
    #[arg(hide = true)]
    operands: Vec<String>,
}

impl Args {
    pub(super) fn run(mut self, session: &Session) -> Result<(), CliError> {
        session.check(Arity::Exactly(0), &self.operands)?;
        let mut access = AccessSettings::default();
        if let Some(path) = self.config.take() {
            let config = config::read(&path)?;
            (access.groups, access.rules) = (config.groups, config.rules);
            self = self.or(config.flags);
        }
        for webhook in &self.notify {
            webhook.check().map_err(|error| CliError::Plain(format!("invalid --notify: {error}")))?;
        }
        let systemd = Systemd::from_environment().map_err(CliError::Plain)?;
        let log = start_log(session, self.log.unwrap_or_default());
        let settings = Settings { log, ..self.settings(access, &systemd)? };
        let control = Control::default();
        listen_to_signals(&control, &systemd)?;
        let ended = serve(&session.context, settings, &control, |running| {
            announce(session, running);
            systemd.ready();
        })?;
        if ended.cut > 0 {
            session.ui.note(&format!("connections that did not end in time: {}", ended.cut));
        }
        Ok(())
    }

    /// These flags, and those of a file where they are not given.
    fn or(self, file: Self) -> Self {
        let is_certified = self.tls_cert.is_some() || self.tls_key.is_some() || !self.tls_self_signed.is_empty();
        let tls = if is_certified {
            Self::default()
        } else {
            Self {
                tls_cert: file.tls_cert,
                tls_key: file.tls_key,
                tls_self_signed: file.tls_self_signed,
                ..Self::default()
            }
        };
        Self {
            addr: if self.addr.is_empty() { file.addr } else { self.addr },
            config: self.config,
            read_only: self.read_only || file.read_only,
            no_delete: self.no_delete || file.no_delete,
            log: self.log.or(file.log),
            gc_interval: self.gc_interval.or(file.gc_interval),
            gc_grace: self.gc_grace.or(file.gc_grace),
            notify: if self.notify.is_empty() { file.notify } else { self.notify },
            proxy: self.proxy.or(file.proxy),
            proxy_ttl: self.proxy_ttl.or(file.proxy_ttl),
            htpasswd: self.htpasswd.or(file.htpasswd),
            anonymous_pull: self.anonymous_pull || file.anonymous_pull,
            tls_cert: self.tls_cert.or(tls.tls_cert),
            tls_key: self.tls_key.or(tls.tls_key),
            tls_self_signed: if self.tls_self_signed.is_empty() { tls.tls_self_signed } else { self.tls_self_signed },
            insecure: self.insecure || file.insecure,
            client_timeout: self.client_timeout.or(file.client_timeout),
            stop_timeout: self.stop_timeout.or(file.stop_timeout),
            operands: self.operands,
        }
    }

    fn settings(self, access: AccessSettings, systemd: &Systemd) -> Result<Settings, CliError> {
        let plain = |text: &str| CliError::Plain(text.to_owned());
        let tls = match (self.tls_cert, self.tls_key) {
            (Some(_), Some(_)) if !self.tls_self_signed.is_empty() => {
                return Err(plain("--tls-self-signed makes a certificate, and --tls-cert names one: choose"));
            }
            (Some(certificate), Some(key)) => Some(TlsSettings::Files { certificate, key }),
            (None, None) if self.tls_self_signed.is_empty() => None,
            (None, None) => Some(TlsSettings::SelfSigned { names: self.tls_self_signed }),
            (Some(_), None) => return Err(plain("--tls-cert needs the certificate's key: --tls-key FILE")),
            (None, Some(_)) => return Err(plain("--tls-key needs the key's certificate: --tls-cert FILE")),
        };
        let ttl = Duration::from_secs(self.proxy_ttl.unwrap_or(TTL));
        let often = Collection::default();
        let mut addresses = self.addr;
        if addresses.is_empty() && systemd.sockets.is_empty() {
            addresses.push(Address::Tcp(SocketAddr::from(([127, 0, 0, 1], 5000))));
        }
        Ok(Settings {
            addresses,
            sockets: systemd.sockets.clone(),
            read_only: self.read_only,
            no_delete: self.no_delete,
            collection: Collection {
                interval: self
                    .gc_interval
                    .map_or(often.interval, |interval| Some(interval).filter(|one| !one.is_zero())),
                grace: self.gc_grace.unwrap_or(often.grace),
            },
            notify: self.notify,
            proxy: self.proxy.map(|host| ProxySettings { host, ttl }),
            access: AccessSettings { htpasswd: self.htpasswd, anonymous_pull: self.anonymous_pull, ..access },
            tls,
            insecure: self.insecure,
            stall: Duration::from_secs(self.client_timeout.unwrap_or(STALL)),
            grace: Duration::from_secs(self.stop_timeout.unwrap_or(GRACE)),
            ..Settings::default()
        })
    }
}

/// Ends the server when a signal asks for it: requests that are being answered are finished. A second signal ends the
/// program at once. SIGHUP makes it read its files again.
fn listen_to_signals(control: &Control, systemd: &Systemd) -> Result<(), CliError> {
    let failed = |source| CliError::Serve(ServeError::Start(source));
    let mut signals = Signals::new([SIGINT, SIGTERM, SIGHUP]).map_err(failed)?;
    let (control, systemd) = (control.clone(), systemd.clone());
    thread::spawn(move || {
        let mut is_ending = false;
        for signal in signals.forever() {
            if signal == SIGHUP {
                systemd.reloading();
                control.reread();
                systemd.ready();
            } else if std::mem::replace(&mut is_ending, true) {
                let _ = low_level::emulate_default_handler(signal);
            } else {
                systemd.stopping();
                control.stop();
            }
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
    let scheme = if running.is_encrypted { "https" } else { "http" };
    for address in &running.addresses {
        let place = match address {
            Address::Tcp(address) => format!("{scheme}://{address}"),
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
    trust(session, running);
}

/// Tells how others trust the certificate of our own authority.
fn trust(session: &Session, running: &Running) {
    let Some((certificate, names)) = &running.authority else { return };
    let port = running.addresses.iter().find_map(|address| match address {
        Address::Tcp(address) => Some(address.port()),
        Address::Unix(_) => None,
    });
    for host in names.iter().map(|name| format!("{name}:{}", port.unwrap_or(443))) {
        let folder = format!("/etc/docker/certs.d/{host}");
        session.ui.note(&format!("\nso that docker, podman and skopeo on a machine trust {host}:"));
        session.ui.note(&format!("  sudo mkdir -p {folder}"));
        session.ui.note(&format!("  sudo cp {} {folder}/ca.crt", certificate.display()));
        session.ui.note(&format!("  docker pull {host}/IMAGE"));
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
        .map_err(|_| "expected an IP address and a port, as 127.0.0.1:5000 or [::]:5000, or unix:PATH".to_owned())
}

fn parse_duration(text: &str) -> Result<Duration, String> {
    let duration =
        if text == "0" { Some(Duration::ZERO) } else { duration(text).and_then(|read| read.try_into().ok()) };
    duration.ok_or_else(|| "expected a duration, as 90s or 1h30m".to_owned())
}
