//! Moves what was unpacked beside it into a directory of the user, where something may be already: a directory into a
//! directory merges, anything else replaces what is no directory.
//!
//! ```text
//! unpacked (private, new)   etc/  etc/a  etc/b/      first the whole is compared with what is there, so that a conflict
//! there                     etc/  etc/b/ etc/c       is found before anything is moved; then each name is renamed to its
//! ───────────────────────────────────────────────    place, and a directory that was there gets the new one's metadata
//! result                    etc/  etc/a  etc/b/ etc/c
//! ```
//!
//! Every step is relative to the two directories' own descriptors, and no symbolic link in them is followed: nothing
//! outside of them is touched, whatever is in the image or is changed meanwhile.

use std::cell::RefCell;
use std::collections::HashMap;
use std::io;
use std::os::fd::{AsFd as _, BorrowedFd, OwnedFd};

use rustix::fs::{
    AtFlags, Dir, Gid, Mode, OFlags, Timespec, Timestamps, UTIME_OMIT, Uid, chmodat, fchmod, fchown, futimens, mkdirat,
    openat, renameat,
};
use rustix::io::Errno;

use super::beneath::Parents;
use super::{Error, Root, Stat};
use crate::layer::EntryPath;
use crate::layer::path::split_last;

/// Moves the path `top` of the directory `from`, which nobody else can enter, into the directory `to`: as `name`, or if
/// there is none, what is in it. `owners` says that directories which are merged get the owners of the new ones.
pub fn adopt(from: &Root, top: &[u8], to: &Root, name: Option<&[u8]>, owners: bool) -> Result<(), Error> {
    let adoption = Adoption { from, to, owners, opened: RefCell::default() };
    adoption.open_above(top)?;
    if let Some(name) = name.filter(|_| top.is_empty()) {
        // The root of the new tree cannot be renamed: what is in it is moved into a directory of that name.
        match mkdirat(to.fd(), name, Mode::RWXU) {
            Ok(()) | Err(Errno::EXIST) => {}
            Err(error) => return Err(Error::at(name)(error.into())),
        }
    }
    let start = Pair { from: top.to_vec(), to: name.map(<[u8]>::to_vec).unwrap_or_default() };
    adoption.walk(start.clone(), |_, _, _| Ok(()))?;
    let mut merged = Vec::new();
    adoption.walk(start, |pair, new, is_there| {
        if !is_there {
            return adoption.move_one(pair, new);
        }
        // The directory that was named stays as it is if only what is in the other one was to be copied.
        if new.kind() == Stat::DIRECTORY && !pair.to.is_empty() {
            merged.push((pair.to.clone(), *new));
        } else if new.kind() != Stat::DIRECTORY {
            return adoption.move_one(pair, new);
        }
        Ok(())
    })?;
    merged.reverse();
    merged.iter().try_for_each(|(path, new)| adoption.describe(path, new).map_err(Error::at(path)))
}

struct Adoption<'a> {
    from: &'a Root,
    to: &'a Root,
    owners: bool,
    /// The directories that had to be opened up, as they were.
    opened: RefCell<HashMap<Vec<u8>, Stat>>,
}

/// A path in both directories.
#[derive(Debug, Clone)]
struct Pair {
    from: Vec<u8>,
    to: Vec<u8>,
}

impl Adoption<'_> {
    /// Makes the directories above a path of the new tree writable for its owner, so that something can be moved out.
    fn open_above(&self, top: &[u8]) -> Result<(), Error> {
        let mut above: Vec<&[u8]> = Vec::new();
        let mut path = top;
        while !path.is_empty() {
            path = split_last(path).0;
            above.push(path);
        }
        for path in above.into_iter().rev() {
            let stat = self.from.seen(path).map_err(Error::at(path))?.stat;
            let (parent, name) = split_last(path);
            let parent = directory(self.from, parent).map_err(Error::at(path))?;
            open_up(parent.as_fd(), if name.is_empty() { b"." } else { name }, &stat).map_err(Error::at(path))?;
        }
        Ok(())
    }

    /// Goes through all names of which something is there, and those beside them. `each` gets a name, its stat, and
    /// whether something is there that it merges with or replaces.
    fn walk(&self, start: Pair, mut each: impl FnMut(&Pair, &Stat, bool) -> Result<(), Error>) -> Result<(), Error> {
        let mut left = vec![start];
        while let Some(pair) = left.pop() {
            let was = self.opened.borrow().get(&pair.from).copied();
            let new = match was {
                Some(was) => was,
                None => self.from.seen(&pair.from).map_err(Error::at(&pair.from))?.stat,
            };
            let there = match self.to.seen(&pair.to) {
                Ok(found) => found.stat,
                Err(error) if error.kind() == io::ErrorKind::NotFound => {
                    each(&pair, &new, false)?;
                    continue;
                }
                Err(error) => return Err(Error::at(&pair.to)(error)),
            };
            let path = || EntryPath::new(&pair.to).unwrap_or_default();
            match (new.kind() == Stat::DIRECTORY, there.kind() == Stat::DIRECTORY) {
                (true, true) => {
                    let names = self.names(&pair.from, &new).map_err(Error::at(&pair.from))?;
                    each(&pair, &new, true)?;
                    left.extend(names.into_iter().rev().map(|name| pair.below(&name)));
                }
                (false, true) => return Err(Error::OverDirectory { path: path() }),
                (true, false) => return Err(Error::OverFile { path: path() }),
                (false, false) => each(&pair, &new, true)?,
            }
        }
        Ok(())
    }

    /// The names in a directory of the new tree, sorted.
    fn names(&self, path: &[u8], stat: &Stat) -> io::Result<Vec<Vec<u8>>> {
        let (parent, name) = split_last(path);
        let parent = directory(self.from, parent)?;
        let name = if name.is_empty() { b"." } else { name };
        if open_up(parent.as_fd(), name, stat)? {
            self.opened.borrow_mut().insert(path.to_vec(), *stat);
        }
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let directory = openat(&parent, name, flags, Mode::empty())?;
        let mut names = Vec::new();
        for entry in Dir::read_from(&directory)? {
            let name = entry?.file_name().to_bytes().to_vec();
            if name != b"." && name != b".." {
                names.push(name);
            }
        }
        names.sort_unstable();
        Ok(names)
    }

    fn move_one(&self, pair: &Pair, new: &Stat) -> Result<(), Error> {
        let at = |error| Error::at(&pair.to)(error);
        let (mut from, mut to) = (Parents::new(self.from), Parents::new(self.to));
        let (from, from_name) = from.of(&pair.from).map_err(at)?;
        let (to, to_name) = to.of(&pair.to).map_err(at)?;
        // A directory whose parent changes has to be writable itself.
        let was_closed = new.kind() == Stat::DIRECTORY && open_up(from, from_name, new).map_err(at)?;
        renameat(from, from_name, to, to_name).map_err(|error| at(error.into()))?;
        if was_closed {
            let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
            let moved = openat(to, to_name, flags, Mode::empty()).map_err(|error| at(error.into()))?;
            fchmod(&moved, Mode::from_raw_mode(new.permissions())).map_err(|error| at(error.into()))?;
        }
        Ok(())
    }

    /// Gives a directory that was there the metadata of the new one.
    fn describe(&self, path: &[u8], new: &Stat) -> io::Result<()> {
        let flags = OFlags::RDONLY | OFlags::DIRECTORY;
        let directory = self.to.open_beneath(path, flags)?;
        if self.owners {
            tolerate(fchown(&directory, Some(Uid::from_raw(new.uid)), Some(Gid::from_raw(new.gid))))?;
        }
        tolerate(fchmod(&directory, Mode::from_raw_mode(new.permissions())))?;
        let last_modification = Timespec { tv_sec: new.mtime.seconds, tv_nsec: new.mtime.nanos.into() };
        let last_access = Timespec { tv_sec: 0, tv_nsec: UTIME_OMIT };
        tolerate(futimens(&directory, &Timestamps { last_access, last_modification }))
    }
}

impl Pair {
    fn below(&self, name: &[u8]) -> Self {
        let join = |path: &[u8]| if path.is_empty() { name.to_vec() } else { [path, b"/", name].concat() };
        Self { from: join(&self.from), to: join(&self.to) }
    }
}

/// A directory, only to look up names in it.
fn directory(root: &Root, path: &[u8]) -> io::Result<OwnedFd> {
    root.open_beneath(path, OFlags::PATH | OFlags::DIRECTORY)
}

/// Lets the owner enter and change a directory; whether that had to be done.
fn open_up(parent: BorrowedFd<'_>, name: &[u8], stat: &Stat) -> io::Result<bool> {
    let mode = stat.permissions();
    if mode & 0o700 == 0o700 {
        return Ok(false);
    }
    chmodat(parent, name, Mode::from_raw_mode(mode | 0o700), AtFlags::empty())?;
    Ok(true)
}

/// A directory that belongs to somebody else keeps its metadata.
fn tolerate(result: rustix::io::Result<()>) -> io::Result<()> {
    match result {
        Ok(()) | Err(Errno::PERM) => Ok(()),
        Err(error) => Err(error.into()),
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::{PermissionsExt as _, symlink};
    use std::path::Path;

    use super::*;

    fn roots(folder: &Path) -> (Root, Root) {
        for name in ["from", "to"] {
            fs::create_dir(folder.join(name)).expect("a folder");
        }
        let open = |name: &str| Root::open(&folder.join(name)).expect("a directory");
        (open("from"), open("to"))
    }

    fn write(path: &Path, text: &str) {
        fs::create_dir_all(path.parent().expect("a folder")).expect("folders");
        fs::write(path, text).expect("a file");
    }

    #[test]
    fn directories_merge_and_files_replace() {
        let folder = tempfile::tempdir().expect("a folder");
        let at = |path: &str| folder.path().join(path);
        let (from, to) = roots(folder.path());
        write(&at("from/usr/lib/d/a"), "new a");
        write(&at("from/usr/lib/d/sub/b"), "new b");
        write(&at("from/usr/lib/d/sub/deep/c"), "new c");
        fs::set_permissions(at("from/usr/lib/d/sub/deep"), fs::Permissions::from_mode(0o500)).expect("a mode");
        fs::set_permissions(at("from/usr/lib/d/sub"), fs::Permissions::from_mode(0o2750)).expect("a mode");
        write(&at("to/d/a"), "old a");
        write(&at("to/d/sub/old"), "old");
        write(&at("outside"), "outside");
        symlink("../../outside", at("to/d/sub/b")).expect("a link");
        adopt(&from, b"usr/lib/d", &to, Some(b"d"), false).expect("a move");
        assert_eq!(fs::read_to_string(at("to/d/a")).expect("a file"), "new a");
        assert_eq!(fs::read_to_string(at("to/d/sub/b")).expect("a file"), "new b", "a link is replaced, not followed");
        assert_eq!(fs::read_to_string(at("outside")).expect("a file"), "outside");
        assert_eq!(fs::read_to_string(at("to/d/sub/old")).expect("a file"), "old");
        let mode = |path: &str| fs::metadata(at(path)).expect("a folder").permissions().mode() & 0o7777;
        assert_eq!((mode("to/d/sub"), mode("to/d/sub/deep")), (0o2750, 0o500));
        assert!(!at("from/usr/lib/d/a").exists());
    }

    #[test]
    fn a_conflict_is_found_before_anything_is_moved() {
        let folder = tempfile::tempdir().expect("a folder");
        let at = |path: &str| folder.path().join(path);
        let (from, to) = roots(folder.path());
        write(&at("from/d/a"), "new");
        write(&at("from/d/z"), "new");
        write(&at("to/d/z/x"), "old");
        let error = adopt(&from, b"d", &to, Some(b"d"), false).expect_err("a directory is in the way");
        assert!(matches!(error, Error::OverDirectory { .. }), "{error}");
        assert!(!at("to/d/a").exists());
        write(&at("to/f"), "a file");
        let error = adopt(&from, b"d", &to, Some(b"f"), false).expect_err("a file is in the way");
        assert!(matches!(error, Error::OverFile { .. }), "{error}");
        adopt(&from, b"d/a", &to, Some(b"f"), false).expect("a file replaces a file");
        assert_eq!(fs::read_to_string(at("to/f")).expect("a file"), "new");
    }

    #[test]
    fn links_in_the_target_lead_nowhere() {
        let folder = tempfile::tempdir().expect("a folder");
        let at = |path: &str| folder.path().join(path);
        let (from, to) = roots(folder.path());
        write(&at("from/d/e/a"), "new");
        fs::create_dir_all(at("outside/e")).expect("folders");
        symlink("../outside", at("to/d")).expect("a link");
        assert!(adopt(&from, b"d", &to, Some(b"d"), false).is_err(), "a link is no directory");
        assert!(!at("outside/e/a").exists());
    }
}
