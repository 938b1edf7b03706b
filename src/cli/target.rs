//! Checks of `-o FILE` before any work is done.

use std::io::{self, IsTerminal as _};
use std::os::unix::fs::FileTypeExt as _;
use std::path::Path;

use super::error::CliError;
use super::session::Session;

/// Docker writes no archive to a terminal.
pub(super) fn refuse_terminal(session: &Session, output: Option<&Path>) -> Result<(), CliError> {
    let is_terminal = match output {
        None => session.ui.stdout_is_terminal(),
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
    let kind = path.metadata().map(|metadata| metadata.file_type());
    let refused = match kind {
        Ok(kind) if kind.is_dir() => Some("a directory"),
        Ok(kind) if kind.is_char_device() => Some("a character device file"),
        Ok(kind) if kind.is_block_device() => Some("a block device file"),
        Ok(kind) if kind.is_socket() => Some("a socket"),
        _ => None,
    };
    if let Some(what) = refused {
        return Err(CliError::Plain(format!("failed to {verb}: cannot write to {what}")));
    }
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    let why = match folder.map(Path::metadata) {
        Some(Err(error)) if error.kind() == io::ErrorKind::NotFound => "no such file or directory".to_owned(),
        Some(Err(error)) => error.to_string(),
        Some(Ok(found)) if !found.is_dir() => "not a directory".to_owned(),
        _ => return Ok(()),
    };
    let folder = folder.unwrap_or(path);
    let shown = folder.display();
    let error = CliError::Plain(format!("failed to {verb}: invalid output path: stat {shown}: {why}"));
    Err(match missing(folder) {
        Some(missing) => error.with_hint(format!("{} does not exist. Create it: mkdir -p {shown}", missing.display())),
        None => error,
    })
}

/// The uppermost folder on the way that does not exist.
fn missing(folder: &Path) -> Option<&Path> {
    let parts = folder.ancestors().take_while(|part| !part.as_os_str().is_empty());
    parts.take_while(|part| part.symlink_metadata().is_err_and(|error| error.kind() == io::ErrorKind::NotFound)).last()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_folder_that_is_missing_is_the_uppermost() {
        let folder = tempfile::TempDir::new().expect("a temporary folder");
        let at = |path: &str| folder.path().join(path);
        assert_eq!(missing(&at("no/such/place")), Some(at("no").as_path()));
        assert_eq!(missing(folder.path()), None);
        std::fs::write(at("file"), "").expect("a file");
        assert_eq!(missing(&at("file/inside")), None);
    }
}
