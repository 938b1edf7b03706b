//! Moves an unpacked tree into a directory that has files already.

use std::io;
use std::os::fd::{AsFd as _, BorrowedFd, OwnedFd};
use std::path::Path;

use rustix::fs::{AtFlags, Dir, Mode, OFlags, Timespec, Timestamps, chmodat, fchmod, futimens, renameat, unlinkat};

use super::{Error, FreshStat, Root, Stat};
use crate::layer::EntryPath;

/// Moves everything that is in the directory `from` into the directory `to`, which must be on the same file system.
///
/// Directories that both have are merged, and take the permissions and the time of the new one; files and symbolic
/// links are replaced. Nothing in `to` is followed: a symbolic link that stands where a directory comes is replaced. A
/// directory where a file comes is an error, and so is a file where a directory comes; what was moved before stays.
pub fn settle(from: &Path, to: &Path) -> Result<(), Error> {
    let open = |path: &Path| Root::open(path).map_err(|source| Error::Root { path: path.to_owned(), source });
    let (from, to) = (open(from)?, open(to)?);
    let mut waiting = vec![(Vec::new(), None)];
    while let Some((path, seen)) = waiting.pop() {
        let open = |root: &Root| root.open_beneath(&path, OFlags::RDONLY | OFlags::DIRECTORY);
        let (source, target) = (open(&from).map_err(failed(&path))?, open(&to).map_err(failed(&path))?);
        for name in names(&source).map_err(failed(&path))? {
            let below = if path.is_empty() { name.clone() } else { [&path[..], b"/", &name].concat() };
            let merged = place(source.as_fd(), target.as_fd(), &name, &below)?;
            waiting.extend(merged.map(|seen| (below, Some(seen))));
        }
        if let Some(seen) = seen {
            finish(&target, &seen).map_err(failed(&path))?;
        }
    }
    Ok(())
}

fn failed(path: &[u8]) -> impl Fn(io::Error) -> Error + '_ {
    |source| Error::Io { path: EntryPath::new(path).unwrap_or_default(), source }
}

fn names(directory: &OwnedFd) -> io::Result<Vec<Vec<u8>>> {
    let mut names = Vec::new();
    for entry in Dir::read_from(directory)? {
        let entry = entry?;
        let name = entry.file_name().to_bytes();
        if !matches!(name, b"." | b"..") {
            names.push(name.to_vec());
        }
    }
    Ok(names)
}

/// Moves one name; or gives the stat of a directory that both have, which has to be merged.
fn place(from: BorrowedFd<'_>, to: BorrowedFd<'_>, name: &[u8], path: &[u8]) -> Result<Option<FreshStat>, Error> {
    let new = FreshStat::at(from, name).map_err(failed(path))?;
    let there = match FreshStat::at(to, name) {
        Ok(there) => Some(there),
        Err(error) if error.kind() == io::ErrorKind::NotFound => None,
        Err(error) => return Err(failed(path)(error)),
    };
    let opened = || chmodat(from, name, Mode::RWXU, AtFlags::empty()).map_err(|error| failed(path)(error.into()));
    match there.map(|there| there.stat.kind()) {
        Some(Stat::DIRECTORY) if new.stat.is_directory() => {
            opened()?;
            return Ok(Some(new));
        }
        Some(Stat::DIRECTORY) => return Err(in_the_way(path, "directory", "file")),
        Some(Stat::SYMLINK) if new.stat.is_directory() => {
            unlinkat(to, name, AtFlags::empty()).map_err(|error| failed(path)(error.into()))?;
        }
        Some(_) if new.stat.is_directory() => return Err(in_the_way(path, "file", "directory")),
        _ => {}
    }
    let is_closed = new.stat.is_directory() && new.stat.permissions() & 0o700 != 0o700;
    if is_closed {
        // A directory can only be moved by who may write to it.
        opened()?;
    }
    renameat(from, name, to, name).map_err(|error| failed(path)(error.into()))?;
    if is_closed {
        let mode = Mode::from_raw_mode(new.stat.permissions());
        chmodat(to, name, mode, AtFlags::empty()).map_err(|error| failed(path)(error.into()))?;
    }
    Ok(None)
}

fn in_the_way(path: &[u8], there: &'static str, new: &'static str) -> Error {
    Error::InTheWay { path: EntryPath::new(path).unwrap_or_default(), there, new }
}

/// Gives a merged directory the permissions and the time of the new one.
fn finish(directory: &OwnedFd, seen: &FreshStat) -> io::Result<()> {
    fchmod(directory, Mode::from_raw_mode(seen.stat.permissions()))?;
    let mtime = Timespec { tv_sec: seen.stat.mtime.seconds, tv_nsec: i64::from(seen.stat.mtime.nanos) };
    Ok(futimens(directory, &Timestamps { last_access: mtime, last_modification: mtime })?)
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::{PermissionsExt as _, symlink};

    use super::*;

    #[test]
    fn trees_are_merged_and_nothing_is_followed() {
        let folder = tempfile::tempdir().expect("a folder");
        let (from, to) = (folder.path().join("from"), folder.path().join("to"));
        let write = |path: &Path, text: &str| {
            fs::create_dir_all(path.parent().expect("a parent")).expect("folders");
            fs::write(path, text).expect("a file");
        };
        write(&from.join("a/new"), "new");
        write(&from.join("a/same"), "new");
        write(&from.join("closed/x"), "x");
        write(&from.join("lib/l"), "l");
        symlink("a", from.join("link")).expect("a link");
        fs::set_permissions(from.join("closed"), fs::Permissions::from_mode(0o555)).expect("permissions");
        fs::set_permissions(from.join("a"), fs::Permissions::from_mode(0o500)).expect("permissions");
        write(&to.join("a/old"), "old");
        write(&to.join("a/same"), "old");
        fs::create_dir(folder.path().join("outside")).expect("a folder");
        symlink("../outside", to.join("lib")).expect("a link");
        write(&to.join("link"), "a file");
        settle(&from, &to).expect("trees that fit");
        let read = |path: &str| fs::read_to_string(to.join(path)).expect(path);
        assert_eq!((read("a/new"), read("a/same"), read("a/old")), ("new".into(), "new".into(), "old".into()));
        assert_eq!((read("closed/x"), read("lib/l")), ("x".into(), "l".into()));
        assert!(to.join("lib").symlink_metadata().expect("a folder").is_dir());
        assert_eq!(fs::read_dir(folder.path().join("outside")).expect("a folder").count(), 0);
        assert_eq!(to.join("link").read_link().expect("a link"), Path::new("a"));
        let mode = |path: &str| fs::metadata(to.join(path)).expect(path).permissions().mode() & 0o7777;
        assert_eq!((mode("closed"), mode("a")), (0o555, 0o500));
    }

    #[test]
    fn a_directory_in_the_way_is_not_deleted() {
        let folder = tempfile::tempdir().expect("a folder");
        let (from, to) = (folder.path().join("from"), folder.path().join("to"));
        for path in [from.join("dir"), to.join("file")] {
            fs::create_dir_all(path).expect("folders");
        }
        fs::write(from.join("file"), "").expect("a file");
        let error = settle(&from, &to).expect_err("it is in the way").to_string();
        assert_eq!(error, "file: there is a directory where a file of the image is to be");
        fs::remove_file(from.join("file")).expect("a file");
        fs::write(to.join("dir"), "").ok();
        fs::create_dir_all(from.join("dir")).expect("folders");
        let _ = fs::remove_dir(to.join("dir"));
        fs::write(to.join("dir"), "").expect("a file");
        let error = settle(&from, &to).expect_err("it is in the way").to_string();
        assert_eq!(error, "dir: there is a file where a directory of the image is to be");
    }
}
