//! Pictures of a folder, to tell whether anything in it changed.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use super::hex;

/// Every path below `root` with the digest of its contents (`dir` for folders, the target for symlinks).
///
/// In the store's private folder `imgtool/` only what holds bytes counts: lock files and empty folders come and go.
pub(crate) fn picture(root: &Path) -> BTreeMap<String, String> {
    let mut seen = BTreeMap::new();
    for entry in walkdir::WalkDir::new(root).min_depth(1) {
        let entry = entry.expect("a folder that can be read");
        let path = entry.path();
        let name = path.strip_prefix(root).expect("below its root").to_string_lossy().into_owned();
        let kind = entry.file_type();
        let what = if kind.is_dir() {
            "dir".to_owned()
        } else if kind.is_symlink() {
            format!("-> {}", fs::read_link(path).expect("a symlink").display())
        } else if kind.is_file() {
            hex(&fs::read(path).expect("a readable file"))
        } else {
            "special".to_owned()
        };
        let private = name == "imgtool" || name.starts_with("imgtool/");
        if !(private && (kind.is_dir() || what == hex(b""))) {
            seen.insert(name, what);
        }
    }
    seen
}

/// What differs between two pictures, one line a path.
pub(crate) fn changes(before: &BTreeMap<String, String>, after: &BTreeMap<String, String>) -> Vec<String> {
    let mut lines = Vec::new();
    for (path, was) in before {
        match after.get(path) {
            None => lines.push(format!("gone: {path}")),
            Some(is) if is != was => lines.push(format!("changed: {path}")),
            Some(_) => {}
        }
    }
    lines.extend(after.keys().filter(|path| !before.contains_key(*path)).map(|path| format!("new: {path}")));
    lines
}

/// Removes a folder with all that is in it, also in directories that their owner may not enter.
pub(crate) fn remove(root: &Path) {
    use std::os::unix::fs::PermissionsExt as _;
    for entry in walkdir::WalkDir::new(root) {
        let path = match &entry {
            Ok(entry) if entry.file_type().is_dir() => entry.path().to_owned(),
            Ok(_) => continue,
            Err(error) => error.path().expect("a folder").to_owned(),
        };
        let is_closed = fs::metadata(&path).is_ok_and(|found| found.permissions().mode() & 0o700 != 0o700);
        if is_closed {
            fs::set_permissions(&path, fs::Permissions::from_mode(0o700)).expect("a folder of ours");
            // Once more, now that it can be entered.
            return remove(root);
        }
    }
    fs::remove_dir_all(root).expect("a folder of ours");
}
