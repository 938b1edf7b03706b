//! Any tree, any changes: what was committed is what is unpacked again.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::Path;

use proptest::prelude::*;
use rustix::fs::{
    AtFlags, CWD, FileType, Mode, Timespec, Timestamps, XattrFlags, lgetxattr, lsetxattr, mknodat, utimensat,
};

use super::bench::Bench;

/// What a person may do to a tree.
#[derive(Debug, Clone)]
enum Act {
    Write(String, u8, u16),
    /// Other content of the same length and time.
    Swap(String),
    Directory(String),
    Remove(String),
    /// A directory in the place of whatever was there.
    Remake(String),
    Symlink(String, String),
    Link(String, String),
    Rename(String, String),
    Pipe(String),
    Mode(String, u32),
    Time(String, i64, u32),
    Attribute(String, u8),
    Owner(String, u32),
}

fn path() -> impl Strategy<Value = String> {
    prop::collection::vec(prop_oneof![Just("a"), Just("b"), Just("c"), Just("a.b"), Just("ü")], 1..4)
        .prop_map(|names| names.join("/"))
}

fn act() -> impl Strategy<Value = Act> {
    prop_oneof![
        4 => (path(), any::<u8>(), 0..3000_u16).prop_map(|(path, seed, size)| Act::Write(path, seed, size)),
        2 => path().prop_map(Act::Swap),
        3 => path().prop_map(Act::Directory),
        3 => path().prop_map(Act::Remove),
        2 => path().prop_map(Act::Remake),
        1 => (path(), path()).prop_map(|(path, target)| Act::Symlink(path, target)),
        3 => (path(), path()).prop_map(|(path, target)| Act::Link(path, target)),
        2 => (path(), path()).prop_map(|(path, target)| Act::Rename(path, target)),
        1 => path().prop_map(Act::Pipe),
        2 => (path(), prop_oneof![Just(0o755), Just(0o4755), Just(0o1777), Just(0o644), Just(0)])
            .prop_map(|(path, mode)| Act::Mode(path, mode)),
        2 => (path(), -5_i64..5_000_000_000, 0..1_000_000_000_u32)
            .prop_map(|(path, seconds, nanos)| Act::Time(path, seconds, nanos)),
        1 => (path(), any::<u8>()).prop_map(|(path, value)| Act::Attribute(path, value)),
        1 => (path(), 0..3_u32).prop_map(|(path, owner)| Act::Owner(path, owner)),
    ]
}

/// Does it, or nothing if it cannot be done.
fn act_on(root: &Path, act: &Act) {
    let at = |path: &str| root.join(path);
    match act {
        Act::Write(path, seed, size) => {
            if at(path).symlink_metadata().is_ok_and(|found| !found.is_file()) {
                return;
            }
            let _ = fs::write(at(path), vec![*seed; (*size).into()]);
        }
        Act::Swap(path) => swap(&at(path)),
        Act::Directory(path) => drop(fs::create_dir(at(path))),
        Act::Remove(path) => remove(&at(path)),
        Act::Remake(path) => {
            remove(&at(path));
            let _ = fs::create_dir(at(path));
        }
        Act::Symlink(path, target) => drop(std::os::unix::fs::symlink(target, at(path))),
        Act::Link(path, target) => drop(fs::hard_link(at(target), at(path))),
        Act::Rename(path, target) => drop(fs::rename(at(path), at(target))),
        Act::Pipe(path) => drop(mknodat(CWD, at(path), FileType::Fifo, Mode::RWXU, 0)),
        Act::Mode(path, mode) => {
            if at(path).symlink_metadata().is_ok_and(|found| !found.is_symlink()) {
                // What an ordinary user cannot read cannot be in a layer.
                let mode = if rustix::process::geteuid().is_root() { *mode } else { *mode | 0o700 };
                let _ = fs::set_permissions(at(path), fs::Permissions::from_mode(mode));
            }
        }
        Act::Time(path, seconds, nanos) => set_time(&at(path), *seconds, *nanos),
        Act::Attribute(path, value) => {
            let _ = lsetxattr(at(path), "user.x", &[*value], XattrFlags::empty());
        }
        Act::Owner(path, owner) => drop(std::os::unix::fs::lchown(at(path), Some(*owner), Some(*owner))),
    }
}

fn remove(path: &Path) {
    let _ = fs::remove_file(path);
    let is_directory = path.symlink_metadata().is_ok_and(|found| found.is_dir());
    let _ = is_directory.then(|| fs::remove_dir_all(path));
}

fn swap(path: &Path) {
    let Ok(found) = path.symlink_metadata() else { return };
    if found.is_file() {
        let mut content = fs::read(path).unwrap_or_default();
        for byte in &mut content {
            *byte = byte.wrapping_add(1);
        }
        let _ = fs::write(path, content);
        set_time(path, found.mtime(), u32::try_from(found.mtime_nsec()).unwrap_or(0));
    }
}

fn set_time(path: &Path, seconds: i64, nanos: u32) {
    let time = Timespec { tv_sec: seconds, tv_nsec: nanos.into() };
    let times = Timestamps { last_access: time, last_modification: time };
    let _ = utimensat(CWD, path, &times, AtFlags::SYMLINK_NOFOLLOW);
}

/// All of a tree that an image has. Names of one inode have the first name of it.
fn look(root: &Path) -> BTreeMap<Vec<u8>, String> {
    let mut firsts = BTreeMap::new();
    let mut seen = BTreeMap::new();
    for entry in walkdir::WalkDir::new(root).sort_by_file_name() {
        let entry = entry.expect("a tree that can be read");
        let name = entry.path().strip_prefix(root).expect("below the root").as_os_str().as_bytes().to_vec();
        let found = entry.metadata().expect("a path that is there");
        let content = match found.file_type() {
            kind if kind.is_file() => format!("{:?}", fs::read(entry.path()).expect("a file that can be read")),
            kind if kind.is_symlink() => format!("{:?}", fs::read_link(entry.path()).expect("a link")),
            _ => String::new(),
        };
        let first = firsts.entry(found.ino()).or_insert_with(|| name.clone()).clone();
        let mut value = [0; 8];
        let attribute = lgetxattr(entry.path(), "user.x", &mut value[..]).ok().map(|length| value[..length].to_vec());
        // The root's own time is no part of an image.
        let time = (!name.is_empty()).then(|| (found.mtime(), found.mtime_nsec()));
        let owner = (found.uid(), found.gid());
        let text = format!("{:o} {owner:?} {time:?} {attribute:?} {first:?} {content}", found.mode());
        seen.insert(name, text);
    }
    seen
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

    #[test]
    fn commit_and_unpack_are_inverse(
        first in prop::collection::vec(act(), 0..40),
        second in prop::collection::vec(act(), 0..20),
        third in prop::collection::vec(act(), 0..10),
    ) {
        let bench = Bench::new();
        fs::create_dir(bench.path("a")).expect("a folder");
        for act in &first {
            act_on(&bench.path("a"), act);
        }
        let one = bench.commit("a", false);
        prop_assert!(bench.is_unchanged("a"), "after the first commit");
        bench.unpack(&one, "b");
        prop_assert_eq!(look(&bench.path("a")), look(&bench.path("b")));
        prop_assert!(bench.is_unchanged("b"), "after it was unpacked");

        for act in &second {
            act_on(&bench.path("b"), act);
        }
        let two = bench.commit("b", false);
        bench.unpack(&two, "c");
        prop_assert_eq!(look(&bench.path("b")), look(&bench.path("c")));

        for act in &third {
            act_on(&bench.path("b"), act);
        }
        let three = bench.commit("b", false);
        bench.unpack(&three, "d");
        prop_assert_eq!(look(&bench.path("b")), look(&bench.path("d")));
        prop_assert!(bench.is_unchanged("b"), "after the third commit");

        let squashed = bench.commit("b", true);
        bench.unpack(&squashed, "e");
        prop_assert_eq!(look(&bench.path("b")), look(&bench.path("e")));
        prop_assert_eq!(bench.compared(&three, &squashed), Vec::<String>::new());
        fs::rename(bench.path("d"), bench.path("f")).expect("a rename");
        prop_assert!(bench.is_unchanged("f"), "after it was moved");
    }
}
