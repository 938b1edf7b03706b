//! The images that are put into lists.

use std::collections::BTreeMap;
use std::path::Path;

use super::list::Source;
use super::show::shown;
use crate::image::{self, Blob, BlobSource, ImageTree, Layer};
use crate::layer::Compression;
use crate::oci::{Descriptor, Digest, Document, Manifest, Reference};
use crate::ops::manifest_error::ManifestError;
use crate::ops::{Context, Error, Location};
use crate::registry;
use crate::store::{Catalog, Quarantine};

/// An image as it stands in a list, and from where it comes.
pub(super) type Member = (Descriptor, Option<Source>);

/// The images that a name means: what the store has under it, of an image for several platforms all; else the image that
/// its registry has. But what the store holds uncompressed and has pushed counts as what became of it in the registry.
/// `docker://NAME` is one of a registry, whatever the store has.
pub(super) fn members(
    context: &Context,
    catalog: &Catalog,
    quarantine: &Quarantine,
    typed: &str,
) -> Result<Vec<Member>, Error> {
    if let Location::Registry(name) = Location::parse(typed, Path::exists) {
        return Ok(vec![in_registry(context, quarantine, &name)?]);
    }
    match in_store(context, catalog, typed) {
        Err(Error::NoSuchImage(_)) if is_name(typed) => Ok(vec![in_registry(context, quarantine, typed)?]),
        found => {
            let found = found?;
            Ok(as_pushed(context, catalog, quarantine, typed).map_or(found, |pushed| vec![pushed]))
        }
    }
}

/// The image that the registry has under a name, if it is that of the store as `push` has sent it: with layers that were
/// compressed on their way. In a list, docker's would be this one.
fn as_pushed(context: &Context, catalog: &Catalog, quarantine: &Quarantine, typed: &str) -> Option<Member> {
    let found = context.find_in_store(catalog, typed).ok().filter(|_| is_name(typed))?;
    let ImageTree::Image(image) = &found.tree else { return None };
    let is_plain = |layer: &&Layer| {
        let media_type = layer.descriptor.as_ref().map(|descriptor| &descriptor.media_type);
        media_type.is_some_and(|media_type| *media_type == Compression::None.media_type())
    };
    let mut plain = image.layers.iter().filter(is_plain).peekable();
    if plain.peek().is_none() || !plain.all(|layer| context.store.was_packed(&layer.diff_id)) {
        return None;
    }
    let (member, config) = fetch(context, quarantine, typed).ok()?;
    (config == *image.config.digest()).then_some(member)
}

/// Whether something can be looked for in a registry.
fn is_name(typed: &str) -> bool {
    typed.parse::<Reference>().is_ok_and(|name| !name.looks_like_id())
}

/// The images that the store has under a name or ID.
pub(super) fn in_store(context: &Context, catalog: &Catalog, typed: &str) -> Result<Vec<Member>, Error> {
    let found = context.find_in_store(catalog, typed)?;
    let missing = || ManifestError::Missing(typed.to_owned());
    let typed_name = typed.parse::<Reference>().ok().filter(|_| !found.names.is_empty());
    let name = typed_name.map(Reference::with_default_tag).or_else(|| found.all_names.first().cloned());
    let source = name.map(|name| Source { name, is_far: false });
    let all = shown(context, found, typed)?;
    let descriptors = match all.manifests {
        None => vec![all.descriptor],
        Some(manifests) => manifests.into_iter().map(|manifest| manifest.descriptor).collect(),
    };
    let plain = |descriptor| Descriptor { annotations: BTreeMap::new(), ..descriptor };
    let members = descriptors.into_iter().map(|descriptor| (plain(descriptor), source.clone()));
    if members.len() == 0 { Err(missing().into()) } else { Ok(members.collect()) }
}

/// The image that a registry has under a name.
fn in_registry(context: &Context, quarantine: &Quarantine, typed: &str) -> Result<Member, Error> {
    fetch(context, quarantine, typed).map(|(member, _)| member)
}

/// The same, and the digest of its config. Its manifest and its config are fetched, and kept; no layer is.
fn fetch(context: &Context, quarantine: &Quarantine, typed: &str) -> Result<(Member, Digest), Error> {
    let name = typed.parse::<Reference>()?.with_default_tag();
    let repository = context.registries.repository(&name)?;
    let fetched = repository.manifest(&name).map_err(|error| match error {
        registry::Error::NoManifest { .. } => Error::from(ManifestError::Missing(name.canonical())),
        other => other.into(),
    })?;
    let mut descriptor = fetched.descriptor;
    if descriptor.media_type.is_index() {
        return Err(ManifestError::IsAList(name.canonical()).into());
    }
    let of_image = |source| Error::Image { name: name.familiar(), source };
    let manifest = Document::<Manifest>::parse(fetched.bytes)
        .map_err(|source| of_image(image::Error::Document { what: "manifest", digest: descriptor.digest, source }))?;
    let mut documents = Documents(BTreeMap::from([(descriptor.digest, manifest.bytes().to_vec())]));
    let config = &manifest.value().config;
    if config.media_type.is_image_config() {
        documents.0.insert(config.digest, repository.document(config)?);
    }
    // What cannot be read must not come into the store.
    if let ImageTree::Image(image) = ImageTree::read(&documents, &descriptor).map_err(of_image)? {
        descriptor.platform = Some(image.platform());
    }
    documents.0.values().try_for_each(|bytes| quarantine.keep_bytes(bytes).map(drop))?;
    Ok(((descriptor, Some(Source { name, is_far: true })), config.digest))
}

/// What was fetched of an image.
struct Documents(BTreeMap<Digest, Vec<u8>>);

impl BlobSource for Documents {
    fn open_blob(&self, descriptor: &Descriptor) -> Result<Option<Blob>, image::Error> {
        Ok(self.0.get(&descriptor.digest).map(|bytes| Blob::bytes(bytes.as_slice())))
    }
}
