//! The list of images in a docker-archive, `manifest.json`, and the names in `repositories`.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::MANIFEST;
use crate::archive::{Error, TarIndex};
use crate::oci::strict;

/// The keys of an image, which jib writes without capitals.
const KEYS: [&str; 5] = ["Config", "RepoTags", "Layers", "Parent", "LayerSources"];

/// One image of `manifest.json`, as Docker's Go code declares it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct ManifestItem {
    /// The path of the config.
    pub config: String,
    /// Familiar names with tags; `null` where the image has none.
    #[serde(default, deserialize_with = "null_as_default", serialize_with = "empty_as_null")]
    pub repo_tags: Vec<String>,
    /// The paths of the layers, bottom first.
    #[serde(default, deserialize_with = "null_as_default")]
    pub layers: Vec<String>,
}

/// The names of `repositories`: repository, then tag, then the id of the top layer.
pub type Repositories = BTreeMap<String, BTreeMap<String, String>>;

fn null_as_default<'de, D: serde::Deserializer<'de>, T: Default + Deserialize<'de>>(from: D) -> Result<T, D::Error> {
    Ok(Option::deserialize(from)?.unwrap_or_default())
}

fn empty_as_null<S: serde::Serializer>(list: &[String], to: S) -> Result<S::Ok, S::Error> {
    if list.is_empty() { to.serialize_none() } else { list.serialize(to) }
}

/// Reads `manifest.json`, with or without capitals. A list without images is refused: nothing would be loaded.
pub fn read(index: &TarIndex) -> Result<Vec<ManifestItem>, Error> {
    let items = parse(index)?.ok_or(Error::NullManifest)?;
    if items.is_empty() { Err(Error::NoImage) } else { Ok(items) }
}

/// Reads `repositories`; `None` if there is no such member.
pub fn read_repositories(index: &TarIndex) -> Result<Option<Repositories>, Error> {
    const NAME: &str = "repositories";
    let Some(bytes) = bytes(index, NAME)? else { return Ok(None) };
    let json_error = |source| Error::Json { name: NAME.to_owned(), source };
    strict::from_slice(&bytes, strict::MAX_DOCUMENT).map(Some).map_err(json_error)
}

fn parse(index: &TarIndex) -> Result<Option<Vec<ManifestItem>>, Error> {
    let name = MANIFEST.to_owned();
    let Some(bytes) = bytes(index, MANIFEST)? else { return Err(Error::Missing { name }) };
    strict::from_slice_folded(&bytes, strict::MAX_DOCUMENT, &KEYS).map_err(|source| Error::Json { name, source })
}

fn bytes(index: &TarIndex, name: &str) -> Result<Option<Vec<u8>>, Error> {
    index.file(name)?.map(|blob| blob.read_all(strict::MAX_DOCUMENT as u64).map_err(Error::Read)).transpose()
}
