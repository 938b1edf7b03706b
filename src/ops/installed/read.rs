//! Reading the records while the contents of a layer pass by.

use std::collections::BTreeMap;
use std::io;
use std::sync::Arc;

use super::format::Format;
use super::record::{Record, Unread};
use crate::image::Progress;
use crate::layer::overlay::{LastLink, Overlay, ViewNode};
use crate::ops::look::{Place, Take};
use crate::packages::{
    Kind, Package, Unreadable, apk, cargo, composer, dpkg, gem, go, is_elf, java, node, python, rpm,
};

/// The most packages of an image: what is compressed may be long.
const MOST_IN_ALL: usize = 1_000_000;

/// What `SQLite` has not yet merged into a database.
#[derive(Debug)]
pub(super) struct Log {
    /// The layer that it is in.
    pub(super) layer: usize,
    pub(super) content: Vec<u8>,
}

/// Takes the records one after the other; one at a time is held in memory.
pub(super) struct Reader<'a> {
    view: &'a Overlay,
    records: &'a BTreeMap<Place, (ViewNode<'a>, Format)>,
    logs: &'a BTreeMap<Place, Log>,
    progress: &'a dyn Progress,
    current: Vec<u8>,
    /// The current file is executable, and no program that could be read.
    is_other: bool,
    /// The packages found.
    pub(super) found: Vec<(Package, Record)>,
    /// What could not be read.
    pub(super) unread: Vec<Unread>,
}

impl<'a> Reader<'a> {
    pub(super) fn new(
        view: &'a Overlay,
        records: &'a BTreeMap<Place, (ViewNode<'a>, Format)>,
        logs: &'a BTreeMap<Place, Log>,
        progress: &'a dyn Progress,
    ) -> Self {
        let (current, found, unread) = (Vec::new(), Vec::new(), Vec::new());
        Self { view, records, logs, progress, current, is_other: false, found, unread }
    }

    fn keep(&mut self, file: ViewNode<'_>, packages: Vec<InFile>) {
        let path: Arc<[u8]> = file.path_bytes().into();
        let above = self.log(file).map(|log| log.layer).unwrap_or_default();
        for (package, inner) in packages {
            let layer = self.layer_of(&package).unwrap_or_else(|| file.layer().max(above));
            let path = if inner.is_empty() { Arc::clone(&path) } else { [&*path, b"!", &inner].concat().into() };
            self.found.push((package, Record { path, layer }));
        }
    }

    fn log(&self, file: ViewNode<'_>) -> Option<&'a Log> {
        self.logs.get(&Place::of(file)?)
    }

    fn read(&self, file: ViewNode<'_>, format: Format, content: &[u8]) -> Result<Vec<InFile>, String> {
        let log = self.log(file).map(|log| &log.content[..]).unwrap_or_default();
        let packages = packages(format, file.name(), content, log).map_err(|why| why.to_string())?;
        if self.found.len() + packages.len() > MOST_IN_ALL {
            return Err(format!("with it there are more than {MOST_IN_ALL} packages in the image"));
        }
        Ok(packages)
    }

    fn format(&self, file: ViewNode<'_>) -> Option<Format> {
        Some(self.records.get(&Place::of(file)?)?.1)
    }

    /// The layer that brought a package, if its manager keeps something that tells.
    fn layer_of(&self, package: &Package) -> Option<usize> {
        let Package { kind: Kind::Deb, name, arch, .. } = package else { return None };
        let lists = [format!("var/lib/dpkg/info/{name}.list"), format!("var/lib/dpkg/info/{name}:{arch}.list")];
        let list = lists.iter().find_map(|list| self.view.follow(list.as_bytes(), LastLink::Keep).ok());
        list.map(|list| list.layer())
    }
}

impl<'v> Take<'v> for Reader<'_> {
    fn bytes(&mut self, file: ViewNode<'v>, bytes: &[u8]) -> io::Result<()> {
        self.progress.advance(0, bytes.len() as u64);
        if self.current.is_empty() && self.format(file) == Some(Format::Program) && !is_elf(bytes) {
            self.is_other = true;
        }
        if !self.is_other {
            self.current.extend_from_slice(bytes);
        }
        Ok(())
    }

    fn verified(&mut self, file: ViewNode<'v>) -> io::Result<()> {
        let content = std::mem::take(&mut self.current);
        let format = self.format(file).filter(|_| !std::mem::take(&mut self.is_other));
        let Some(format) = format else { return Ok(()) };
        match self.read(file, format, &content) {
            Ok(packages) => self.keep(file, packages),
            Err(why) => {
                self.unread.push(Unread { path: file.path_bytes(), why, is_database: format.is_database() });
            }
        }
        Ok(())
    }
}

/// A package, and where in the file it is, if that is an archive.
type InFile = (Package, Vec<u8>);

fn packages(format: Format, name: &[u8], content: &[u8], log: &[u8]) -> Result<Vec<InFile>, Unreadable> {
    let packages = match format {
        Format::Dpkg => dpkg::installed(content),
        Format::Apk => apk::installed(content),
        Format::Rpm => rpm::installed(content, log),
        Format::Python => python::package(content).map(|package| vec![package]),
        Format::Npm => node::package(content).map(|package| package.into_iter().collect()),
        Format::Gem => gem::package(content).map(|package| vec![package]),
        Format::Composer => composer::installed(content),
        Format::Program => go::modules(content).and_then(|modules| Ok([modules, cargo::crates(content)?].concat())),
        Format::Jar => return java::packages(name, content),
    };
    Ok(packages?.into_iter().map(|package| (package, Vec::new())).collect())
}
