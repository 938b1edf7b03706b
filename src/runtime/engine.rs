//! Which OCI runtime is used.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use super::Error;

/// The runtimes that are looked for, the fastest first.
const KNOWN: [&str; 3] = ["crun", "runc", "youki"];

/// An OCI runtime.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Engine {
    /// Its program.
    pub path: PathBuf,
    /// Whether it is crun.
    pub is_crun: bool,
}

impl Engine {
    /// The runtime that was asked for by name or path, else the first known one in the folders of `path` that works.
    pub fn probe(wanted: Option<&str>, path: &OsStr) -> Result<Self, Error> {
        if let Some(name) = wanted {
            let bad = |why: &str| Error::BadRuntime { name: name.to_owned(), why: why.to_owned() };
            let found = if name.contains('/') { Some(PathBuf::from(name)) } else { find(name, path) };
            return try_out(&found.ok_or_else(|| bad("it is not on PATH"))?).map_err(|why| bad(&why));
        }
        let mut broken = None;
        for name in KNOWN {
            let Some(program) = find(name, path) else { continue };
            match try_out(&program) {
                Ok(engine) => return Ok(engine),
                Err(why) => broken = broken.or(Some(Error::BadRuntime { name: program.display().to_string(), why })),
            }
        }
        Err(broken.unwrap_or(Error::NoRuntime))
    }
}

/// A program in the folders of PATH, and where ordinary users do not look.
fn find(name: &str, path: &OsStr) -> Option<PathBuf> {
    let further = ["/usr/local/sbin", "/usr/sbin", "/sbin"].map(PathBuf::from);
    std::env::split_paths(path)
        .filter(|folder| folder.is_absolute())
        .chain(further)
        .map(|folder| folder.join(name))
        .find(|program| program.is_file())
}

/// Asks for its version.
fn try_out(program: &Path) -> Result<Engine, String> {
    let asked = Command::new(program).arg("--version").stdin(Stdio::null()).output();
    let answer = asked.map_err(|error| error.to_string())?;
    let text = String::from_utf8_lossy(&answer.stdout);
    if !answer.status.success() || text.trim().is_empty() {
        let said = String::from_utf8_lossy(&answer.stderr);
        let said = said.lines().next().unwrap_or_default().trim();
        return Err(format!("--version ends with {}: {said}", answer.status));
    }
    Ok(Engine { path: program.to_owned(), is_crun: text.trim_start().starts_with("crun") })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt as _;

    #[test]
    fn what_is_found_must_work() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("crun");
        std::fs::write(&path, "#!/bin/sh\necho broken >&2; exit 3\n").expect("a file");
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).expect("a mode");
        let typed = path.to_string_lossy();
        let error = Engine::probe(Some(&typed), OsStr::new("")).expect_err("it is broken").to_string();
        assert!(error.contains("broken") && error.contains("cannot be used"), "{error}");
        assert!(Engine::probe(Some("no-such-runtime"), OsStr::new("/bin")).is_err());
    }
}
