//! Finds the images that an argument refers to.

use std::collections::{BTreeMap, HashMap, HashSet, hash_map};
use std::path::Path;
use std::sync::Arc;

use super::location::{Location, Pick};
use super::{Context, Error};
use crate::archive;
use crate::image::{Image, ImageTree, Inventory, Named};
use crate::oci::{ANNOTATION_REF_NAME, Descriptor, Digest, ImageId, Platform, Reference};
use crate::registry::Remote;
use crate::store::{Catalog, CatalogEntry};

/// Where an image is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ImagePlace {
    /// In the store.
    Store,
    /// In an archive or a layout.
    File,
    /// In a registry: its layers are fetched when they are read.
    Registry,
}

/// An image that was found.
#[derive(Debug, Clone)]
pub struct FoundImage {
    /// The names under which it was asked for; none if it was asked for by its id.
    pub names: Vec<Reference>,
    /// All names that it has where it is.
    pub all_names: Vec<Reference>,
    /// The manifest or index that leads to it; docker-archives have none.
    pub descriptor: Option<Descriptor>,
    /// What it leads to.
    pub tree: ImageTree,
    /// Where it is.
    pub place: ImagePlace,
    /// What fetches its layers, if it is in a registry.
    pub remote: Option<Arc<Remote>>,
}

impl FoundImage {
    /// The image that is meant: for `platform`, or if none is said, what suits the host.
    pub fn image(&self, platform: Option<&Platform>, host: &Platform) -> Result<&Image, Error> {
        let no_image = || {
            if self.is_only_listed() { Error::OnlyListed(self.shown()) } else { Error::NoSuchImage(self.shown()) }
        };
        match platform {
            None => self.tree.default_image(host).ok_or_else(no_image),
            Some(_) if self.is_only_listed() => Err(no_image()),
            Some(platform) => self.tree.image_for(platform).ok_or_else(|| Error::OtherPlatform {
                image: self.shown(),
                wanted: Box::new(platform.clone()),
                found: self.tree.images().iter().map(|image| image.platform()).collect(),
            }),
        }
    }

    /// Whether this is a manifest list, and only registries have its images.
    pub fn is_only_listed(&self) -> bool {
        self.descriptor.as_ref().is_some_and(Descriptor::has_sources) && self.tree.images().is_empty()
    }

    /// Whether it is in the store.
    pub fn in_store(&self) -> bool {
        self.place == ImagePlace::Store
    }

    /// The name of the image in messages.
    pub fn shown(&self) -> String {
        let name = self.names.first().or(self.all_names.first());
        let id = || self.tree.images().first().map(|image| image.id().to_string());
        let digest = || self.descriptor.as_ref().map(|descriptor| descriptor.digest.to_string());
        name.map(Reference::familiar).or_else(id).or_else(digest).unwrap_or_default()
    }
}

impl Context {
    /// Finds the one image that was typed.
    pub fn find(&self, typed: &str) -> Result<FoundImage, Error> {
        self.find_for(typed, None)
    }

    /// Finds the one image that was typed; of several in an archive, the one for `platform`.
    pub fn find_for(&self, typed: &str, platform: Option<&Platform>) -> Result<FoundImage, Error> {
        match Location::parse(typed, Path::exists) {
            Location::Store(name) => {
                let mut found = self.find_held(|catalog| Ok(vec![self.find_in_store(catalog, &name)?]))?;
                found.pop().ok_or_else(|| no_such_image(&name))
            }
            Location::Registry(name) => self.find_in_registry(&name, platform),
            location => Ok(pick(self.inventory(&location)?, &location, typed, platform)?.into()),
        }
    }

    /// Finds all images that were typed, where a repository without a tag means all its tags, and an archive all that
    /// is in it, for `platform` if one is said.
    pub fn find_all(&self, typed: &str, platform: Option<&Platform>) -> Result<Vec<FoundImage>, Error> {
        let name = match Location::parse(typed, Path::exists) {
            Location::Store(name) => name,
            Location::Registry(name) => return Ok(vec![self.find_in_registry(&name, platform)?]),
            location => {
                let inventory = self.inventory(&location)?;
                if *location.pick() != Pick::Only {
                    return Ok(vec![pick(inventory, &location, typed, platform)?.into()]);
                }
                let mut images = require_images(inventory, &location)?.images;
                keep_suitable(&mut images, platform);
                return Ok(images.into_iter().map(FoundImage::from).collect());
            }
        };
        self.find_held(|catalog| self.find_all_in_store(catalog, &name))
    }

    fn find_all_in_store(&self, catalog: &Catalog, name: &str) -> Result<Vec<FoundImage>, Error> {
        if let Ok(repository) = name.parse::<Reference>() {
            let same = |entry: &&CatalogEntry| entry.name.as_ref().is_some_and(|name| name.name() == repository.name());
            let tagged: Vec<&CatalogEntry> = catalog.entries().iter().filter(same).collect();
            if repository.is_name_only() && !tagged.is_empty() {
                return self.found_by_name(&tagged);
            }
        }
        // If all tags were meant, no particular tag is missing.
        let found = self.find_in_store(catalog, name).map_err(|error| match error {
            Error::NoSuchImage(missed) if missed.strip_suffix(":latest") == Some(name) => {
                Error::NoSuchImage(name.to_owned())
            }
            other => other,
        })?;
        Ok(vec![found])
    }

    /// Finds what is meant by a name or id in the store: a full id, then a name, then the beginning of an id.
    pub fn find_in_store(&self, catalog: &Catalog, typed: &str) -> Result<FoundImage, Error> {
        if let Ok(digest) = typed.parse::<Digest>() {
            return self.find_by_id(catalog, &digest.hex(), typed);
        }
        if let Ok(name) = typed.parse::<Reference>() {
            if let Some(entry) = catalog.find(&name.clone().with_default_tag()) {
                return self.found_in_store(catalog, entry, true);
            }
            if let Some(digest) = name.digest() {
                let here = |entry: &&CatalogEntry| entry.name.as_ref().is_some_and(|other| other.name() == name.name());
                if let Some(entry) = catalog.leading_to(digest).find(here) {
                    return self.found_in_store(catalog, entry, false);
                }
            }
        }
        if let Some(entry) = catalog.find_foreign(typed) {
            return self.found_in_store(catalog, entry, false);
        }
        let hex = typed.strip_prefix("sha256:").unwrap_or(typed);
        if (1..=64).contains(&hex.len()) && hex.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f')) {
            return self.find_by_id(catalog, hex, typed);
        }
        typed.parse::<Reference>()?;
        Err(no_such_image(typed))
    }

    /// The ancestors of an image of the store, the nearest first, as far as they still exist.
    pub fn ancestors(&self, found: &FoundImage) -> Result<Vec<ImageId>, Error> {
        let mut ancestors = Vec::new();
        let Some(mut next) = found.descriptor.as_ref().filter(|_| found.in_store()).and_then(Descriptor::parent) else {
            return Ok(ancestors);
        };
        let catalog = self.store.catalog()?;
        // Bounded, in case the links form a cycle.
        for _ in catalog.entries() {
            let Some(entry) = catalog.leading_to(&next).next() else { break };
            let Ok(tree) = self.store.tree(entry) else { break };
            ancestors.extend(tree.default_image(&self.host).map(Image::id));
            match entry.parent() {
                Some(parent) => next = parent,
                None => break,
            }
        }
        Ok(ancestors)
    }

    fn find_by_id(&self, catalog: &Catalog, hex: &str, typed: &str) -> Result<FoundImage, Error> {
        let mut matching: BTreeMap<ImageId, &CatalogEntry> = BTreeMap::new();
        let mut read = HashSet::new();
        // Many names may lead to one image, which is read once.
        for entry in catalog.entries().iter().filter(|entry| read.insert(entry.descriptor.digest)) {
            // An image that cannot be read has no ID; finding it by name gives the error.
            let Ok(tree) = self.store.tree(entry) else { continue };
            let Some(image) = tree.default_image(&self.host) else { continue };
            if image.id().digest().hex().starts_with(hex) || entry.descriptor.digest.hex().starts_with(hex) {
                matching.entry(image.id()).or_insert(entry);
            }
        }
        if matching.len() > 1 {
            return Err(Error::Ambiguous(typed.to_owned()));
        }
        let entry = matching.into_values().next().ok_or_else(|| no_such_image(typed))?;
        self.found_in_store(catalog, entry, false)
    }

    /// The entries of the store that lead to an image, through whichever manifest. What cannot be read leads nowhere.
    pub fn entries_of<'c>(&self, catalog: &'c Catalog, id: &ImageId) -> Vec<&'c CatalogEntry> {
        let mut known: BTreeMap<Digest, bool> = BTreeMap::new();
        let mut leads = |entry: &&CatalogEntry| {
            *known.entry(entry.descriptor.digest).or_insert_with(|| {
                let tree = self.store.tree(entry);
                tree.is_ok_and(|tree| tree.default_image(&self.host).is_some_and(|image| image.id() == *id))
            })
        };
        catalog.entries().iter().filter(|entry| leads(entry)).collect()
    }

    /// The images of some names, each read once.
    fn found_by_name(&self, entries: &[&CatalogEntry]) -> Result<Vec<FoundImage>, Error> {
        let mut places: HashMap<Digest, usize> = HashMap::new();
        let mut found: Vec<FoundImage> = Vec::new();
        for entry in entries {
            match places.entry(entry.descriptor.digest) {
                hash_map::Entry::Occupied(place) => found[*place.get()].names.extend(entry.name.clone()),
                hash_map::Entry::Vacant(place) => {
                    place.insert(found.len());
                    found.push(self.found_with(entry, Vec::new(), true)?);
                }
            }
        }
        Ok(found)
    }

    fn found_in_store(&self, catalog: &Catalog, entry: &CatalogEntry, by_name: bool) -> Result<FoundImage, Error> {
        let all_names = catalog.leading_to(&entry.descriptor.digest).filter_map(|entry| entry.name.clone()).collect();
        self.found_with(entry, all_names, by_name)
    }

    fn found_with(&self, entry: &CatalogEntry, all_names: Vec<Reference>, by_name: bool) -> Result<FoundImage, Error> {
        let names = if by_name { entry.name.iter().cloned().collect() } else { Vec::new() };
        let tree = self.store.tree(entry)?;
        Ok(FoundImage {
            names,
            all_names,
            descriptor: Some(entry.descriptor.clone()),
            tree,
            place: ImagePlace::Store,
            remote: None,
        })
    }
}

/// Docker names the tag that it looked for, too, and says of a whole ID what kind of digest it is.
pub(super) fn no_such_image(typed: &str) -> Error {
    if let Some(digest) = Digest::from_hex(typed) {
        return Error::NoSuchImage(digest.to_string());
    }
    match typed.parse::<Reference>() {
        Ok(name) => Error::NoSuchImage(name.with_default_tag().familiar()),
        Err(_) => Error::NoSuchImage(typed.to_owned()),
    }
}

fn require_images(inventory: Inventory, location: &Location) -> Result<Inventory, Error> {
    archive::require_images(inventory).map_err(|source| Error::Input { path: shown_path(location), source })
}

fn shown_path(location: &Location) -> String {
    location.path().map(|path| path.display().to_string()).unwrap_or_default()
}

/// Leaves out what is not for `platform`, unless nothing is.
fn keep_suitable(named: &mut Vec<Named>, platform: Option<&Platform>) {
    let suits = |named: &Named| platform.is_none_or(|platform| named.tree.image_for(platform).is_some());
    if named.iter().any(suits) {
        named.retain(suits);
    }
}

/// The one that is asked for. Artifacts are found only by name.
fn pick(inventory: Inventory, location: &Location, typed: &str, platform: Option<&Platform>) -> Result<Named, Error> {
    if let Pick::Name(name) = location.pick()
        && let found = called(&inventory.artifacts, name)
        && let (Some(artifact), true) = (found.first(), called(&inventory.images, name).is_empty())
    {
        return Ok((*artifact).clone());
    }
    let mut images = require_images(inventory, location)?.images;
    let archive = || shown_path(location);
    let found = |images: &[Named]| images.iter().enumerate().map(|(place, named)| describe(place, named)).collect();
    let all = found(&images);
    let not_there = |wanted: &str| Error::NotInArchive { found: all, archive: archive(), wanted: wanted.to_owned() };
    match location.pick() {
        Pick::At(place) if *place < images.len() => return Ok(images.swap_remove(*place)),
        Pick::At(_) => return Err(not_there(typed)),
        Pick::Name(name) => {
            images = called(&images, name).into_iter().cloned().collect();
            if images.is_empty() {
                return Err(not_there(name));
            }
            keep_suitable(&mut images, platform);
        }
        Pick::Only => {
            keep_suitable(&mut images, platform);
            if images.len() != 1 {
                return Err(Error::SeveralInArchive { found: found(&images), archive: archive() });
            }
        }
    }
    Ok(images.swap_remove(0))
}

fn describe(place: usize, named: &Named) -> String {
    match named.names.first() {
        Some(name) => name.familiar(),
        None => format!("@{place}"),
    }
}

/// Those that a text refers to: by an image's ID or a digest, else by name, else by the raw `ref.name` in a layout's
/// index.
fn called<'a>(all: &'a [Named], text: &str) -> Vec<&'a Named> {
    let leads_to = |named: &&Named, digest: &Digest| {
        named.descriptor.as_ref().is_some_and(|descriptor| descriptor.digest == *digest)
    };
    let first = |choices: [&dyn Fn(&&Named) -> bool; 2]| {
        let mut found = choices.into_iter().map(|choice| all.iter().filter(choice).collect::<Vec<_>>());
        found.find(|found| !found.is_empty()).unwrap_or_default()
    };
    if let Ok(id) = text.parse::<Digest>() {
        let has_id = |named: &&Named| named.tree.images().iter().any(|image| *image.id().digest() == id);
        return first([&has_id, &|named| leads_to(named, &id)]);
    }
    let name = text.parse::<Reference>().map(Reference::with_default_tag).ok();
    let by_name = |named: &&Named| name.as_ref().is_some_and(|name| named.names.contains(name));
    let by_digest = |named: &&Named| {
        let same_repository = |name: &Reference| named.names.iter().any(|other| other.name() == name.name());
        name.as_ref()
            .is_some_and(|name| name.digest().is_some_and(|digest| leads_to(named, digest)) && same_repository(name))
    };
    let as_written = |named: &&Named| {
        named.descriptor.as_ref().and_then(|descriptor| descriptor.annotation(ANNOTATION_REF_NAME)) == Some(text)
    };
    match first([&by_name, &by_digest]) {
        found if found.is_empty() => first([&as_written, &|_| false]),
        found => found,
    }
}

impl From<Named> for FoundImage {
    fn from(named: Named) -> Self {
        let Named { names, descriptor, tree } = named;
        Self { all_names: names.clone(), names, descriptor, tree, place: ImagePlace::File, remote: None }
    }
}
