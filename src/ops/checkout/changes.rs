//! What changed in a directory since its image was unpacked.

use std::path::Path;

use super::base::Checkout;
use super::compare::Compare;
use crate::layer::EntryPath;
use crate::ops::{Context, Error, glob};
use crate::rootfs::{Changes, DiskChange, Keep, ScanOptions, Skipped, scan};

/// The changes in a directory.
#[derive(Debug)]
pub struct Diff {
    /// The changes and the directories on the way to them, in walk order.
    pub changes: Vec<DiskChange>,
    /// What was left out.
    pub skipped: Skipped,
    /// How the base was found, if not by the directory itself: it is a copy of the one at this path.
    pub copy_of: Option<String>,
    /// Everything in the directory is new because no image was unpacked to it.
    pub is_unknown: bool,
}

/// Compares a directory with the image that it came from.
pub fn diff(context: &Context, directory: &Path, compare: &Compare) -> Result<Diff, Error> {
    let checkout = Checkout::open(context, directory, compare)?;
    let Changes { changes, skipped } = checkout.changes(compare, &mut |_| Ok(()))?;
    Ok(Diff { changes, skipped, copy_of: checkout.copy_of, is_unknown: checkout.is_unknown })
}

impl Checkout {
    /// The changes in the directory. `keep` gets a record of everything that is there now, for the next snapshot.
    pub fn changes(&self, compare: &Compare, keep: Keep<'_>) -> Result<Changes, Error> {
        let exclude = |path: &EntryPath| is_excluded(&compare.exclude, path);
        let options = ScanOptions {
            settled: self.settled,
            user: self.user,
            exclude: (!compare.exclude.is_empty()).then_some(&exclude),
            stand_ins: &self.stand_ins,
            skip_unreadable: compare.skip_unreadable,
            in_place: self.in_place,
        };
        let mut records = self.records()?;
        let scanned = scan(&self.root, &mut *records, &self.layers, &options, keep);
        scanned.map_err(|error| match &self.names {
            Some(names) => names.of_rootfs(error),
            None => error.into(),
        })
    }
}

/// Whether one of the patterns matches a path: the whole path, with or without a leading `/`, or its last component if
/// the pattern has no `/`.
fn is_excluded(patterns: &[String], path: &EntryPath) -> bool {
    let whole = String::from_utf8_lossy(path.as_bytes());
    let name = String::from_utf8_lossy(path.file_name().unwrap_or_default()).into_owned();
    patterns.iter().any(|pattern| {
        let pattern = pattern.trim_end_matches('/');
        let trimmed = pattern.trim_start_matches("./").trim_start_matches('/');
        glob::matches(trimmed, &whole) || !pattern.contains('/') && glob::matches(pattern, &name)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn excluded_paths() {
        let patterns = ["*.log", "/var/cache/*", "./tmp/", "etc/host?"].map(str::to_owned);
        let yes = ["a.log", "x/y/a.log", "var/cache/apt", "tmp", "etc/hosts"];
        let no = ["", "a.logs", "var/cache", "x/tmp", "x/etc/hosts", "etc/hostname"];
        for (paths, expected) in [(&yes[..], true), (&no[..], false)] {
            for path in paths {
                let entry = EntryPath::new(path.as_bytes()).expect("a path");
                assert_eq!(is_excluded(&patterns, &entry), expected, "{path}");
            }
        }
    }
}
