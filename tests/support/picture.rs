//! A file system in full, from its three forms (the items of a layer, a tar, a folder), so that they can be compared.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::fs::{self, File};
use std::io::{self, Read as _, Seek as _, SeekFrom};
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::{FileExt as _, FileTypeExt as _, MetadataExt as _};
use std::path::Path;

use super::hex;
use super::layer::Item;

/// Every path but the root, and which paths are names of one file.
#[derive(Clone, Default, PartialEq, Eq)]
pub(crate) struct Picture {
    pub(crate) paths: BTreeMap<Vec<u8>, Attributes>,
    pub(crate) links: BTreeSet<BTreeSet<Vec<u8>>>,
}

/// What can be said of a path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Attributes {
    pub(crate) kind: Kind,
    /// 0 for symbolic links, which have none.
    pub(crate) mode: u32,
    pub(crate) uid: u64,
    pub(crate) gid: u64,
    pub(crate) mtime: (i64, u32),
    pub(crate) xattrs: BTreeMap<String, Vec<u8>>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Directory,
    /// Its size, and the digest of its content (of large files, of both ends).
    File(u64, String),
    Symlink(Vec<u8>),
    Char(u32, u32),
    Block(u32, u32),
    Fifo,
    Socket,
}

impl Picture {
    /// What the entries of one layer mean; directories must be listed.
    pub(crate) fn of_items(items: &[Item]) -> Self {
        let mut picture = Self::default();
        let mut groups = Groups::default();
        for item in items {
            let name = clean(&item.name);
            let (_, data) = (&item.name, &item.data);
            let kind = match item.flag {
                b'1' => {
                    let target = clean(&item.link);
                    let mut attributes = picture.paths[&target].clone();
                    attributes.take(item.mode, (item.uid, item.gid), item.mtime, item.xattrs.iter().cloned());
                    groups.join(target, name.clone());
                    picture.describe_again(&groups, name, &attributes);
                    continue;
                }
                b'2' => Kind::Symlink(item.link.clone()),
                b'3' => Kind::Char(item.device.0, item.device.1),
                b'4' => Kind::Block(item.device.0, item.device.1),
                b'5' => Kind::Directory,
                b'6' => Kind::Fifo,
                _ => Kind::File(data.len() as u64, hex(data)),
            };
            let mode = if item.flag == b'2' { 0 } else { item.mode };
            let (uid, gid, mtime) = (item.uid, item.gid, item.mtime);
            let xattrs = item.xattrs.iter().cloned().collect();
            picture.paths.insert(name, Attributes { kind, mode, uid, gid, mtime, xattrs });
        }
        picture.paths.remove(&b""[..]);
        picture.links = groups.finish();
        picture
    }

    /// What is in a tar as GNU tar and Go would read it. A path that comes twice fails the test.
    pub(crate) fn of_tar(path: &Path) -> Self {
        let mut file = File::open(path).expect("a tar file");
        let mut picture = Self::default();
        let mut groups = Groups::default();
        while let Some(member) = next(&mut file) {
            let name = clean(&member.name);
            let attributes = match member.flag {
                b'1' => {
                    let target = clean(&member.link);
                    let before = picture.paths.get(&target).unwrap_or_else(|| panic!("a link to {target:?} before it"));
                    let (mut attributes, own) = (before.clone(), member.attributes(&file));
                    attributes.take(own.mode, (own.uid, own.gid), own.mtime, own.xattrs);
                    groups.join(target, name.clone());
                    assert!(!picture.paths.contains_key(&name), "{:?} is there twice", Shown(&member.name));
                    picture.describe_again(&groups, name, &attributes);
                    continue;
                }
                _ => member.attributes(&file),
            };
            assert!(picture.paths.insert(name, attributes).is_none(), "{:?} is there twice", Shown(&member.name));
        }
        picture.paths.remove(&b""[..]);
        picture.links = groups.finish();
        picture
    }

    /// Gives all names of a file the attributes of the last one.
    fn describe_again(&mut self, groups: &Groups, name: Vec<u8>, attributes: &Attributes) {
        for other in groups.with(&name) {
            self.paths.insert(other.clone(), attributes.clone());
        }
        self.paths.insert(name, attributes.clone());
    }

    /// What is in a folder. What cannot be read has no content.
    pub(crate) fn of_folder(root: &Path) -> Self {
        let mut picture = Self::default();
        let mut inodes: BTreeMap<u64, BTreeSet<Vec<u8>>> = BTreeMap::new();
        for entry in walkdir::WalkDir::new(root).min_depth(1) {
            let entry = match entry {
                Ok(entry) => entry,
                // An ordinary user sees directories of mode 0 from outside.
                Err(error) if error.io_error().map(io::Error::kind) == Some(io::ErrorKind::PermissionDenied) => {
                    continue;
                }
                Err(error) => panic!("{error}"),
            };
            let path = entry.path();
            let name = path.strip_prefix(root).expect("below its root").as_os_str().as_bytes().to_vec();
            let found = match fs::symlink_metadata(path) {
                Err(error) if error.kind() == io::ErrorKind::PermissionDenied => continue,
                found => found.expect("it is there"),
            };
            if !found.is_dir() {
                inodes.entry(found.ino()).or_default().insert(name.clone());
            }
            picture.paths.insert(name, of_path(path, &found));
        }
        picture.links = inodes.into_values().filter(|names| names.len() > 1).collect();
        picture
    }

    /// Without one path.
    pub(crate) fn without(mut self, path: &str) -> Self {
        self.paths.remove(path.as_bytes());
        self
    }

    /// Without extended attributes, which `ls` and `find` do not show.
    pub(crate) fn without_xattrs(mut self) -> Self {
        self.paths.values_mut().for_each(|attributes| attributes.xattrs.clear());
        self
    }

    /// As an ordinary user sees it who could not apply all: without owners, devices and privileged attributes.
    pub(crate) fn unprivileged(mut self) -> Self {
        for attributes in self.paths.values_mut() {
            attributes.uid = 0;
            attributes.gid = 0;
            attributes.xattrs.retain(|name, _| name.starts_with("user."));
            if matches!(attributes.kind, Kind::Char(..) | Kind::Block(..)) {
                attributes.kind = Kind::File(0, hex(b""));
            }
        }
        self
    }

    /// What this process can see of it on the disk, which is all of it if it is root's.
    pub(crate) fn visible(mut self) -> Self {
        if rustix::process::geteuid().is_root() {
            return self;
        }
        let closed = |attributes: &Attributes| attributes.kind == Kind::Directory && attributes.mode & 0o500 != 0o500;
        let closed: Vec<Vec<u8>> =
            self.paths.iter().filter(|(_, a)| closed(a)).map(|(name, _)| [&name[..], b"/"].concat()).collect();
        let hidden = |name: &Vec<u8>| closed.iter().any(|above| name.starts_with(above));
        self.paths.retain(|name, _| !hidden(name));
        self.links.retain(|names| !names.iter().any(hidden));
        let is_link = |attributes: &Attributes| matches!(attributes.kind, Kind::Symlink(_));
        for attributes in self.paths.values_mut().filter(|one| one.mode & 0o400 == 0 && !is_link(one)) {
            attributes.xattrs.clear();
            if let Kind::File(size, _) = attributes.kind {
                attributes.kind = Kind::File(size, "Permission denied (os error 13)".to_owned());
            }
        }
        self
    }

    /// Where it differs from what is wanted, one line a path; nothing if it does not.
    pub(crate) fn differences(&self, wanted: &Self) -> Vec<String> {
        let mut lines = Vec::new();
        let names: BTreeSet<&Vec<u8>> = self.paths.keys().chain(wanted.paths.keys()).collect();
        for name in names {
            let (have, want) = (self.paths.get(name), wanted.paths.get(name));
            if have != want {
                lines.push(format!("{}: has {have:?}\n    wanted {want:?}", Shown(name)));
            }
        }
        for group in self.links.symmetric_difference(&wanted.links) {
            let whose = if self.links.contains(group) { "too much" } else { "lost" };
            lines.push(format!("hard link {whose}: {:?}", group.iter().map(|name| Shown(name)).collect::<Vec<_>>()));
        }
        lines
    }

    pub(crate) fn assert_is(&self, wanted: &Self, what: &str) {
        let differences = self.differences(wanted);
        assert!(differences.is_empty(), "{what}:\n{}", differences.join("\n"));
    }
}

struct Shown<'a>(&'a [u8]);

impl fmt::Display for Shown<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0.escape_ascii().to_string().chars().take(120).collect::<String>())
    }
}

impl fmt::Debug for Shown<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

fn clean(name: &[u8]) -> Vec<u8> {
    let parts = name.split(|byte| *byte == b'/').filter(|part| !part.is_empty() && *part != b".");
    parts.collect::<Vec<_>>().join(&b'/')
}

/// Hard links: the first name of each file, and all its names.
#[derive(Default)]
struct Groups(Vec<BTreeSet<Vec<u8>>>);

impl Attributes {
    /// What the header of a hard link says of the file that it leads to: engines set it, of a symbolic link the owner.
    fn take(
        &mut self,
        mode: u32,
        (uid, gid): (u64, u64),
        mtime: (i64, u32),
        xattrs: impl IntoIterator<Item = (String, Vec<u8>)>,
    ) {
        (self.uid, self.gid) = (uid, gid);
        self.xattrs.extend(xattrs);
        if !matches!(self.kind, Kind::Symlink(_)) {
            (self.mode, self.mtime) = (mode, mtime);
        }
    }
}

impl Groups {
    /// The names of a file.
    fn with(&self, name: &[u8]) -> impl Iterator<Item = &Vec<u8>> {
        self.0.iter().filter(move |names| names.contains(name)).flatten()
    }

    fn join(&mut self, target: Vec<u8>, name: Vec<u8>) {
        match self.0.iter_mut().find(|names| names.contains(&target)) {
            Some(names) => drop(names.insert(name)),
            None => self.0.push(BTreeSet::from([target, name])),
        }
    }

    fn finish(self) -> BTreeSet<BTreeSet<Vec<u8>>> {
        self.0.into_iter().collect()
    }
}

/// Up to this size, all of a file is read.
const WHOLE: u64 = 64 << 20;
/// How much of larger ones, at each end.
const END: u64 = 1 << 20;

/// The digest of `size` bytes of a file, from some offset on.
fn summary(file: &File, at: u64, size: u64) -> String {
    let read = |at: u64, size: u64| {
        let mut bytes = vec![0; usize::try_from(size).expect("small")];
        file.read_exact_at(&mut bytes, at).expect("as long as it says");
        bytes
    };
    if size <= WHOLE {
        return hex(&read(at, size));
    }
    hex(&[read(at, END), read(at + size - END, END)].concat())
}

fn of_path(path: &Path, found: &fs::Metadata) -> Attributes {
    let kind = found.file_type();
    let device = (rustix::fs::major(found.rdev()), rustix::fs::minor(found.rdev()));
    let what = if kind.is_dir() {
        Kind::Directory
    } else if kind.is_symlink() {
        Kind::Symlink(fs::read_link(path).expect("a link").as_os_str().as_bytes().to_vec())
    } else if kind.is_char_device() {
        Kind::Char(device.0, device.1)
    } else if kind.is_block_device() {
        Kind::Block(device.0, device.1)
    } else if kind.is_fifo() {
        Kind::Fifo
    } else if kind.is_socket() {
        Kind::Socket
    } else {
        let content = File::open(path).map(|file| summary(&file, 0, found.size()));
        Kind::File(found.size(), content.unwrap_or_else(|error| error.to_string()))
    };
    let nanos = u32::try_from(found.mtime_nsec()).expect("below a thousand million");
    Attributes {
        mode: if kind.is_symlink() { 0 } else { found.mode() & 0o7777 },
        uid: u64::from(found.uid()),
        gid: u64::from(found.gid()),
        mtime: (found.mtime(), nanos),
        xattrs: xattrs(path),
        kind: what,
    }
}

/// The attributes that belong to a file, not to the machine.
fn xattrs(path: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut buffer = vec![0; 64 << 10];
    let listed = rustix::fs::llistxattr(path, &mut buffer[..]).unwrap_or(0);
    let names: Vec<String> = String::from_utf8_lossy(&buffer[..listed])
        .split('\0')
        .filter(|name| {
            name.starts_with("user.") || name.starts_with("system.posix_acl") || *name == "security.capability"
        })
        .map(ToOwned::to_owned)
        .collect();
    let value = |name: &String| {
        let mut buffer = vec![0; 64 << 10];
        // What may not be read is not there.
        let length = rustix::fs::lgetxattr(path, name.as_str(), &mut buffer[..]).ok()?;
        Some((name.clone(), buffer[..length].to_vec()))
    };
    names.iter().filter_map(value).collect()
}

/// A member of a tar, as its headers together say.
struct Member {
    name: Vec<u8>,
    link: Vec<u8>,
    flag: u8,
    header: [u8; 512],
    pax: BTreeMap<String, Vec<u8>>,
    size: u64,
    data_at: u64,
}

/// Reads the next member; the file then stands behind its data.
fn next(file: &mut File) -> Option<Member> {
    let mut pax = BTreeMap::new();
    let (mut name, mut link) = (None, None);
    loop {
        let mut header = [0; 512];
        file.read_exact(&mut header).expect("a tar ends with blocks of zeros");
        if header == [0; 512] {
            return None;
        }
        let text =
            |at: usize, room: usize| header[at..at + room].split(|byte| *byte == 0).next().unwrap_or(&[]).to_vec();
        let declared = pax.get("size").map_or_else(|| octal(&header[124..136]), |size: &Vec<u8>| number(size));
        let data_at = file.stream_position().expect("a position");
        let mut data = || {
            let mut data = vec![0; usize::try_from(declared).expect("small")];
            file.read_exact(&mut data).expect("a whole member");
            file.seek(SeekFrom::Start(data_at + declared.next_multiple_of(512))).expect("a position");
            data
        };
        match header[156] {
            b'x' => pax.extend(records(&data())),
            b'L' => name = Some(data().split_last().expect("a name").1.to_vec()),
            b'K' => link = Some(data().split_last().expect("a name").1.to_vec()),
            flag => {
                let prefix = if &header[257..263] == b"ustar\0" { text(345, 155) } else { Vec::new() };
                let short = if prefix.is_empty() { text(0, 100) } else { [&prefix[..], b"/", &text(0, 100)].concat() };
                let size = if matches!(flag, b'1'..=b'6') { 0 } else { declared };
                file.seek(SeekFrom::Start(data_at + size.next_multiple_of(512))).expect("a position");
                let name = pax.get("path").cloned().or(name).unwrap_or(short);
                let link = pax.get("linkpath").cloned().or(link).unwrap_or_else(|| text(157, 100));
                return Some(Member { name, link, flag, header, pax, size, data_at });
            }
        }
    }
}

impl Member {
    fn attributes(&self, file: &File) -> Attributes {
        let device = || {
            let part = |at: usize| u32::try_from(octal(&self.header[at..at + 8])).expect("a device");
            (part(329), part(337))
        };
        let kind = match self.flag {
            b'2' => Kind::Symlink(self.link.clone()),
            b'3' => Kind::Char(device().0, device().1),
            b'4' => Kind::Block(device().0, device().1),
            b'5' => Kind::Directory,
            b'6' => Kind::Fifo,
            b'0' | b'1' | 0 => Kind::File(self.size, summary(file, self.data_at, self.size)),
            other => panic!("a member of type {other:?}"),
        };
        let either = |key: &str, at: usize| {
            self.pax.get(key).map_or_else(|| octal(&self.header[at..at + 8]), |value| number(value))
        };
        let mode = if self.flag == b'2' { 0 } else { u32::try_from(octal(&self.header[100..108])).expect("a mode") };
        let plain = || (i64::try_from(octal(&self.header[136..148])).expect("a time"), 0);
        Attributes {
            kind,
            mode: mode & 0o7777,
            uid: either("uid", 108),
            gid: either("gid", 116),
            mtime: self.pax.get("mtime").map_or_else(plain, |text| time(&String::from_utf8_lossy(text))),
            xattrs: self
                .pax
                .iter()
                .filter_map(|(key, value)| {
                    // An attribute without a value is a record of libarchive's, as one without a value says nothing.
                    let name = key.strip_prefix(if value.is_empty() { "LIBARCHIVE.xattr." } else { "SCHILY.xattr." });
                    Some((name?.to_owned(), value.clone()))
                })
                .collect(),
        }
    }
}

fn records(mut data: &[u8]) -> BTreeMap<String, Vec<u8>> {
    let mut all = BTreeMap::new();
    while !data.is_empty() {
        let space = data.iter().position(|byte| *byte == b' ').expect("a record's length");
        let length = usize::try_from(number(&data[..space])).expect("small");
        let (key, value) = {
            let text = &data[space + 1..length - 1];
            text.split_at(text.iter().position(|byte| *byte == b'=').expect("a record's key"))
        };
        all.insert(String::from_utf8_lossy(key).into_owned(), value[1..].to_vec());
        data = &data[length..];
    }
    all
}

fn octal(field: &[u8]) -> u64 {
    if field[0] & 0x80 != 0 {
        return field[1..].iter().fold(0, |all, byte| all << 8 | u64::from(*byte));
    }
    let digits = field.iter().skip_while(|byte| **byte == b' ').take_while(|byte| byte.is_ascii_digit());
    digits.fold(0, |all, digit| all * 8 + u64::from(digit - b'0'))
}

fn number(text: &[u8]) -> u64 {
    std::str::from_utf8(text).ok().and_then(|text| text.parse().ok()).expect("a decimal number")
}

/// `-1.25` is three quarters after -2.
pub(crate) fn time(text: &str) -> (i64, u32) {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    let nanos: u32 = format!("{fraction:0<9}")[..9].parse().expect("a fraction");
    let seconds: i64 = whole.parse().expect("seconds");
    if text.starts_with('-') && nanos > 0 { (seconds - 1, 1_000_000_000 - nanos) } else { (seconds, nanos) }
}
