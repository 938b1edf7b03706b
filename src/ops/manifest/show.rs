//! What `manifest inspect` shows: a manifest or a list, of the store or of a registry.

use std::path::Path;

use crate::image::{self, Child, ImageTree};
use crate::oci::{Descriptor, Digest, Document, ImageConfig, Index, Manifest, Platform, Reference};
use crate::ops::manifest_error::ManifestError;
use crate::ops::{Context, Error, FoundImage, Location};
use crate::registry::{self, Fetched, Repository};

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
            found => shown(context, found?, typed),
        },
        _ => shown(context, context.find(typed)?, typed),
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

pub(super) fn shown(context: &Context, mut found: FoundImage, typed: &str) -> Result<Shown, Error> {
    let missing = || ManifestError::Missing(typed.to_owned());
    let catalog = context.store.catalog()?;
    let entry = found.descriptor.as_ref().filter(|_| found.in_store()).map(|descriptor| descriptor.digest);
    let entry = entry.and_then(|digest| catalog.leading_to(&digest).next());
    if let Some(entry) = entry {
        found.tree = context.store.documents(entry)?;
    }
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
