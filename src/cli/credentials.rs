//! Where this user's credentials for registries are.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use super::error::CliError;
use super::registry_hint::HELPER_TIME_VARIABLE;
use super::session::{folder, variable};
use crate::cancel::Token;
use crate::ops;
use crate::registry::credentials::{CredentialStore, Error, ServerKey, Sources};
use crate::registry::{FindCredentials, Secret};
use crate::ui::Ui;

/// How long a credential helper may take. One that shows a window waits for somebody who types a password there.
const HELPER_TIME: Duration = Duration::from_secs(20);

/// The credentials, as the environment says where they are. `config` is docker's `--config`.
pub(super) fn open(config: Option<&Path>, job: &Token) -> Result<CredentialStore, CliError> {
    let home = folder("HOME");
    let below_home = |path: &str| home.as_ref().map(|home| home.join(path));
    let config = config.map(Path::to_owned).or_else(|| folder("DOCKER_CONFIG")).or_else(|| below_home(".docker"));
    Ok(CredentialStore::new(Sources {
        config: config.map(|folder| folder.join("config.json")),
        variable: variable("DOCKER_AUTH_CONFIG").map(Secret::new),
        podman: podman(folder("XDG_CONFIG_HOME").or_else(|| below_home(".config"))),
        path: folder("PATH").unwrap_or_default().into(),
        helper_time: helper_time()?,
        job: job.clone(),
    }))
}

/// Podman's files, in the order in which it reads them. `config` is where users' programs have theirs.
fn podman(config: Option<PathBuf>) -> Vec<PathBuf> {
    if let Some(file) = folder("REGISTRY_AUTH_FILE") {
        return vec![file];
    }
    let user = rustix::process::geteuid().as_raw();
    let runtime = folder("XDG_RUNTIME_DIR").map(|folder| folder.join("containers"));
    let runtime = runtime.unwrap_or_else(|| PathBuf::from(format!("/run/containers/{user}")));
    [runtime]
        .into_iter()
        .chain(config.map(|folder| folder.join("containers")))
        .map(|folder| folder.join("auth.json"))
        .collect()
}

fn helper_time() -> Result<Duration, CliError> {
    let Some(text) = variable(HELPER_TIME_VARIABLE) else { return Ok(HELPER_TIME) };
    let seconds = text.trim().parse().ok().filter(|seconds| *seconds > 0);
    seconds.map(Duration::from_secs).ok_or_else(|| {
        CliError::Plain(format!("invalid {HELPER_TIME_VARIABLE} {text:?}: expected a number of seconds"))
    })
}

/// Finds credentials for whoever asks a registry. What cannot be read is a warning: public images still come.
pub(super) fn finder(store: &Arc<CredentialStore>, ui: &Ui) -> Arc<FindCredentials> {
    let (store, ui) = (Arc::clone(store), ui.clone());
    Arc::new(move |host, repository| {
        let found = store.get(&ServerKey::of(host.as_str()), repository);
        for warning in found.warnings {
            let end = if matches!(warning, Error::Exposed { .. }) { "" } else { "; going on without it" };
            let sentence = CliError::from(ops::Error::from(warning)).sentence();
            ui.warn(&format!("{sentence}{end}"));
        }
        found.credentials
    })
}
