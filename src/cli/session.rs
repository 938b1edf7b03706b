//! What every command has: the store, the streams, the clock, the environment.

use std::env;
use std::path::PathBuf;
use std::sync::Arc;

use jiff::Timestamp;
use serde_json::{Value, json};

use super::error::CliError;
use super::usage::{self, Arity, Called};
use crate::cancel::Token;
use crate::image::Progress;
use crate::layer::Limits;
use crate::oci::{Created, DiffId, Digest, ImageId, Platform, Reference, go_json};
use crate::ops::Context;
use crate::ops::near::near;
use crate::registry::Registries;
use crate::registry::credentials::CredentialStore;
use crate::store::Store;
use crate::ui::{ProgressMode, Ui};

/// One run of the program.
pub(super) struct Session {
    /// What the verbs work on.
    pub(super) context: Context,
    /// The credentials for registries.
    pub(super) credentials: Arc<CredentialStore>,
    /// Where output goes.
    pub(super) ui: Ui,
    /// The time at which the program started.
    pub(super) now: Timestamp,
    progress: ProgressMode,
    called: Called,
}

impl Session {
    pub(super) fn open(
        ui: Ui,
        root: Option<PathBuf>,
        progress: ProgressMode,
        called: Called,
        registries: Registries,
        credentials: Arc<CredentialStore>,
        job: &Token,
    ) -> Result<Self, CliError> {
        let root = root.or_else(self::root).ok_or(CliError::NoRoot)?;
        let store = Store::new(root).of_job(job.clone());
        let context = Context { store, host: Platform::host(), limits: Limits::default(), registries };
        Ok(Self { context, credentials, ui, now: Timestamp::now(), progress, called })
    }

    /// Checks the number of arguments of the command that was typed.
    pub(super) fn check(&self, arity: Arity, given: &[String]) -> Result<(), CliError> {
        usage::check(arity, given, &self.called)
    }

    /// Tells an error of which there is more to say than its own words.
    pub(super) fn tell(&self, error: CliError) -> CliError {
        if self.context.store.job().is_cancelled() || error.missing_image().is_none() {
            return error;
        }
        error.report(&self.ui);
        self.suggest(&error);
        CliError::AlreadyReported { code: 1 }
    }

    /// Tells what went wrong with some of several names. With one name, its error is that of the command.
    pub(super) fn all_or_report(&self, count: usize, failed: Vec<(String, CliError)>) -> Result<(), CliError> {
        let mut failed = failed.into_iter();
        let Some((name, first)) = failed.next() else { return Ok(()) };
        if count == 1 || self.context.store.job().is_cancelled() {
            return Err(first);
        }
        for (name, error) in std::iter::once((name, first)).chain(failed) {
            let sentence = error.sentence();
            let is_named = sentence.contains(name.strip_prefix("docker://").unwrap_or(&name));
            let text = if is_named { sentence } else { format!("{name}: {sentence}") };
            CliError::Reworded { text, error: Box::new(error) }.report(&self.ui);
        }
        Err(CliError::AlreadyReported { code: 1 })
    }

    /// Behind an error about an image that is not there, names the one that was probably meant.
    pub(super) fn suggest(&self, error: &CliError) {
        if let Some(meant) = error.missing_image().and_then(|name| near(&self.context, name)) {
            self.ui.note(&format!("did you mean {}?", meant.familiar()));
        }
    }

    /// The command that was typed, and the name by which the program was called.
    pub(super) fn called(&self) -> &Called {
        &self.called
    }

    /// What `--progress` says.
    pub(super) fn progress_mode(&self) -> ProgressMode {
        self.progress
    }

    /// Progress as `--progress` says.
    pub(super) fn progress(&self, quiet: bool) -> Box<dyn Progress> {
        let is_dumb = variable("TERM").is_some_and(|term| term == "dumb");
        let mode = match self.progress {
            // Bars move the cursor.
            ProgressMode::Auto if is_dumb && !quiet && self.ui.stderr_is_terminal() => ProgressMode::Plain,
            mode => mode,
        };
        self.ui.progress(mode, quiet)
    }

    /// The platforms that `--platform` says, in one list or several.
    pub(super) fn platforms(typed: &[String]) -> Result<Vec<Platform>, CliError> {
        let typed = typed.iter().flat_map(|list| list.split(',')).filter(|text| !text.is_empty());
        typed.map(|text| text.parse().map_err(CliError::Platform)).collect()
    }

    /// The one platform that `--platform` says, if it says any.
    pub(super) fn platform(typed: Option<&String>) -> Result<Option<Platform>, CliError> {
        let mut platforms = Self::platforms(typed.map(std::slice::from_ref).unwrap_or_default())?;
        if platforms.len() > 1 {
            return Err(CliError::Plain("--platform takes one platform".to_owned()));
        }
        Ok(platforms.pop())
    }

    /// The time of what is written: `$SOURCE_DATE_EPOCH`, or 1970.
    pub(super) fn epoch() -> Result<i64, CliError> {
        Ok(source_date_epoch()?.unwrap_or(0))
    }

    /// The time at which new images are made: what `--timestamp` says, `$SOURCE_DATE_EPOCH`, or now.
    pub(super) fn created(&self, timestamp: Option<&str>) -> Result<Created, CliError> {
        if let Some(text) = timestamp {
            return parse_timestamp(text);
        }
        let Some(seconds) = source_date_epoch()? else { return Ok(Created::new(self.now)) };
        Created::from_unix_seconds(seconds).ok_or_else(|| CliError::Epoch { text: seconds.to_string() })
    }
}

impl Session {
    /// Whether `$SOURCE_DATE_EPOCH` asks for the same bytes each time.
    pub(super) fn is_reproducible() -> bool {
        variable("SOURCE_DATE_EPOCH").is_some()
    }
}

/// Seconds since 1970, or a time as Docker writes it.
fn parse_timestamp(text: &str) -> Result<Created, CliError> {
    let seconds = text.trim().parse::<i64>().ok().and_then(Created::from_unix_seconds);
    let time = seconds.or_else(|| text.trim().parse().ok());
    time.ok_or_else(|| {
        CliError::Plain(format!("invalid --timestamp {text:?}: expected seconds since 1970 or RFC 3339"))
    })
}

fn source_date_epoch() -> Result<Option<i64>, CliError> {
    let Some(text) = variable("SOURCE_DATE_EPOCH") else { return Ok(None) };
    let seconds = text.trim().parse::<i64>().ok().filter(|seconds| *seconds >= 0);
    seconds.map(Some).ok_or(CliError::Epoch { text })
}

/// A variable that is set to something.
pub(super) fn variable(name: &str) -> Option<String> {
    env::var(name).ok().filter(|value| !value.is_empty())
}

/// A folder that a variable names.
pub(super) fn folder(variable: &str) -> Option<PathBuf> {
    env::var_os(variable).filter(|value| !value.is_empty()).map(PathBuf::from)
}

/// Where the store is if `--root` does not say it.
pub(super) fn root() -> Option<PathBuf> {
    folder("IMGTOOL_ROOT").or_else(default_root)
}

fn default_root() -> Option<PathBuf> {
    let data = folder("XDG_DATA_HOME").or_else(|| Some(folder("HOME")?.join(".local/share")))?;
    Some(data.join("imgtool"))
}

/// What `--format json` says of an image that was made, in the words of `load`.
pub(super) fn made(name: Option<&Reference>, id: &ImageId, digest: &Digest, layers: &[DiffId]) -> Value {
    let names: Vec<String> = name.into_iter().map(Reference::familiar).collect();
    json!({"ID": id, "Names": names, "Digest": digest, "Layers": layers})
}

/// An object in one line, as Docker writes it.
pub(super) fn json_line(object: &Value) -> String {
    String::from_utf8_lossy(&go_json::to_vec_plain(object)).into_owned()
}
