//! Replaces docker's `config.json` so that no other program ever sees a part of it, and none loses what it wrote.

use std::fs::{self, DirBuilder, File, Permissions, TryLockError};
use std::io::{self, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _, PermissionsExt as _, fchown};
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};

use tempfile::NamedTempFile;

use super::Error;
use super::config_file::ConfigFile;
use crate::cancel::{Draft, Token};

/// How long another program's change is waited for. One takes milliseconds.
const PATIENCE: Duration = Duration::from_secs(10);
/// How often is looked whether the lock is free.
const STEP: Duration = Duration::from_millis(10);
/// The most symbolic links that are followed, as in Linux.
const MAX_LINKS: usize = 40;
/// What only the owner may.
const OWN_FILE: u32 = 0o600;
const OWN_FOLDER: u32 = 0o700;

/// A file that was changed, or needed no change.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Replaced {
    /// Whether it was changed.
    pub(super) is_changed: bool,
    /// The file itself, if what was named is a symbolic link to it.
    pub(super) link_to: Option<PathBuf>,
    /// Whether others could read it before.
    pub(super) was_exposed: bool,
}

/// Changes a config. `change` says whether it has changed anything. What others can read is closed in any case.
pub(super) fn update(
    path: &Path,
    job: &Token,
    change: impl FnOnce(&mut ConfigFile) -> bool,
) -> Result<Replaced, Error> {
    let write = |source| Error::Write { path: path.to_owned(), source };
    let target = target(path).map_err(write)?;
    let folder = target.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    DirBuilder::new().recursive(true).mode(OWN_FOLDER).create(folder).map_err(write)?;
    let folder_file = File::open(folder).map_err(write)?;
    lock(&folder_file, path)?;
    let mut config = ConfigFile::read(&target)?;
    let link_to = (target != path).then(|| target.clone());
    let is_changed = change(&mut config);
    let replaced = Replaced { is_changed, link_to, was_exposed: config.is_exposed };
    if !is_changed && !config.is_exposed {
        return Ok(replaced);
    }
    replace(&target, folder, job, config.to_json().as_bytes()).map_err(write)?;
    folder_file.sync_all().map_err(write)?;
    Ok(replaced)
}

/// The file that a path leads to, whether it exists or not.
fn target(path: &Path) -> io::Result<PathBuf> {
    let mut path = path.to_owned();
    for _ in 0..MAX_LINKS {
        match fs::read_link(&path) {
            Ok(to) => path = path.parent().unwrap_or(Path::new("")).join(to),
            // It is no link, or does not exist.
            Err(_) => return Ok(path),
        }
    }
    Err(rustix::io::Errno::LOOP.into())
}

/// Locks the folder of the file: the file itself is replaced, and with it a lock on it would be.
fn lock(folder: &File, path: &Path) -> Result<(), Error> {
    let started = Instant::now();
    loop {
        match folder.try_lock() {
            Err(TryLockError::WouldBlock) if started.elapsed() < PATIENCE => thread::sleep(STEP),
            Err(TryLockError::WouldBlock) => return Err(Error::Locked { path: path.to_owned(), limit: PATIENCE }),
            // Some network file systems have no locks.
            Ok(()) | Err(TryLockError::Error(_)) => return Ok(()),
        }
    }
}

/// Puts a new file in the place of another, with its owner, and with what its owner may do with it.
fn replace(target: &Path, folder: &Path, job: &Token, bytes: &[u8]) -> io::Result<()> {
    let (mut file, draft) = Draft::create(job, || {
        let permissions = Permissions::from_mode(OWN_FILE);
        let file = tempfile::Builder::new().prefix(".config.json.").permissions(permissions).tempfile_in(folder)?;
        let path = file.path().to_owned();
        Ok((file, path))
    })?;
    take_over(&file, target)?;
    file.write_all(bytes)?;
    file.as_file().sync_all()?;
    draft.publish(|| file.persist(target).map_err(|error| error.error))?;
    Ok(())
}

fn take_over(file: &NamedTempFile, target: &Path) -> io::Result<()> {
    let Ok(old) = fs::metadata(target) else { return Ok(()) };
    let new = file.as_file().metadata()?;
    if (old.uid(), old.gid()) != (new.uid(), new.gid()) {
        // Only root may, and only for root it matters: the file stays that of the user for whom it works.
        let _ = fchown(file, Some(old.uid()), Some(old.gid()));
    }
    file.as_file().set_permissions(Permissions::from_mode(old.mode() & OWN_FILE))
}
