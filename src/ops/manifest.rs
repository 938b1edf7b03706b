//! `manifest`: one name for several images, each for another platform.
//!
//! A manifest list is an index in the store under its name, as images for several platforms are that were loaded so:
//! it is listed, inspected, saved and removed like them. Its images have to be in the store.

use std::path::Path;

pub use super::manifest_error::ManifestError;
use super::remove::{self, remove};
use super::{Context, Error, FoundImage, Location};
use crate::image::{self, Child, ImageTree};
use crate::oci::{Descriptor, Digest, Document, ImageConfig, Index, Manifest, MediaType, Platform, Reference};
use crate::registry::{self, Fetched, Repository};
use crate::store::{Catalog, Quarantine};

/// The platform fields to set for an image in a list; others are kept.
#[derive(Debug, Clone, Default)]
pub struct Annotation {
    /// The operating system.
    pub os: Option<String>,
    /// The processor.
    pub architecture: Option<String>,
    /// The processor's variant.
    pub variant: Option<String>,
    /// The version of the operating system.
    pub os_version: Option<String>,
    /// What the operating system must have.
    pub os_features: Vec<String>,
}

/// A manifest or a list of them, byte for byte.
#[derive(Debug, Clone)]
pub struct Shown {
    /// The reference as it was typed.
    pub reference: String,
    /// Its type, digest, size and platform.
    pub descriptor: Descriptor,
    /// The document.
    pub bytes: Vec<u8>,
    /// The manifests of a list; none if it is a manifest.
    pub manifests: Option<Vec<Shown>>,
}

/// Makes the list `list` of the images that were typed; with `amend`, they are added to an existing list.
pub fn create(context: &Context, list: &str, images: &[String], amend: bool) -> Result<Reference, Error> {
    let name = list_name(list)?;
    change(context, &name, |catalog| {
        let mut entries = match existing(context, catalog, &name)? {
            Some(_) if !amend => return Err(ManifestError::Exists.into()),
            Some(index) => index.manifests,
            None => Vec::new(),
        };
        for image in images {
            for new in members(context, catalog, image)? {
                match entries.iter_mut().find(|known| known.digest == new.digest) {
                    Some(known) => *known = new,
                    None => entries.push(new),
                }
            }
        }
        Ok(entries)
    })?;
    Ok(name)
}

/// Sets the platform of an image in a list.
pub fn annotate(context: &Context, list: &str, image: &str, annotation: &Annotation) -> Result<(), Error> {
    let name = list_name(list)?;
    change(context, &name, |catalog| {
        let index = existing(context, catalog, &name)?.ok_or_else(|| ManifestError::Missing(name.canonical()))?;
        let meant: Vec<Digest> =
            members(context, catalog, image)?.into_iter().map(|descriptor| descriptor.digest).collect();
        let mut entries = index.manifests;
        let mut found = false;
        for entry in entries.iter_mut().filter(|entry| meant.contains(&entry.digest)) {
            let platform = entry.platform.take().unwrap_or_else(|| Platform::new("", ""));
            entry.platform = Some(annotated(platform, annotation)?);
            found = true;
        }
        let missing = || ManifestError::NotInList { image: image.to_owned(), list: name.canonical() };
        if found { Ok(entries) } else { Err(missing().into()) }
    })
}

/// Removes a list. Its images stay.
pub fn forget(context: &Context, list: &str) -> Result<(), Error> {
    let name = list_name(list)?;
    existing(context, &context.store.catalog()?, &name)?.ok_or_else(|| ManifestError::Missing(name.canonical()))?;
    remove(context, &[name.canonical()], remove::RemoveOptions::default())?
        .into_iter()
        .try_for_each(|done| done.map(drop))
}

/// The manifest of an image, or a list and its manifests; with `list`, the one that `typed` names in it. As in docker, a
/// name that the store does not have is looked for in its registry. The manifests of a list there are fetched only if
/// `all` are wanted.
pub fn show(context: &Context, list: Option<&str>, typed: &str, all: bool) -> Result<Shown, Error> {
    let Some(list) = list else { return find(context, typed, all) };
    let missing = || ManifestError::NotInList { image: typed.to_owned(), list: list.to_owned() };
    let wanted = match typed.rsplit('@').next().unwrap_or(typed).parse::<Digest>() {
        Ok(digest) => digest,
        Err(_) => find(context, typed, false)?.descriptor.digest,
    };
    let all = find(context, list, true)?.manifests.unwrap_or_default();
    all.into_iter().find(|manifest| manifest.descriptor.digest == wanted).ok_or_else(|| missing().into())
}

fn find(context: &Context, typed: &str, all: bool) -> Result<Shown, Error> {
    match Location::parse(typed, Path::exists) {
        Location::Registry(name) => in_registry(context, &name, all),
        Location::Store(_) => match context.find(typed) {
            Err(Error::NoSuchImage(_)) if typed.parse::<Reference>().is_ok_and(|name| !name.looks_like_id()) => {
                in_registry(context, typed, all)
            }
            found => shown(found?, typed),
        },
        _ => shown(context.find(typed)?, typed),
    }
}

/// A manifest of a registry, or a list and, if `all` are wanted, its manifests. Nothing else is fetched.
fn in_registry(context: &Context, typed: &str, all: bool) -> Result<Shown, Error> {
    let name = typed.parse::<Reference>()?.with_default_tag();
    let repository = context.registries.repository(&name)?;
    let missing = |error| match error {
        registry::Error::NoManifest { .. } => Error::from(ManifestError::Missing(name.canonical())),
        other => other.into(),
    };
    let Fetched { mut descriptor, bytes } = repository.manifest(&name).map_err(missing)?;
    let reference = name.canonical();
    if !descriptor.media_type.is_index() {
        if all {
            descriptor.platform = platform(&repository, &bytes)?;
        }
        return Ok(Shown { reference, descriptor, bytes, manifests: None });
    }
    let image_error = |source| image::Error::Document { what: "index", digest: descriptor.digest, source };
    let index = Document::<Index>::parse(bytes.clone())
        .map_err(|source| Error::Image { name: name.familiar(), source: image_error(source) })?;
    let children = index.value().manifests.iter().filter(|_| all).map(|child| {
        let bytes = repository.manifest_of(&child.digest)?.bytes;
        let reference = name.with_digest(child.digest).canonical();
        Ok(Shown { reference, descriptor: child.clone(), bytes, manifests: None })
    });
    let manifests = Some(children.collect::<Result<Vec<_>, Error>>()?);
    Ok(Shown { reference, descriptor, bytes, manifests })
}

/// The platform of an image, which only its config tells.
fn platform(repository: &Repository, manifest: &[u8]) -> Result<Option<Platform>, Error> {
    let manifest = Document::<Manifest>::parse(manifest.to_vec());
    let is_image = |config: &&Descriptor| config.media_type.is_image_config();
    let Some(config) = manifest.as_ref().ok().map(|manifest| &manifest.value().config).filter(is_image) else {
        return Ok(None);
    };
    let config = Document::<ImageConfig>::parse(repository.document(config)?);
    Ok(config.ok().map(|config| config.value().platform()))
}

fn shown(found: FoundImage, typed: &str) -> Result<Shown, Error> {
    let missing = || ManifestError::Missing(typed.to_owned());
    let descriptor = found.descriptor.ok_or_else(missing)?;
    let reference = found.names.first().map_or_else(|| typed.to_owned(), Reference::canonical);
    from_tree(&found.tree, descriptor, &reference).ok_or_else(|| missing().into())
}

fn from_tree(tree: &ImageTree, mut descriptor: Descriptor, reference: &str) -> Option<Shown> {
    let (bytes, manifests) = match tree {
        ImageTree::Image(image) => {
            descriptor.platform.get_or_insert_with(|| image.platform());
            (image.manifest.as_ref()?.bytes(), None)
        }
        ImageTree::Artifact { manifest, .. } => (manifest.bytes(), None),
        ImageTree::Index { document, children } => {
            let name = reference.split('@').next().unwrap_or(reference);
            let child = |Child { descriptor, tree }: &Child| {
                from_tree(tree, descriptor.clone(), &format!("{name}@{}", descriptor.digest))
            };
            (document.bytes(), Some(children.iter().filter_map(child).collect()))
        }
        ImageTree::Other(_) | ImageTree::Absent => return None,
    };
    Some(Shown { reference: reference.to_owned(), bytes: bytes.to_vec(), descriptor, manifests })
}

/// Points `name` to the index that `edit` makes.
fn change(
    context: &Context,
    name: &Reference,
    edit: impl FnOnce(&Catalog) -> Result<Vec<Descriptor>, Error>,
) -> Result<(), Error> {
    let quarantine = Quarantine::new(&context.store, context.limits.clone())?;
    let entries = edit(&context.store.catalog()?)?;
    quarantine.count_on(entries.iter().map(|entry| entry.digest).filter(|digest| context.store.has_blob(digest)))?;
    let document = Document::make(Index::of(entries));
    let media_type = document.value().media_type.clone().unwrap_or(MediaType::OCI_INDEX);
    quarantine.keep_bytes(document.bytes())?;
    quarantine.publish(|catalog| {
        catalog.tag(name, &document.descriptor(media_type), true);
        Ok(())
    })?
}

fn list_name(typed: &str) -> Result<Reference, Error> {
    super::naming::checked(typed.parse()?)
}

/// The list of that name, if there is one.
fn existing(context: &Context, catalog: &Catalog, name: &Reference) -> Result<Option<Index>, Error> {
    let Some(entry) = catalog.find(name) else { return Ok(None) };
    match context.store.tree(entry)? {
        ImageTree::Index { document, .. } => Ok(Some(document.value().clone())),
        _ => Err(ManifestError::NotAList(name.familiar()).into()),
    }
}

/// The list entries of an image of the store: its manifest, or the manifests of its platforms.
fn members(context: &Context, catalog: &Catalog, typed: &str) -> Result<Vec<Descriptor>, Error> {
    let found = context.find_in_store(catalog, typed)?;
    let missing = || ManifestError::Missing(typed.to_owned());
    let all = shown(found, typed)?;
    let descriptors = match all.manifests {
        None => vec![all.descriptor],
        Some(manifests) => manifests.into_iter().map(|manifest| manifest.descriptor).collect(),
    };
    let plain = |descriptor: Descriptor| Descriptor { annotations: std::collections::BTreeMap::new(), ..descriptor };
    if descriptors.is_empty() { Err(missing().into()) } else { Ok(descriptors.into_iter().map(plain).collect()) }
}

fn annotated(platform: Platform, annotation: &Annotation) -> Result<Platform, Error> {
    let Annotation { os, architecture, variant, os_version, os_features } = annotation.clone();
    let platform = Platform {
        os: os.unwrap_or(platform.os),
        architecture: architecture.unwrap_or(platform.architecture),
        variant: variant.or(platform.variant),
        os_version: os_version.or(platform.os_version),
        os_features: if os_features.is_empty() { platform.os_features } else { os_features },
        other: platform.other,
    };
    let known = PLATFORMS.iter().any(|(os, architectures)| {
        *os == platform.os && architectures.split(' ').any(|known| known == platform.architecture)
    });
    let unsupported = ManifestError::UnsupportedPlatform(format!("{}/{}", platform.os, platform.architecture));
    if known { Ok(platform) } else { Err(unsupported.into()) }
}

/// The systems that docker takes, each with its processors: those of Go.
const PLATFORMS: [(&str, &str); 14] = [
    ("aix", "ppc64"),
    ("android", "386 amd64 arm arm64"),
    ("darwin", "386 amd64 arm arm64"),
    ("dragonfly", "amd64"),
    ("freebsd", "386 amd64 arm"),
    ("illumos", "amd64"),
    ("ios", "arm64"),
    ("js", "wasm"),
    ("linux", "386 amd64 arm arm64 loong64 mips mipsle mips64 mips64le ppc64 ppc64le riscv64 s390x"),
    ("netbsd", "386 amd64 arm"),
    ("openbsd", "386 amd64 arm"),
    ("plan9", "386 amd64"),
    ("solaris", "amd64"),
    ("windows", "386 amd64 arm arm64"),
];
