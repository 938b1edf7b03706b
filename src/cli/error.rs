//! How a failure ends: its words on standard error, a hint at the way out, and the exit code.

use std::error::Error as _;
use std::io;
use std::path::Path;
use std::process::ExitCode;

use super::registry_hint;
use crate::archive;
use crate::go::template::TemplateError;
use crate::oci::PlatformError;
use crate::ops;
use crate::ops::search::SearchError;
use crate::store;
use crate::ui::{OutputError, Ui};

/// An error's text; the system's errors, also in the words of others, as C and Go print them, without Rust's number.
fn words(error: &(dyn std::error::Error + 'static)) -> String {
    let text = error.to_string();
    let Some((said, number)) = text.rsplit_once(" (os error ") else { return text };
    if number.strip_suffix(')').is_none_or(|number| number.parse::<i32>().is_err()) {
        return text;
    }
    let mut letters = said.chars();
    letters.next().map(|first| first.to_lowercase().chain(letters).collect()).unwrap_or_default()
}

/// What a shell says of a program that wrote to a pipe which nobody reads any more.
const BROKEN_PIPE: u8 = 141;

fn is_refusal(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem)
}

/// Why a command ends with an error.
#[derive(Debug, thiserror::Error)]
pub(super) enum CliError {
    #[error(transparent)]
    Ops(#[from] ops::Error),
    #[error(transparent)]
    Output(#[from] OutputError),
    #[error(transparent)]
    Template(#[from] TemplateError),
    /// Already reported; only the exit code is left.
    #[error("")]
    AlreadyReported { code: u8 },
    /// Wrong use, in the words of [`usage`](super::usage).
    #[error("{0}")]
    Usage(String),
    /// Another error in the words of a command.
    #[error("{text}")]
    Reworded { text: String, error: Box<CliError> },
    /// An error, and what was probably meant.
    #[error("{error}")]
    Hinted { error: Box<CliError>, hint: String },
    /// Something that is to be said as it stands.
    #[error("{0}")]
    Plain(String),
    /// A build that failed, behind the lines of the Dockerfile that it failed at.
    #[error("{text}")]
    Build { excerpt: String, text: String },
    #[error(transparent)]
    Serve(#[from] crate::serve::ServeError),
    #[error("the terminal cannot be read")]
    Terminal(#[source] io::Error),
    #[error("cannot find a directory for the image store: set HOME, or use --root DIR")]
    NoRoot,
    #[error("invalid platform: {0}")]
    Platform(PlatformError),
    #[error("invalid SOURCE_DATE_EPOCH {text:?}: expected seconds since 1970")]
    Epoch { text: String },
}

impl CliError {
    /// The same error with a hint at what was probably meant.
    pub(super) fn with_hint(self, hint: String) -> Self {
        Self::Hinted { error: Box::new(self), hint }
    }

    /// The error without a hint.
    fn plain(&self) -> &Self {
        match self {
            Self::Hinted { error, .. } => error.plain(),
            other => other,
        }
    }

    /// Tells the error, and gives its exit code.
    pub(super) fn report(&self, ui: &Ui) -> ExitCode {
        match self.plain() {
            Self::Output(OutputError::Closed) => return ExitCode::SUCCESS,
            Self::AlreadyReported { code } => return ExitCode::from(*code),
            // Whoever read the archive has gone away with a part of it, and knows. The system ends cat and tar so.
            _ if self.is_broken_pipe() => return ExitCode::from(BROKEN_PIPE),
            Self::Usage(text) => ui.note(text),
            Self::Build { excerpt, text } => {
                if !excerpt.is_empty() {
                    ui.note(excerpt.trim_end());
                }
                ui.error(text);
            }
            _ => ui.error(&self.sentence()),
        }
        if let Some(hint) = self.hint() {
            ui.note(&format!("hint: {hint}"));
        }
        ExitCode::FAILURE
    }

    fn is_broken_pipe(&self) -> bool {
        let mut cause = self.plain().source();
        while let Some(error) = cause {
            if error.downcast_ref::<io::Error>().is_some_and(|error| error.kind() == io::ErrorKind::BrokenPipe) {
                return true;
            }
            cause = error.source();
        }
        false
    }

    /// The image that is not there, if that is what is wrong.
    pub(super) fn missing_image(&self) -> Option<&str> {
        match self {
            Self::Reworded { error, .. } | Self::Hinted { error, .. } => error.missing_image(),
            Self::Ops(ops::Error::NoSuchImage(name)) => Some(name),
            _ => None,
        }
    }

    /// The error and its causes, each once.
    pub(super) fn sentence(&self) -> String {
        let mut text = self.to_string();
        let mut cause = self.plain().source();
        while let Some(error) = cause {
            let more = words(error);
            if !text.contains(&more) {
                text.push_str(": ");
                text.push_str(&more);
            }
            cause = error.source();
        }
        text
    }

    fn hint(&self) -> Option<String> {
        match self {
            Self::Hinted { hint, .. } => Some(hint.clone()),
            Self::Reworded { error, .. } => error.hint(),
            Self::Ops(ops::Error::NoSuchImage(name)) => {
                let file = name.strip_suffix(":latest").unwrap_or(name);
                Path::new(file).exists().then(|| format!("{file} is a file; to inspect an archive, write ./{file}"))
            }
            Self::Ops(ops::Error::InvalidFilter(_)) => {
                let filters = "dangling=, label=, label!=, before=, since=, until= and reference=";
                Some(format!("supported filters: {filters}"))
            }
            Self::Ops(ops::Error::Search(SearchError::Filter(_))) => {
                Some("supported filters: is-official= and stars=".to_owned())
            }
            Self::Ops(ops::Error::Conflict { names, .. }) => {
                Some(format!("it is named {}; --force removes all of these names", names.join(", ")))
            }
            Self::Ops(ops::Error::DependentChildren { children, .. }) => {
                Some(format!("committed on it, and to be removed first: {}", children.join(", ")))
            }
            Self::Ops(ops::Error::NotARootfs { what, .. }) if Path::new(what).is_file() => {
                Some(format!("to load an archive of images: imgtool load -i {what}"))
            }
            Self::Ops(ops::Error::Input { path, source: archive::Error::RootFs | archive::Error::NotAnArchive }) => {
                let file = if Path::new(path).is_file() { path } else { "FILE" };
                Some(format!("what docker export wrote is a root file system: imgtool import {file} NAME"))
            }
            Self::Ops(ops::Error::NotARootfs { .. }) => Some("to load an archive of images: imgtool load".to_owned()),
            Self::Ops(ops::Error::Store(store::Error::Io { source, .. })) if is_refusal(source) => {
                Some("the image store is not writable; use --root DIR for another one".to_owned())
            }
            Self::Ops(ops::Error::Registry(error) | ops::Error::PullDenied { source: error, .. }) => {
                registry_hint::hint(error)
            }
            Self::Ops(ops::Error::Delete(ops::DeleteError::DeletionOff { .. })) => {
                Some(registry_hint::DELETION.to_owned())
            }
            Self::Ops(ops::Error::Http(error)) => registry_hint::of_network(error),
            Self::Ops(ops::Error::Credentials(error)) => registry_hint::of_credentials(error),
            Self::Ops(ops::Error::Folder { path }) => {
                Some(format!("to make it an image: imgtool commit --from scratch {}", path.display()))
            }
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::layer::ScanError;

    #[test]
    fn errors_of_the_system_are_said_plainly() {
        const NO_SPACE: i32 = 28;
        let error = io::Error::from_raw_os_error(NO_SPACE);
        assert_eq!(words(&error), "no space left on device");
        assert_eq!(words(&ScanError::from(error)), "no space left on device");
        assert_eq!(words(&io::Error::other("As it is (os error x)")), "As it is (os error x)");
    }
}
