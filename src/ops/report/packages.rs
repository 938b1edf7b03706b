//! What is installed, in columns, and how old it is.

use std::collections::HashMap;

use serde::Serialize;
use serde_json::{Value, json};

use super::known_base::KnownBase;
use super::words::{path, text, up_to};
use crate::oci::{ANNOTATION_BASE_DIGEST, ANNOTATION_BASE_NAME, Created};
use crate::ops::installed::{Installed, InstalledPackage, PackageChange, Unread, compare};
use crate::ops::look::Look;
use crate::packages::Kind;

/// The most packages of the page; large images have 5,000.
const MOST_PACKAGES: usize = 30_000;
/// The longest name, licence or path of a package, in characters.
const MOST_NAME: usize = 160;
/// The longest version, in characters.
const MOST_VERSION: usize = 80;
/// The most records that are named of those that could not be read.
const MOST_UNREAD: usize = 20;

/// The packages of the page, in the order of `packages`.
#[derive(Debug, Serialize)]
pub(super) struct Packages {
    /// The words for types, and how many packages there are of each.
    kinds: Vec<(&'static str, usize)>,
    /// The type of each package, by its place in `kinds`.
    types: Vec<usize>,
    names: Vec<String>,
    versions: Vec<String>,
    sizes: Vec<Option<u64>>,
    layers: Vec<usize>,
    /// Architecture, licence and first record of each, by their places in `texts`.
    archs: Vec<usize>,
    licenses: Vec<usize>,
    records: Vec<usize>,
    texts: Vec<String>,
    /// How many are not listed.
    more: usize,
    unread: Vec<String>,
    changes: Option<Vec<Change>>,
}

/// A package that changed: type, name, architecture, the old versions, the new ones.
type Change = (&'static str, String, String, String, String);

impl Packages {
    pub(super) fn of(new: &Installed, old: Option<&Installed>) -> Self {
        let shown = &new.packages[..new.packages.len().min(MOST_PACKAGES)];
        let kinds = counts(&new.packages);
        let place = |kind: Kind| kinds.iter().position(|(word, _)| *word == kind.word()).unwrap_or_default();
        let mut texts = Texts::default();
        let mut column = |of: &dyn Fn(&InstalledPackage) -> String| {
            shown.iter().map(|found| texts.place(up_to(MOST_NAME, &of(found)))).collect::<Vec<_>>()
        };
        let archs = column(&|found| found.package.arch.clone());
        let licenses = column(&|found| found.package.license.clone());
        let records = column(&|found| found.records.first().map(|record| path(&record.path)).unwrap_or_default());
        Self {
            types: shown.iter().map(|found| place(found.package.kind)).collect(),
            names: shown.iter().map(|found| up_to(MOST_NAME, &found.package.name)).collect(),
            versions: shown.iter().map(|found| up_to(MOST_VERSION, &found.package.version)).collect(),
            sizes: shown.iter().map(|found| found.package.size).collect(),
            layers: shown.iter().map(InstalledPackage::layer).collect(),
            archs,
            licenses,
            records,
            texts: texts.all,
            more: new.packages.len() - shown.len(),
            unread: new.unread.iter().take(MOST_UNREAD).map(unread).collect(),
            changes: old.map(|old| compare(old, new).iter().take(MOST_PACKAGES).map(change).collect()),
            kinds,
        }
    }
}

fn counts(packages: &[InstalledPackage]) -> Vec<(&'static str, usize)> {
    let count = |kind| packages.iter().filter(|found| found.package.kind == kind).count();
    Kind::ALL.into_iter().map(|kind| (kind.word(), count(kind))).filter(|(_, count)| *count > 0).collect()
}

fn unread(record: &Unread) -> String {
    format!("/{} is not read: {}; its packages are missing", path(&record.path), text(&record.why))
}

fn change(change: &PackageChange) -> Change {
    let versions = |all: &[String]| up_to(MOST_NAME, &all.join(", "));
    let PackageChange { kind, name, arch, old, new } = change;
    (kind.word(), up_to(MOST_NAME, name), up_to(MOST_NAME, arch), versions(old), versions(new))
}

/// Texts of which each is kept once.
#[derive(Default)]
struct Texts {
    all: Vec<String>,
    places: HashMap<String, usize>,
}

impl Texts {
    fn place(&mut self, text: String) -> usize {
        *self.places.entry(text).or_insert_with_key(|text| {
            self.all.push(text.clone());
            self.all.len() - 1
        })
    }
}

/// What the image says of its age: when it and its layers were made, in seconds since 1970, its base, and its
/// distribution. How long ago that is, the page knows.
pub(super) fn age(look: &Look, installed: &Installed, base: Option<&KnownBase>) -> Value {
    let config = look.image.config.value();
    let seconds = |created: Option<&Created>| created.map(|created| created.timestamp().as_second());
    let mut made = config.history.iter().filter(|step| !step.empty_layer).map(|step| seconds(step.created.as_ref()));
    let layers: Vec<Option<i64>> = look.image.layers.iter().map(|_| made.next().flatten()).collect();
    let os = installed.os.as_ref();
    let os = os.map(|os| if os.pretty_name.is_empty() { text(&os.distro()) } else { text(&os.pretty_name) });
    json!({
        "made": seconds(config.created.as_ref()),
        "layers": layers,
        "base": said(look, ANNOTATION_BASE_NAME),
        "base_digest": said(look, ANNOTATION_BASE_DIGEST),
        "known_base": base.map(KnownBase::data),
        "os": os,
        "support_end": installed.os.as_ref().map(|os| text(&os.support_end)).filter(|day| !day.is_empty()),
    })
}

/// What an annotation of the manifest says, or else the label of that name.
fn said(look: &Look, key: &str) -> Option<String> {
    let annotation = look.image.manifest.as_ref().and_then(|manifest| manifest.value().annotations.get(key));
    let config = look.image.config.value().config.as_ref();
    let label = || config?.labels.as_ref()?.get(key);
    annotation.or_else(label).map(|said| text(said)).filter(|said| !said.is_empty())
}
