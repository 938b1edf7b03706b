//! Contexts as the cases describe them, and the image that they start from.

use std::fs;
use std::os::unix::fs::{PermissionsExt as _, chown, symlink};
use std::path::Path;
use std::process::Command;
use std::time::{Duration, SystemTime};

use serde_json::{Map, Value, json};
use sha2::{Digest as _, Sha256};

use crate::support::image::TestImage;
use crate::support::layer::{Item, layer};
use crate::support::packing::Packing;

/// The time of everything in a context, if a case says nothing else.
pub(super) const FIXED: u64 = 1_500_000_000;
/// The time of everything in the base image.
pub(super) const BASE_TIME: u64 = 1_262_304_000;

/// Writes a context into a folder, all of it at the time `when`; null removes a path.
pub(super) fn lay(entries: &Map<String, Value>, root: &Path, when: u64, fill: &dyn Fn(&str) -> String) {
    fs::create_dir_all(root).expect("a folder");
    for (name, spec) in entries {
        let path = root.join(name.trim_end_matches('/'));
        fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
        match spec {
            Value::Null => fs::remove_file(&path).expect("it is there"),
            Value::String(text) => write(&path, fill(text).as_bytes(), &json!({})),
            _ if spec["many"].is_u64() => many(&path, spec["many"].as_u64().unwrap_or_default()),
            _ if !spec["dir"].is_null() => fs::create_dir_all(&path).expect("a folder"),
            _ => match spec["link"].as_str() {
                Some(target) => symlink(target, &path).expect("a link"),
                None => write(&path, &content(spec, fill), spec),
            },
        }
    }
    let mut seen: Vec<_> = walkdir::WalkDir::new(root).contents_first(true).into_iter().flatten().collect();
    seen.retain(|entry| !entry.file_type().is_symlink());
    for entry in seen {
        let name = entry.path().strip_prefix(root).expect("below it").to_str().expect("a name").to_owned();
        let changed = entries.get(&name).or_else(|| entries.get(&format!("{name}/")));
        if changed.is_some() || entry.file_type().is_dir() || when == FIXED {
            finish(entry.path(), changed.unwrap_or(&Value::Null), entry.file_type().is_dir(), when);
        }
    }
}

fn write(path: &Path, bytes: &[u8], spec: &Value) {
    fs::write(path, bytes).expect("a file");
    fs::set_permissions(path, fs::Permissions::from_mode(mode(spec, 0o644))).expect("a mode");
}

/// `many` files in folders of a hundred.
fn many(path: &Path, count: u64) {
    for number in 0..count {
        let file = path.join(format!("{:03}/f{number:04}", number / 100));
        fs::create_dir_all(file.parent().expect("a folder")).expect("a folder");
        write(&file, format!("file {number}\n").as_bytes(), &Value::Null);
    }
}

/// Sets owner, permissions and time, in that order: each undoes the one before it.
fn finish(path: &Path, spec: &Value, is_folder: bool, when: u64) {
    if let Some(uid) = spec["uid"].as_u64().filter(|_| rustix::process::geteuid().is_root()) {
        let id = |number: u64| Some(u32::try_from(number).expect("an ID"));
        chown(path, id(uid), id(spec["gid"].as_u64().unwrap_or(uid))).expect("root may");
    }
    let usual = if is_folder { 0o755 } else { fs::metadata(path).expect("it is there").permissions().mode() };
    fs::set_permissions(path, fs::Permissions::from_mode(mode(spec, usual))).expect("a mode");
    let when = if is_folder && spec.is_null() { FIXED } else { spec["mtime"].as_u64().unwrap_or(when) };
    // A folder that its owner may not read is not in the cases.
    let file = fs::File::open(path).expect("it can be opened");
    file.set_modified(SystemTime::UNIX_EPOCH + Duration::from_secs(when)).expect("a time");
}

fn mode(spec: &Value, usual: u32) -> u32 {
    spec["mode"].as_str().map_or(usual, |mode| u32::from_str_radix(mode, 8).expect("octal"))
}

/// The bytes of a file: a text, base64, a stream from a seed, or an archive.
pub(super) fn content(spec: &Value, fill: &dyn Fn(&str) -> String) -> Vec<u8> {
    if let Some(text) = spec.as_str().or_else(|| spec["text"].as_str()) {
        return fill(text).into_bytes();
    }
    if let Some(text) = spec["b64"].as_str() {
        return base64(text);
    }
    if let [seed, size] = super::list(spec, "random") {
        let size = usize::try_from(size.as_u64().expect("a size")).expect("a size");
        let block = |number: usize| Sha256::digest(format!("{seed}:{number}")).to_vec();
        let mut bytes: Vec<u8> = (0..=size / 32).flat_map(block).collect();
        bytes.truncate(size);
        return bytes;
    }
    let entries = super::object(spec, "tar");
    let tar = layer(&entries.iter().map(|(name, spec)| item(name, spec)).collect::<Vec<_>>());
    let packing = match spec["compress"].as_str() {
        None => Packing::None,
        Some("gz") => Packing::Gzip,
        Some("bz2") => Packing::Bzip2,
        Some("xz") => Packing::Xz,
        Some("zst") => Packing::Zstd,
        Some(other) => panic!("{other}: no such compression"),
    };
    packing.apply(&tar)
}

/// A member of an archive.
fn item(name: &str, spec: &Value) -> Item {
    let number = |field: &str| spec[field].as_u64().unwrap_or_default();
    let time = i64::try_from(spec["mtime"].as_u64().unwrap_or(FIXED)).expect("a time");
    let item = if !spec["dir"].is_null() {
        Item::dir(name)
    } else if let Some(target) = spec["link"].as_str() {
        Item::symlink(name, target).mode(0o777)
    } else if let Some(target) = spec["hard"].as_str() {
        Item::hardlink(name, target)
    } else {
        Item::file(name, content(spec, &str::to_owned))
    };
    let usual = item.mode;
    let item = item.mode(mode(spec, usual)).owner(number("uid"), number("gid")).mtime(time, 0);
    let xattrs = super::object(spec, "xattrs").iter();
    xattrs.fold(item, |item, (name, value)| item.xattr(name, value.as_str().expect("a text")))
}

fn base64(text: &str) -> Vec<u8> {
    const LETTERS: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let (mut bytes, mut bits, mut held) = (Vec::new(), 0_u32, 0);
    for letter in text.bytes().filter(|letter| *letter != b'=') {
        let value = LETTERS.iter().position(|known| *known == letter).expect("base64");
        bits = bits << 6 | u32::try_from(value).expect("six bits");
        held += 6;
        if held >= 8 {
            held -= 8;
            bytes.push((bits >> held & 0xff) as u8);
        }
    }
    bytes
}

/// `base:latest`: busybox with a link for each applet, and four users.
pub(super) fn base(busybox: &str) -> TestImage {
    let listed = Command::new(busybox).arg("--list").output().expect("busybox runs");
    let time = i64::try_from(BASE_TIME).expect("a time");
    let mut items = Vec::new();
    for name in "bin dev etc home home/app proc root sys tmp usr usr/bin var var/lib".split(' ') {
        let owner = if name == "home/app" { 1001 } else { 0 };
        let mode = if name == "tmp" {
            0o1777
        } else if name == "root" {
            0o700
        } else {
            0o755
        };
        items.push(Item::dir(name).mode(mode).owner(owner, owner));
    }
    items.push(Item::file("bin/busybox", fs::read(busybox).expect("busybox")).mode(0o755));
    for applet in String::from_utf8_lossy(&listed.stdout).split_whitespace().filter(|applet| *applet != "busybox") {
        items.push(Item::symlink(format!("bin/{applet}"), "busybox").mode(0o777));
    }
    let passwd = "root:x:0:0:root:/root:/bin/sh\ndaemon:x:1:1:daemon:/usr/sbin:/bin/false\n\
                  app:x:1001:1001:app:/home/app:/bin/sh\nnobody:x:65534:65534:nobody:/:/bin/false\n";
    let group = "root:x:0:\ndaemon:x:1:\nstaff:x:50:app\napp:x:1001:\nnogroup:x:65534:\n";
    for (name, text) in [
        ("passwd", passwd),
        ("group", group),
        ("hosts", ""),
        ("resolv.conf", ""),
        ("hostname", ""),
        ("motd", "base\n"),
        ("nsswitch.conf", "hosts: files\n"),
        ("os-release", "ID=base\n"),
    ] {
        items.push(Item::file(format!("etc/{name}"), text));
    }
    let items: Vec<Item> = items.into_iter().map(|item| item.mtime(time, 0)).collect();
    let mut image = TestImage::new(&["base:latest"]).raw_layer("base of busybox", layer(&items));
    let env = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
    image.config["config"] = json!({"Env": [env], "Cmd": ["sh"]});
    image
}
