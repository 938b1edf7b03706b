//! What is installed in an image, by the records that package managers and compilers leave in its files.

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
use format::Format;
use read::Reader;
pub use record::{Record, Unread};

/// The packages of an image.
#[derive(Debug, Default)]
pub struct Installed {
    /// The packages, sorted by type, name, version and architecture.
    pub packages: Vec<InstalledPackage>,
    /// What the image says of its distribution.
    pub os: Option<OsRelease>,
    /// The records that could not be read, whose packages are missing.
    pub unread: Vec<Unread>,
}

/// A package, and all records of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InstalledPackage {
    /// The package.
    pub package: Package,
    /// Its package URL, where it can have one.
    pub purl: Option<String>,
    /// Where it is recorded, sorted by path.
    pub records: Vec<Record>,
}

/// Where a distribution says what it is; the first that is there counts.
const OS_RELEASE: [&[u8]; 2] = [b"etc/os-release", b"usr/lib/os-release"];
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
    let total = records.values().map(|(node, _)| node.size()).fold(0, u64::saturating_add);
    progress.total(Some(total));
    progress.start(0, "packages", Some(total));
    let mut reader = Reader::new(&look.view, &records, progress);
    look.read(context, records.values().map(|(node, _)| *node), &mut reader)?;
    progress.finish(0, "");
    unread.append(&mut reader.unread);
    unread.sort_by(|one, other| one.path.cmp(&other.path));
    let mut merged: BTreeMap<Package, Vec<Record>> = BTreeMap::new();
    for (package, record) in reader.found {
        if kinds.is_empty() || kinds.contains(&package.kind) {
            merged.entry(package).or_default().push(record);
        }
    }
    let packages = merged.into_iter().map(|(package, mut records)| {
        records.sort();
        records.dedup();
        InstalledPackage { purl: purl::of(&package, os.as_ref()), package, records }
    });
    Ok(Installed { packages: packages.collect(), os, unread })
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
    let (mut records, mut unread, mut logs) = (BTreeMap::new(), Vec::new(), Vec::new());
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
        if let Ok(node) = view.follow(path, LastLink::Follow) {
            add(node, *format);
        }
        let log = view.follow(&[path, b"-wal".as_slice()].concat(), LastLink::Follow).ok();
        logs.extend(log.filter(|log| {
            log.size() > 0 && format.kinds().iter().all(|kind| kinds.is_empty() || kinds.contains(kind))
        }));
    }
    for node in view.iter().filter(|node| matches!(node.kind(), NodeKind::File)) {
        if let Some(format) = Format::of(node) {
            add(node, format);
        }
    }
    let why = "changes that SQLite has not merged into its database are not covered";
    unread.extend(logs.iter().map(|log| Unread { path: log.path_bytes(), why: why.to_owned(), is_database: false }));
    (records, unread)
}
