//! Checks of `-o FILE` before any work is done.

use std::io::{self, IsTerminal as _};
use std::path::Path;

use super::error::CliError;

/// Docker writes no archive to a terminal.
pub(super) fn refuse_terminal(output: Option<&Path>) -> Result<(), CliError> {
    let is_terminal = match output {
        None => io::stdout().is_terminal(),
        Some(path) if path.starts_with("/dev") || path.starts_with("/proc") => {
            std::fs::OpenOptions::new().write(true).open(path).is_ok_and(|file| file.is_terminal())
        }
        Some(_) => false,
    };
    let refused = "cowardly refusing to save to a terminal. Use the -o flag or redirect";
    if is_terminal { Err(CliError::Plain(refused.to_owned())) } else { Ok(()) }
}

/// What docker says of places where no file can be; `verb` is what it was to do there.
pub(super) fn check_target(path: &Path, verb: &str) -> Result<(), CliError> {
    if path.is_dir() {
        return Err(CliError::Plain(format!("failed to {verb}: cannot write to a directory: {}", path.display())));
    }
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    match folder.map(Path::metadata) {
        Some(Err(error)) => {
            let folder = folder.unwrap_or(path).display();
            let why = if error.kind() == io::ErrorKind::NotFound {
                "no such file or directory".to_owned()
            } else {
                error.to_string()
            };
            Err(CliError::Plain(format!("failed to {verb}: invalid output path: stat {folder}: {why}")))
        }
        _ => Ok(()),
    }
}
