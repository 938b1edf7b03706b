//! `verify`: checks images against their digests and reports all damage.

use std::path::Path;

use super::location::{Location, Pick};
use super::source::read_as;
use super::{Context, Error};
use crate::archive::{self, TarIndex, oci_archive};
use crate::image::check::{Damage, DamageKind, DescriptorWalk, Findings, Jobs, Needed, PartName, judge};
use crate::image::{BlobSource, Named, Progress};
use crate::layout::{self, Layout, name_of};
use crate::oci::{ANNOTATION_REF_NAME, Descriptor, Index, Reference};
use crate::registry::{Choice, Remote};
use crate::store::{self, CatalogEntry};

/// An image that was verified.
#[derive(Debug, Clone)]
pub struct Verified {
    /// Its names, or what leads to it.
    pub name: String,
    /// The damage; empty if there is none.
    pub damage: Vec<Damage>,
}

/// Verifies the image, archive or layout that was typed; all images of the store if nothing was.
pub fn verify(context: &Context, typed: Option<&str>, progress: &dyn Progress) -> Result<Vec<Verified>, Error> {
    let found = match typed.map(|typed| (typed, Location::parse(typed, Path::exists))) {
        None => whole_store(context)?,
        Some((_, Location::Store(name))) => vec![stored_image(context, &name)?],
        Some((_, Location::Registry(name))) => return in_registry(context, &name, progress),
        Some((typed, location)) => elsewhere(context, typed, &location)?,
    };
    read(context, found, progress)
}

/// Reads all that is to be read of some images.
fn read(context: &Context, found: Vec<Image>, progress: &dyn Progress) -> Result<Vec<Verified>, Error> {
    let mut jobs = Jobs::default();
    found.iter().flat_map(|(_, found)| &found.parts).for_each(|part| jobs.add(part));
    let cancelled = |source| Error::Io { what: "verify".to_owned(), source };
    let seen = jobs.read(&context.limits, progress, context.store.job()).map_err(cancelled)?;
    let verified = found.into_iter().map(|(name, Findings { mut damage, parts })| {
        damage.extend(parts.iter().filter_map(|part| judge(part, seen.get(&Jobs::key(part))?)));
        Verified { name, damage }
    });
    Ok(verified.collect())
}

type Image = (String, Findings);

/// Something of which nothing can be read.
fn unreadable(name: String, part: PartName, error: &dyn std::error::Error) -> Image {
    let mut problem = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        if !problem.contains(&error.to_string()) {
            problem = format!("{problem}: {error}");
        }
        cause = error.source();
    }
    let damage = vec![Damage::new(part, None, DamageKind::Invalid, problem)];
    (name, Findings { damage, parts: Vec::new() })
}

fn whole_store(context: &Context) -> Result<Vec<Image>, Error> {
    let root = context.store.root();
    match context.store.catalog() {
        Ok(catalog) => {
            let named = |entry: &CatalogEntry| {
                let foreign = || entry.foreign_name().map(str::to_owned);
                entry.name.as_ref().map(Reference::familiar).or_else(foreign)
            };
            let entries = catalog.entries().iter().map(|entry| (named(entry), &entry.descriptor));
            let source = context.store.near(catalog.entries().iter().map(|entry| &entry.descriptor));
            Ok(of_descriptors(&source, entries, Needed::Whole))
        }
        Err(store::Error::Layout(error @ (layout::Error::Index { .. } | layout::Error::Version { .. }))) => {
            Ok(vec![unreadable(root.display().to_string(), PartName::IndexFile, &error)])
        }
        Err(error) => Err(error.into()),
    }
}

/// Finds an image by its name, so that one whose manifest is damaged is found too; else by its ID.
fn stored_image(context: &Context, typed: &str) -> Result<Image, Error> {
    let catalog = context.store.catalog()?;
    let name = typed.parse::<Reference>().ok().map(Reference::with_default_tag);
    let by_digest = |entry: &&CatalogEntry| entry.descriptor.digest.to_string() == typed;
    let entry = name.and_then(|name| catalog.find(&name)).or_else(|| catalog.entries().iter().find(by_digest));
    let descriptor = match entry {
        Some(entry) => Some(entry.descriptor.clone()),
        None => context.find_in_store(&catalog, typed)?.descriptor,
    };
    let descriptor = descriptor.ok_or_else(|| Error::NoSuchImage(typed.to_owned()))?;
    Ok((typed.to_owned(), DescriptorWalk::descriptor(&context.store.near([&descriptor]), &descriptor, Needed::Whole)))
}

/// Verifies all that a name leads to in its registry, whatever the store has of it. Layers pass by, and are kept nowhere.
fn in_registry(context: &Context, typed: &str, progress: &dyn Progress) -> Result<Vec<Verified>, Error> {
    let name = typed.parse::<Reference>()?.with_default_tag();
    let remote = Remote::open(&context.registries.repository(&name)?, &name, &Choice::All, None)?;
    let findings = DescriptorWalk::descriptor(&remote, remote.descriptor(), Needed::All);
    let verified = read(context, vec![(name.familiar(), findings)], progress)?;
    // What could not be fetched is not known to be damaged.
    remote.failure().map_or(Ok(verified), |failure| Err(failure.into()))
}

fn elsewhere(context: &Context, typed: &str, location: &Location) -> Result<Vec<Image>, Error> {
    let path = location.path().ok_or_else(|| Error::NoSuchImage(typed.to_owned()))?;
    path.metadata().map_err(|source| Error::Open { path: path.to_owned(), source })?;
    if path.is_dir() {
        let index = Layout::open(path).and_then(|layout| Ok((layout.index()?, layout)));
        return match index {
            Ok((index, layout)) => of_index(&layout, &index, location, typed),
            Err(error @ layout::Error::NoLayout { .. }) => Err(error.into()),
            Err(error) => Ok(vec![unreadable(typed.to_owned(), PartName::IndexFile, &error)]),
        };
    }
    let archive = match context.index_archive(path) {
        Ok(archive) => archive,
        Err(Error::Input { source, .. }) if !matches!(source, archive::Error::NotSeekable) => {
            return Ok(vec![unreadable(typed.to_owned(), PartName::Archive, &source)]);
        }
        Err(error) => return Err(error),
    };
    in_archive(&archive, location, typed)
}

fn in_archive(archive: &TarIndex, location: &Location, typed: &str) -> Result<Vec<Image>, Error> {
    let is_docker = matches!(location, Location::DockerArchive(..));
    let mut found = Vec::new();
    if archive.has(oci_archive::INDEX) && !is_docker {
        match oci_archive::index(archive) {
            Ok(index) => found = of_index(archive, &index, location, typed)?,
            Err(error) => return Ok(vec![unreadable(typed.to_owned(), PartName::IndexFile, &error)]),
        }
    }
    if found.iter().any(|(_, found)| !found.damage.is_empty()) {
        return Ok(found);
    }
    // Other descriptions of the images must agree; without index.json, they are the only ones.
    match read_as(location, archive) {
        Err(error) => found.push(unreadable(typed.to_owned(), PartName::Archive, &error)),
        Ok(there) if found.is_empty() => {
            let all = there.images.iter().chain(&there.artifacts);
            let images = all.enumerate().map(|(place, named)| (label(place, named), DescriptorWalk::tree(&named.tree)));
            found = picked(images.collect(), location, typed)?;
        }
        Ok(_) => {}
    }
    Ok(found)
}

fn label(place: usize, image: &Named) -> String {
    let names: Vec<String> = image.names.iter().map(Reference::familiar).collect();
    if names.is_empty() { format!("@{place}") } else { names.join(", ") }
}

/// The images of an `index.json`, or the one that was picked.
fn of_index(source: &dyn BlobSource, index: &Index, location: &Location, typed: &str) -> Result<Vec<Image>, Error> {
    let as_written = |descriptor: &Descriptor| descriptor.annotation(ANNOTATION_REF_NAME).map(str::to_owned);
    let named = |descriptor| name_of(descriptor).map(|name| name.familiar()).or_else(|| as_written(descriptor));
    let entries = index.manifests.iter().map(|descriptor| (named(descriptor), descriptor));
    picked(of_descriptors(source, entries, Needed::Parts), location, typed)
}

fn picked(mut images: Vec<Image>, location: &Location, typed: &str) -> Result<Vec<Image>, Error> {
    let place = match location.pick() {
        Pick::Only => return Ok(images),
        Pick::At(place) => Some(*place).filter(|place| *place < images.len()),
        Pick::Name(wanted) => {
            let full = wanted.parse::<Reference>().map(|name| name.with_default_tag().familiar()).ok();
            let is_it = |name: &str| name == wanted || Some(name) == full.as_deref();
            images.iter().position(|(names, _)| names.split(", ").any(is_it))
        }
    };
    match place {
        Some(place) => Ok(vec![images.swap_remove(place)]),
        None => Err(Error::NotInArchive {
            archive: location.path().map(|path| path.display().to_string()).unwrap_or_default(),
            wanted: typed.to_owned(),
            found: images.into_iter().map(|(name, _)| name).collect(),
        }),
    }
}

/// What descriptors lead to, each once however many names it has.
fn of_descriptors<'d>(
    source: &dyn BlobSource,
    entries: impl Iterator<Item = (Option<String>, &'d Descriptor)>,
    needed: Needed,
) -> Vec<Image> {
    let mut images: Vec<(&Descriptor, Vec<String>)> = Vec::new();
    let mut places = std::collections::HashMap::new();
    for (name, descriptor) in entries {
        // An entry of another size or type is checked by itself.
        let what = (descriptor.digest, descriptor.size, descriptor.media_type.as_str());
        let place = *places.entry(what).or_insert_with(|| {
            images.push((descriptor, Vec::new()));
            images.len() - 1
        });
        images[place].1.extend(name);
    }
    let checked = images.into_iter().map(|(descriptor, names)| {
        let name = if names.is_empty() { descriptor.digest.to_string() } else { names.join(", ") };
        (name, DescriptorWalk::descriptor(source, descriptor, needed))
    });
    checked.collect()
}
