//! Deletes what runs left, also what belongs to the IDs of an ordinary user's namespace.
//!
//! ```text
//! FOLDER/KIND/NAME/lock     NAME is in use as long as somebody holds its lock
//! ```

use std::fs::{self, File};
use std::io::{self, Read as _, Seek as _};
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use rustix::process::geteuid;

use super::{Error, Namespaces};

/// The word by which imgtool calls itself to delete what it may delete only in a user namespace.
pub(super) const SWEEP: &str = "--imgtool-sweep";
/// Standard input: there the answer is written.
const ANSWER: &str = "/proc/self/fd/0";

/// Deletes all that is not in use in folders of a folder; returns how many bytes it had.
pub fn sweep(folder: &Path) -> Result<u64, Error> {
    if geteuid().is_root() {
        return Ok(clean(folder));
    }
    let failed = || Error::io(folder);
    let mut answer = tempfile::tempfile().map_err(failed())?;
    let ask = |answer: File| {
        Command::new("/proc/self/exe")
            .arg(SWEEP)
            .arg(folder)
            .stdin(answer)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status()
    };
    answer.try_clone().and_then(ask).map_err(failed())?;
    let mut text = String::new();
    answer.rewind().and_then(|()| answer.read_to_string(&mut text)).map_err(failed())?;
    Ok(text.trim().parse().unwrap_or(0))
}

/// Enters the user's namespace and deletes what is not in use; the word is the folder.
pub(super) fn swept(words: &[String]) -> bool {
    let [folder] = words else { return false };
    Namespaces::enter_if_needed();
    let bytes = clean(Path::new(folder));
    fs::write(ANSWER, bytes.to_string()).is_ok()
}

fn clean(folder: &Path) -> u64 {
    let mut bytes = 0;
    for kind in entries(folder) {
        for path in entries(&kind).filter(|path| path.is_dir()) {
            let had = size(&path);
            bytes += if remove_unused(&path) { had } else { 0 };
        }
        // Only if nothing is in it.
        let _ = fs::remove_dir(&kind);
    }
    bytes
}

/// Deletes a folder if nobody holds its file `lock`; returns whether it did.
pub fn remove_unused(path: &Path) -> bool {
    // One without a lock is just being made.
    let Ok(lock) = File::open(path.join("lock")) else { return false };
    if lock.try_lock().is_err() {
        return false;
    }
    // The lock goes last: what is interrupted here is deleted the next time.
    for entry in entries(path).filter(|entry| !entry.ends_with("lock")) {
        let is_folder = entry.symlink_metadata().is_ok_and(|metadata| metadata.is_dir());
        let removed = if is_folder { fs::remove_dir_all(&entry) } else { fs::remove_file(&entry) };
        if removed.is_err() {
            return false;
        }
    }
    fs::remove_dir_all(path).is_ok()
}

/// The disk space below a path, in bytes.
fn size(path: &Path) -> u64 {
    let of = |entry: walkdir::DirEntry| -> io::Result<u64> { Ok(entry.metadata()?.blocks() * 512) };
    walkdir::WalkDir::new(path).into_iter().flatten().filter_map(|entry| of(entry).ok()).sum()
}

fn entries(folder: &Path) -> impl Iterator<Item = PathBuf> {
    fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_in_use_stays() {
        let folder = tempfile::tempdir().expect("a folder");
        let make = |name: &str| {
            let path = folder.path().join(name);
            fs::create_dir_all(path.join("fs/deep")).expect("folders");
            fs::write(path.join("fs/file"), [7; 10_000]).expect("a file");
            (File::create(path.join("lock")).expect("a lock"), path)
        };
        let ((used, used_path), (_, unused_path)) = (make("a/used"), make("b/unused"));
        used.lock_shared().expect("a lock");
        assert!(clean(folder.path()) >= 10_000);
        assert!(used_path.join("fs/file").exists() && !unused_path.exists());
        drop(used);
        clean(folder.path());
        assert_eq!(entries(folder.path()).count(), 0);
    }
}
