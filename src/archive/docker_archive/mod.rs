//! Archives with a `manifest.json`, and those that docker wrote before there was one.
//!
//! ```text
//! manifest.json   [{"Config":"<path>","RepoTags":["name:tag"],"Layers":["<path>",…]},…]
//! <config>        the config, whose digest is the image's id
//! <layer>         a tar each, compressed or not, bottom first
//! ```

pub mod legacy;
pub mod manifest_json;
pub mod write;

pub use manifest_json::ManifestItem;

use std::collections::HashMap;

use super::{Error, TarIndex};
use crate::image::{Image, ImageTree, Layer, MAX_LAYERS, Named};
use crate::oci::{Digest, Document, DocumentKind, ImageConfig, Reference};

/// The member that lists the images.
pub const MANIFEST: &str = "manifest.json";

/// Reads the images that `manifest.json` lists, under the names as they stand there.
pub fn read(index: &TarIndex) -> Result<Vec<Named>, Error> {
    let mut configs = HashMap::new();
    manifest_json::read(index)?.iter().map(|item| read_item(index, item, &mut configs)).collect()
}

/// The configs that were read, by their paths: many images may have one.
type Configs = HashMap<String, Document<ImageConfig>>;

fn read_item(index: &TarIndex, item: &ManifestItem, configs: &mut Configs) -> Result<Named, Error> {
    let names = item.repo_tags.iter().map(|tag| parse_tag(tag)).collect::<Result<_, _>>()?;
    let config = match configs.get(&item.config) {
        Some(known) => known.clone(),
        None => configs.entry(item.config.clone()).or_insert(read_config(index, &item.config)?).clone(),
    };
    let diff_ids = &config.value().rootfs.diff_ids;
    if item.layers.len() != diff_ids.len() {
        return Err(Error::LayerCount { diff_ids: diff_ids.len(), layers: item.layers.len() });
    }
    if diff_ids.len() > MAX_LAYERS {
        return Err(Error::TooManyLayers { layers: diff_ids.len() });
    }
    let mut layers = Vec::with_capacity(diff_ids.len());
    for (path, diff_id) in item.layers.iter().zip(diff_ids) {
        layers.push(Layer { diff_id: *diff_id, descriptor: None, blob: index.file(path)?.cloned() });
    }
    let image = Image { manifest: None, config, layers, described_platform: None };
    Ok(Named { names, descriptor: None, tree: ImageTree::Image(Box::new(image)) })
}

fn read_config(index: &TarIndex, path: &str) -> Result<Document<ImageConfig>, Error> {
    let blob = index.file(path)?.ok_or_else(|| Error::Missing { name: path.to_owned() })?;
    let bytes = blob.read_all(ImageConfig::LIMIT as u64).map_err(Error::Read)?;
    let config =
        Document::<ImageConfig>::parse(bytes).map_err(|source| Error::Document { name: path.to_owned(), source })?;
    match digest_in_name(path) {
        Some(named) if named != *config.digest() => {
            Err(Error::WrongName { name: path.to_owned(), actual: *config.digest() })
        }
        _ => Ok(config),
    }
}

/// The digest that a config's file name claims: `<hex>.json`, `sha256:<hex>`, `blobs/sha256/<hex>`.
fn digest_in_name(path: &str) -> Option<Digest> {
    let file = path.rsplit('/').next().unwrap_or(path);
    let hex = file.strip_prefix("sha256:").unwrap_or(file);
    Digest::from_hex(hex.strip_suffix(".json").unwrap_or(hex))
}

/// A name as docker takes it here, with a tag; containerd and imgtool also wrote names with digests.
pub(super) fn parse_tag(text: &str) -> Result<Reference, Error> {
    let name = text.parse::<Reference>().ok();
    let usable = name.filter(|name| !name.is_name_only() && !name.looks_like_id());
    usable.ok_or_else(|| Error::InvalidTag { tag: text.to_owned() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_digest_in_a_file_name() {
        let hex = Digest::of(b"x").hex();
        for name in [format!("{hex}.json"), format!("sha256:{hex}"), format!("blobs/sha256/{hex}"), format!("./{hex}")]
        {
            assert_eq!(digest_in_name(&name), Some(Digest::of(b"x")), "{name}");
        }
        assert_eq!(digest_in_name("config.json"), None);
    }

    #[test]
    fn a_tag_or_digest_is_needed() {
        assert!(parse_tag("a/b:1").is_ok());
        let digest = Digest::of(b"x");
        for text in [format!("a@{digest}"), format!("a:1@{digest}")] {
            assert!(parse_tag(&text).is_ok(), "{text:?}");
        }
        let hex = digest.hex();
        for text in ["a/b", "", "A:1", &digest.to_string(), &format!("{hex}:1"), &format!("docker.io/library/{hex}:1")]
        {
            assert!(parse_tag(text).is_err(), "{text:?}");
        }
    }
}
