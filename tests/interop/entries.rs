//! What a tar file or a directory holds, in a form that tells the difference: path by path, field by field.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::io::Read;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::{FileTypeExt as _, MetadataExt as _};
use std::path::Path;

use tar::{Archive, EntryType};

use crate::support::hex;

/// The fields of one path: `kind`, `mode`, `owner`, `time`, and where they mean something `target`, `device`, `content`,
/// `xattrs`, `links` (all names of the file, if it has several).
pub(crate) type Entry = BTreeMap<&'static str, String>;

/// Paths without a slash at either end, the root as `.`; bytes that are no UTF-8 as `\xNN`.
pub(crate) type Entries = BTreeMap<String, Entry>;

/// A field that differs for a reason: the path (`*` for all), the field (`*` for the whole entry), and the reason.
pub(crate) type Known = (&'static str, &'static str, &'static str);

/// What a tar file holds. A path that is there twice fails the test.
pub(crate) fn of_tar(tar: impl Read) -> Entries {
    let mut entries = Entries::new();
    let mut links: Vec<(String, String)> = Vec::new();
    let mut archive = Archive::new(tar);
    for member in archive.entries().expect("a tar file") {
        let mut member = member.expect("a whole member");
        let path = shown(&member.path_bytes());
        let (entry, link) = of_member(&mut member);
        if let Some(target) = link {
            links.push((path.clone(), target));
        }
        assert!(entries.insert(path.clone(), entry).is_none(), "{path} is there twice");
    }
    share(&mut entries, &links);
    entries
}

/// One member's fields; for a hard link the path that it leads to.
fn of_member<R: Read>(member: &mut tar::Entry<'_, R>) -> (Entry, Option<String>) {
    let pax: BTreeMap<String, Vec<u8>> = member
        .pax_extensions()
        .expect("PAX records")
        .into_iter()
        .flatten()
        .map(|record| record.expect("a whole record"))
        .map(|record| (record.key().expect("a name in UTF-8").to_owned(), record.value_bytes().to_vec()))
        .collect();
    let text = |key: &str| pax.get(key).map(|value| String::from_utf8_lossy(value).into_owned());
    let header = member.header().clone();
    let number = |value: std::io::Result<u64>| value.expect("a number").to_string();
    let mut entry = Entry::new();
    let target = member.link_name_bytes().map(std::borrow::Cow::into_owned).unwrap_or_default();
    entry.insert("mode", format!("{:04o}", header.mode().expect("a mode") & 0o7777));
    let owner = [("uid", header.uid()), ("gid", header.gid())];
    let owner = owner.map(|(key, value)| text(key).unwrap_or_else(|| number(value)));
    entry.insert("owner", owner.join(":"));
    entry.insert("time", time(&text("mtime").unwrap_or_else(|| seconds(&header))));
    let xattrs = pax.iter().filter_map(|(key, value)| Some((key.strip_prefix("SCHILY.xattr.")?, value)));
    let xattrs = xattrs.fold(String::new(), |mut all, (name, value)| {
        write!(all, "{name}={} ", shown(value)).expect("it is a String");
        all
    });
    if !xattrs.is_empty() {
        entry.insert("xattrs", xattrs);
    }
    let kind = header.entry_type();
    entry.insert("kind", kind_name(kind).to_owned());
    match kind {
        EntryType::Symlink => drop(entry.insert("target", escaped(&target))),
        EntryType::Link => return (entry, Some(shown(&target))),
        EntryType::Char | EntryType::Block => {
            let [major, minor] = [header.device_major(), header.device_minor()]
                .map(|part| part.expect("a device number").expect("a device number"));
            entry.insert("device", format!("{major}:{minor}"));
        }
        EntryType::Regular | EntryType::Continuous => {
            let mut content = Vec::new();
            member.read_to_end(&mut content).expect("the member's bytes");
            entry.insert("content", content_of(&content));
        }
        _ => {}
    }
    (entry, None)
}

/// Seconds since 1970 of a header, which may be negative in its base-256 form.
fn seconds(header: &tar::Header) -> String {
    i64::from_ne_bytes(header.mtime().expect("a time").to_ne_bytes()).to_string()
}

/// Seconds and nine digits of nanoseconds.
fn time(text: &str) -> String {
    let (whole, part) = text.split_once('.').unwrap_or((text, ""));
    format!("{whole}.{part:0<9}")
}

fn kind_name(kind: EntryType) -> &'static str {
    match kind {
        EntryType::Regular | EntryType::Continuous | EntryType::Link => "file",
        EntryType::Directory => "directory",
        EntryType::Symlink => "symlink",
        EntryType::Fifo => "fifo",
        EntryType::Char => "character device",
        EntryType::Block => "block device",
        other => panic!("a member of type {other:?}"),
    }
}

/// Gives each hard link what its target is, and all of them the list of their names.
fn share(entries: &mut Entries, links: &[(String, String)]) {
    let mut names: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for (path, target) in links {
        let first = names.iter().find(|(first, all)| *first == target || all.contains(target));
        let first = first.map_or(target.clone(), |(first, _)| first.clone());
        names.entry(first).or_default().push(path.clone());
    }
    for (first, mut all) in names {
        let Some(mut entry) = entries.get(&first).cloned() else {
            for path in &all {
                entries.get_mut(path).expect("a link").insert("links", first.clone());
            }
            continue;
        };
        all.push(first);
        all.sort();
        entry.insert("links", all.join(" "));
        for path in all {
            entries.insert(path, entry.clone());
        }
    }
}

/// What a directory holds, itself as `.`.
pub(crate) fn of_directory(root: &Path) -> Entries {
    let mut entries = Entries::new();
    let mut inodes: BTreeMap<u64, Vec<String>> = BTreeMap::new();
    for found in walkdir::WalkDir::new(root) {
        let found = found.expect("a folder that can be read");
        let below = found.path().strip_prefix(root).expect("below its root");
        let path = shown(below.as_os_str().as_bytes());
        let metadata = fs::symlink_metadata(found.path()).expect("it was just met");
        if !metadata.is_dir() && metadata.nlink() > 1 {
            inodes.entry(metadata.ino()).or_default().push(path.clone());
        }
        entries.insert(path, of_path(found.path(), &metadata));
    }
    for mut names in inodes.into_values().filter(|names| names.len() > 1) {
        names.sort();
        for name in &names {
            entries.get_mut(name).expect("it was just met").insert("links", names.join(" "));
        }
    }
    entries
}

fn of_path(path: &Path, metadata: &fs::Metadata) -> Entry {
    let mut entry = Entry::new();
    entry.insert("mode", format!("{:04o}", metadata.mode() & 0o7777));
    entry.insert("owner", format!("{}:{}", metadata.uid(), metadata.gid()));
    entry.insert("time", format!("{}.{:09}", metadata.mtime(), metadata.mtime_nsec()));
    let kind = metadata.file_type();
    let name = if kind.is_dir() {
        "directory"
    } else if kind.is_symlink() {
        let target = fs::read_link(path).expect("a symlink");
        entry.insert("target", escaped(target.as_os_str().as_bytes()));
        "symlink"
    } else if kind.is_file() {
        entry.insert("content", content_of(&fs::read(path).expect("a readable file")));
        "file"
    } else if kind.is_fifo() {
        "fifo"
    } else {
        let (major, minor) = (rustix::fs::major(metadata.rdev()), rustix::fs::minor(metadata.rdev()));
        entry.insert("device", format!("{major}:{minor}"));
        if kind.is_char_device() { "character device" } else { "block device" }
    };
    entry.insert("kind", name.to_owned());
    let xattrs = xattrs(path);
    if !xattrs.is_empty() {
        entry.insert("xattrs", xattrs);
    }
    entry
}

fn xattrs(path: &Path) -> String {
    let mut names = vec![0; 1 << 16];
    let length = rustix::fs::llistxattr(path, &mut names).unwrap_or(0);
    let mut names: Vec<&[u8]> = names[..length].split(|byte| *byte == 0).filter(|name| !name.is_empty()).collect();
    names.sort_unstable();
    names.iter().fold(String::new(), |mut all, name| {
        let mut value = vec![0; 1 << 16];
        let length = rustix::fs::lgetxattr(path, *name, &mut value).expect("an attribute that was listed");
        write!(all, "{}={} ", String::from_utf8_lossy(name), shown(&value[..length])).expect("it is a String");
        all
    })
}

fn content_of(bytes: &[u8]) -> String {
    format!("{} bytes {}", bytes.len(), &hex(bytes)[..12])
}

/// A path in the form of [`Entries`].
fn shown(path: &[u8]) -> String {
    let path = path.strip_prefix(b"./").unwrap_or(path);
    let path = path.strip_prefix(b"/").unwrap_or(path);
    let path = escaped(path.strip_suffix(b"/").unwrap_or(path));
    if path.is_empty() { ".".to_owned() } else { path }
}

fn escaped(bytes: &[u8]) -> String {
    bytes.utf8_chunks().fold(String::new(), |mut all, chunk| {
        all.push_str(chunk.valid());
        for byte in chunk.invalid() {
            write!(all, "\\x{byte:02x}").expect("it is a String");
        }
        all
    })
}

/// Fails, field by field, if two trees differ in anything that is not known to. What is known to differ must.
pub(crate) fn assert_same(
    what: &str,
    (left, ours): (&str, &Entries),
    (right, theirs): (&str, &Entries),
    known: &[Known],
) {
    let mut met = vec![false; known.len()];
    let mut wrong: Vec<String> = Vec::new();
    let mut differ = |path: &str, field: &str, one: String, other: String| {
        let is_known =
            known.iter().position(|(at, what, _)| (*at == path || *at == "*") && (*what == field || *what == "*"));
        match is_known {
            Some(n) => met[n] = true,
            None => wrong.push(format!("{path}: {field}: {left} {one}, {right} {other}")),
        }
    };
    for path in ours.keys().chain(theirs.keys().filter(|path| !ours.contains_key(*path))) {
        match (ours.get(path), theirs.get(path)) {
            (Some(one), Some(other)) => {
                for field in one.keys().chain(other.keys().filter(|field| !one.contains_key(*field))) {
                    if one.get(field) != other.get(field) {
                        differ(path, field, format!("{:?}", one.get(field)), format!("{:?}", other.get(field)));
                    }
                }
            }
            (one, other) => differ(path, "entry", format!("{one:?}"), format!("{other:?}")),
        }
    }
    assert!(wrong.is_empty(), "{what}: {wrong:#?}");
    let stale: Vec<&Known> = known.iter().zip(met).filter(|(_, met)| !met).map(|(known, _)| known).collect();
    assert!(stale.is_empty(), "{what}: known to differ, but the same: {stale:#?}");
}
