//! A file that appears under its name when it is complete.
//!
//! Until then it has no name where the file system can have such files (`O_TMPFILE`), so that nothing is left of it
//! however the process ends. Elsewhere it has a hidden name beside its target.

use std::ffi::OsString;
use std::fs::{self, File};
use std::io;
use std::os::fd::AsRawFd as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use rustix::fs::{AtFlags, CWD, Mode, OFlags};
use tempfile::NamedTempFile;

use crate::cancel::{Draft, Token};

/// A new file that is not visible yet. It is deleted if it is dropped without [`NewFile::publish`].
pub(super) enum NewFile {
    Unnamed(File),
    Named(NamedTempFile, Draft),
}

/// Who may read a new file, also where it replaces one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Readers {
    /// Its owner: what `docker save` and `docker export` write may have secrets in it.
    Owner,
    /// Whom the umask leaves.
    Umask,
}

impl Readers {
    fn mode(self) -> Mode {
        match self {
            Self::Owner => Mode::from_raw_mode(0o600),
            Self::Umask => Mode::from_raw_mode(0o666),
        }
    }
}

impl NewFile {
    /// A new empty file on the file system of `folder`.
    pub(super) fn create(folder: &Path, name: &str, readers: Readers, job: &Token) -> io::Result<Self> {
        if let Some(file) = unnamed(folder, readers) {
            return Ok(Self::Unnamed(file));
        }
        let (file, draft) = Draft::create(job, || {
            let permissions = fs::Permissions::from_mode(readers.mode().as_raw_mode());
            let mut builder = tempfile::Builder::new();
            let file = builder.prefix(&format!(".tmp-{name}-")).permissions(permissions).tempfile_in(folder)?;
            let path = file.path().to_owned();
            Ok((file, path))
        })?;
        Ok(Self::Named(file, draft))
    }

    pub(super) fn file(&self) -> &File {
        match self {
            Self::Unnamed(file) => file,
            Self::Named(file, _) => file.as_file(),
        }
    }

    /// Gives the file its name, replacing an existing file.
    pub(super) fn publish(self, target: &Path) -> io::Result<()> {
        match self {
            Self::Unnamed(file) => link(&file, target),
            Self::Named(file, draft) => draft.publish(|| Ok(file.persist(target).map(drop)?)),
        }
    }
}

/// A file without a name; `None` where the file system has none, or where it could not be given a name later.
fn unnamed(folder: &Path, readers: Readers) -> Option<File> {
    let flags = OFlags::TMPFILE | OFlags::RDWR | OFlags::CLOEXEC;
    let file = File::from(rustix::fs::openat(CWD, folder, flags, readers.mode()).ok()?);
    name_in_proc(&file).exists().then_some(file)
}

fn name_in_proc(file: &File) -> PathBuf {
    PathBuf::from(format!("/proc/self/fd/{}", file.as_raw_fd()))
}

/// `linkat` cannot replace a file, so an existing one is replaced by a rename from a temporary name.
fn link(file: &File, target: &Path) -> io::Result<()> {
    let from = name_in_proc(file);
    let link = |to: &Path| rustix::fs::linkat(CWD, &from, CWD, to, AtFlags::SYMLINK_FOLLOW);
    match link(target) {
        Err(rustix::io::Errno::EXIST) => {}
        done => return Ok(done?),
    }
    let mut attempt = 0;
    let beside = loop {
        let mut name = OsString::from(".tmp-");
        name.push(format!("{}-{attempt}", std::process::id()));
        let beside = target.with_file_name(name);
        match link(&beside) {
            Err(rustix::io::Errno::EXIST) => attempt += 1,
            done => break done.map(|()| beside)?,
        }
    };
    let renamed = fs::rename(&beside, target);
    if renamed.is_err() {
        let _ = fs::remove_file(&beside);
    }
    renamed
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use super::*;

    fn names(folder: &Path) -> Vec<OsString> {
        let mut names: Vec<OsString> =
            fs::read_dir(folder).expect("a folder").map(|entry| entry.expect("an entry").file_name()).collect();
        names.sort();
        names
    }

    #[test]
    fn a_file_appears_whole_and_replaces_another() {
        let folder = tempfile::tempdir().expect("a folder");
        let target = folder.path().join("a.tar");
        for content in ["first", "second"] {
            let new = NewFile::create(folder.path(), "a.tar", Readers::Owner, &Token::new()).expect("a file");
            new.file().write_all(content.as_bytes()).expect("a write");
            assert_ne!(fs::read_to_string(&target).unwrap_or_default(), content, "it is not seen yet");
            new.publish(&target).expect("a name");
            assert_eq!(fs::read_to_string(&target).expect("the file"), content);
            assert_eq!(names(folder.path()), ["a.tar"], "and nothing else");
        }
        drop(NewFile::create(folder.path(), "b.tar", Readers::Owner, &Token::new()).expect("a file"));
        assert_eq!(names(folder.path()), ["a.tar"]);
    }

    #[test]
    fn others_may_read_what_the_umask_leaves() {
        let folder = tempfile::tempdir().expect("a folder");
        let mode = |readers, name: &str| {
            NewFile::create(folder.path(), name, readers, &Token::new())
                .and_then(|new| new.publish(&folder.path().join(name)))
                .expect("a file");
            fs::metadata(folder.path().join(name)).expect("the file").permissions().mode() & 0o777
        };
        let usual = fs::File::create(folder.path().join("usual")).and_then(|file| file.metadata()).expect("a file");
        assert_eq!(mode(Readers::Owner, "own"), 0o600);
        assert_eq!(mode(Readers::Umask, "open"), usual.permissions().mode() & 0o777);
    }

    #[test]
    fn a_file_without_a_name_needs_none_in_the_folder() {
        let folder = tempfile::tempdir().expect("a folder");
        // Where the file system has no such files, there is nothing to see.
        if let Some(file) = unnamed(folder.path(), Readers::Owner) {
            (&file).write_all(b"x").expect("a write");
            assert_eq!(names(folder.path()), [""; 0]);
            fs::create_dir(folder.path().join("taken")).expect("a folder");
            link(&file, &folder.path().join("taken")).expect_err("a folder is not replaced");
            assert_eq!(names(folder.path()), ["taken"], "and what stood beside it is gone");
        }
    }
}
