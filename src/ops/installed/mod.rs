//! What is installed in an image, by the records that package managers and compilers leave in its files.

mod compare;
mod format;
mod read;
mod record;

use std::collections::BTreeMap;

use super::look::{Look, Place};
use super::{Context, Error};
use crate::image::Progress;
use crate::layer::overlay::{LastLink, NodeKind, Overlay, ViewNode};
use crate::packages::os_release::OsRelease;
use crate::packages::{Kind, Package, purl};
pub use compare::{PackageChange, compare};
use format::Format;
use read::{Log, Reader};
pub use record::{Installed, InstalledPackage, Record, Unread};

/// Where a distribution says what it is; the first that is there counts.
const OS_RELEASE: [&[u8]; 2] = [b"etc/os-release", b"usr/lib/os-release"];
/// The largest log of `SQLite` that is read; `SQLite` merges it when it has 4 MiB.
const MOST_LOG: u64 = 64 << 20;
/// The largest `os-release` that is read.
const MOST_OS_RELEASE: u64 = 64 << 10;

/// Whether a path is that of the list of all packages of a system.
pub fn is_database(path: &[u8]) -> bool {
    Format::DATABASES.iter().any(|(database, _)| *database == path)
}

/// The packages of the types `kinds`, of all types if it is empty.
///
/// Layers are decompressed only as far as there are records in them.
pub fn installed(context: &Context, look: &Look, kinds: &[Kind], progress: &dyn Progress) -> Result<Installed, Error> {
    let os = os_release(context, look)?;
    let (records, mut unread) = records(&look.view, kinds);
    let logs = logs(context, look, &records, &mut unread)?;
    let total = records.values().map(|(node, _)| node.size()).fold(0, u64::saturating_add);
    progress.total(Some(total));
    progress.start(0, "packages", Some(total));
    let mut reader = Reader::new(&look.view, &records, &logs, progress);
    look.read(context, records.values().map(|(node, _)| *node), &mut reader)?;
    progress.finish(0, "");
    unread.append(&mut reader.unread);
    unread.sort_by(|one, other| one.path.cmp(&other.path));
    let mut found = reader.found;
    found.retain(|(package, _)| kinds.is_empty() || kinds.contains(&package.kind));
    Ok(Installed { packages: merge(found, os.as_ref()), os, unread })
}

/// Each package once, with all its records.
fn merge(mut found: Vec<(Package, Record)>, os: Option<&OsRelease>) -> Vec<InstalledPackage> {
    found.sort();
    let mut merged: Vec<InstalledPackage> = Vec::new();
    for (package, record) in found {
        if let Some(last) = merged.last_mut().filter(|last| last.package.identity() == package.identity()) {
            // Those that say more of the same package are sorted behind.
            last.package = package;
            last.records.push(record);
        } else {
            let purl = purl::of(&package, os);
            merged.push(InstalledPackage { package, purl, records: vec![record] });
        }
    }
    for package in &mut merged {
        package.records.sort();
        package.records.dedup();
    }
    merged
}

fn os_release(context: &Context, look: &Look) -> Result<Option<OsRelease>, Error> {
    let found = OS_RELEASE.iter().find_map(|path| look.view.follow(path, LastLink::Follow).ok());
    let Some(file) = found.filter(|file| Place::of(*file).is_some()) else { return Ok(None) };
    let contents = look.contents(context, [file], MOST_OS_RELEASE)?;
    Ok(contents.values().next().and_then(|bytes| OsRelease::read(bytes)))
}

/// The files that are read, and those that are too large.
type Records<'v> = (BTreeMap<Place, (ViewNode<'v>, Format)>, Vec<Unread>);

fn records<'v>(view: &'v Overlay, kinds: &[Kind]) -> Records<'v> {
    let (mut records, mut unread) = (BTreeMap::new(), Vec::new());
    let mut add = |node: ViewNode<'v>, format: Format| {
        let Some(place) = Place::of(node) else { return };
        let is_wanted = kinds.is_empty() || format.kinds().iter().any(|kind| kinds.contains(kind));
        if !is_wanted || records.contains_key(&place) {
            return;
        }
        if node.size() > format.most() {
            let why = format!("it has more than {} MiB", format.most() >> 20);
            unread.push(Unread { path: node.path_bytes(), why, is_database: format.is_database() });
            return;
        }
        records.insert(place, (node, format));
    };
    for (path, format) in Format::DATABASES {
        if let Ok(node) = view.follow(path, LastLink::Follow)
            && !is_superseded(node)
        {
            add(node, *format);
        }
    }
    for node in view.iter().filter(|node| matches!(node.kind(), NodeKind::File)) {
        if let Some(format) = Format::of(node) {
            add(node, format);
        }
    }
    (records, unread)
}

/// Whether it is rpm's old database beside a newer one: rpm leaves it there when it converts it.
fn is_superseded(node: ViewNode<'_>) -> bool {
    let is_there = |name: &[u8]| node.parent().is_some_and(|folder| folder.child(name).is_some());
    node.name() == b"Packages" && (is_there(b"rpmdb.sqlite") || is_there(b"Packages.db"))
}

/// What `SQLite` has not yet merged into these databases, which stands beside them.
fn logs(
    context: &Context,
    look: &Look,
    records: &BTreeMap<Place, (ViewNode<'_>, Format)>,
    unread: &mut Vec<Unread>,
) -> Result<BTreeMap<Place, Log>, Error> {
    let mut logs = BTreeMap::new();
    for (place, (node, _)) in records.iter().filter(|(_, (_, format))| *format == Format::Rpm) {
        let path = [&node.path_bytes()[..], b"-wal"].concat();
        let Ok(log) = look.view.follow(&path, LastLink::Follow) else { continue };
        if log.size() > MOST_LOG {
            let why = format!("it has more than {} MiB", MOST_LOG >> 20);
            unread.push(Unread { path: log.path_bytes(), why, is_database: true });
        } else if let Some(content) = look.contents(context, [log], MOST_LOG)?.into_values().next() {
            logs.insert(*place, Log { layer: log.layer(), content });
        }
    }
    Ok(logs)
}
