//! How registries are reached: the flags for it, the environment, and docker's own files.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use serde_json::Value;

use super::completes::Completes;
use super::credentials;
use super::error::CliError;
use super::help::render::REGISTRY_FLAGS;
use super::network;
use super::session::folder;
use crate::http::{self, Url, Waiting};
use crate::registry::credentials::CredentialStore;
use crate::registry::{InsecureRegistry, Registries, RegistrySettings};
use crate::ui::{ProgressMode, Ui};

/// Where docker's daemon is configured; that of a user, docker/daemon.json in $`XDG_CONFIG_HOME`, is read too.
const DAEMON: &str = "/etc/docker/daemon.json";
/// Where docker and podman have the certificates for single registries.
const CERTIFICATES: [&str; 2] = ["/etc/docker/certs.d", "/etc/containers/certs.d"];

/// The flags of all commands that may use a registry.
#[derive(Debug, Clone, clap::Args)]
#[command(next_help_heading = REGISTRY_FLAGS)]
pub(super) struct RegistryFlags {
    /// Reach this registry without TLS, or without verifying its certificate; can be repeated
    #[arg(long, value_name = "HOST[:PORT]", global = true)]
    insecure_registry: Vec<String>,
    /// Trust the certificate authorities in this file, too; can be repeated
    #[arg(long, value_name = "FILE", global = true, add = Completes::Files)]
    tls_ca: Vec<PathBuf>,
    /// Send credentials to this token server, although it is not of the registry's domain; can be repeated
    #[arg(long, value_name = "HOST", global = true)]
    token_server: Vec<String>,
    /// Give up on a server that sends nothing for so many seconds
    #[arg(long, value_name = "SECONDS", global = true, default_value_t = 30, value_parser = clap::value_parser!(u64).range(1..=3600))]
    stall_timeout: u64,
}

impl RegistryFlags {
    /// The registries, as the flags, the environment and docker's files say that they are reached.
    pub(super) fn registries(
        self,
        ui: Ui,
        progress: ProgressMode,
        credentials: &Arc<CredentialStore>,
    ) -> Result<Registries, CliError> {
        let wrong = |error| CliError::Plain(format!("invalid --insecure-registry: {error}"));
        let insecure = self.insecure_registry.iter().map(|text| InsecureRegistry::parse(text).map_err(wrong));
        let insecure = insecure.collect::<Result<Vec<_>, _>>()?;
        let credentials = credentials::finder(credentials, &ui);
        Ok(Registries::new(move || {
            let stall = Duration::from_secs(self.stall_timeout);
            let mut settings = RegistrySettings {
                network: http::Settings { stall, waiting: waiting(ui.clone(), progress), ..network::network() },
                certificates: certificates(),
                authorities: self.tls_ca,
                token_servers: self.token_server,
                insecure,
                credentials,
                ..RegistrySettings::default()
            };
            let own = folder("XDG_CONFIG_HOME").or_else(|| Some(folder("HOME")?.join(".config")));
            for path in own.map(|own| own.join("docker/daemon.json")).into_iter().chain([DAEMON.into()]) {
                if let Err(why) = read_daemon(&path, &mut settings) {
                    ui.warn(&format!("{} is not used: {why}", path.display()));
                }
            }
            settings
        }))
    }
}

/// Says that a registry asks to wait; once, however many requests it asks to.
fn waiting(ui: Ui, progress: ProgressMode) -> Waiting {
    let until = Mutex::new(Instant::now());
    Waiting::new(move |server, wait| {
        let (now, mut until) = (Instant::now(), until.lock().unwrap_or_else(PoisonError::into_inner));
        if *until > now {
            return;
        }
        *until = now + wait;
        let seconds = wait.as_secs_f64().ceil();
        let text = format!("the registry {server} asks to wait {seconds} s");
        match progress {
            ProgressMode::Json => ui.progress(progress, false).message(&text),
            ProgressMode::None => {}
            ProgressMode::Auto | ProgressMode::Plain => ui.note(&text),
        }
    })
}

/// The folders of certificates: those of the machine, and the user's own.
fn certificates() -> Vec<PathBuf> {
    let config = folder("XDG_CONFIG_HOME").or_else(|| Some(folder("HOME")?.join(".config")));
    let own =
        config.into_iter().flat_map(|config| ["docker", "containers"].map(|name| config.join(name).join("certs.d")));
    CERTIFICATES.iter().map(PathBuf::from).chain(own).collect()
}

/// Adds what docker's daemon is told of registries. A file that does not exist or may not be read says nothing.
fn read_daemon(path: &Path, settings: &mut RegistrySettings) -> Result<(), String> {
    let Ok(text) = std::fs::read(path) else { return Ok(()) };
    let config: Value = serde_json::from_slice(&text).map_err(|error| error.to_string())?;
    let listed = |name: &str| config.get(name).and_then(Value::as_array).cloned().unwrap_or_default();
    for entry in listed("insecure-registries") {
        let text = entry.as_str().ok_or("insecure-registries has an entry that is no text")?;
        settings.insecure.push(InsecureRegistry::parse(text).map_err(|error| error.to_string())?);
    }
    for entry in listed("registry-mirrors") {
        let text = entry.as_str().ok_or("registry-mirrors has an entry that is no text")?;
        let url: Url = text.parse().map_err(|error| format!("registry-mirrors: {text}: {error}"))?;
        settings.mirrors.push(url);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_daemon_is_told() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let path = folder.path().join("daemon.json");
        let read = |text: &str| {
            std::fs::write(&path, text).expect("a file");
            let mut settings = RegistrySettings::default();
            read_daemon(&path, &mut settings).map(|()| (settings.insecure.len(), settings.mirrors.len()))
        };
        assert_eq!(read("{}"), Ok((0, 0)));
        let both = r#"{"insecure-registries":["a:5000","10.0.0.0/8"],"registry-mirrors":["https://m"],"debug":true}"#;
        assert_eq!(read(both), Ok((2, 1)));
        for wrong in ["junk", r#"{"insecure-registries":[1]}"#, r#"{"registry-mirrors":["m"]}"#] {
            assert!(read(wrong).is_err(), "{wrong}");
        }
        let mut settings = RegistrySettings::default();
        assert_eq!(read_daemon(&folder.path().join("none"), &mut settings), Ok(()));
    }
}
