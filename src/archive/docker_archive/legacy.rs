//! What docker wrote up to 1.9: a folder for each layer, with the image that ends there.
//!
//! ```text
//! repositories        {"name":{"tag":"<id>"}}
//! <id>/VERSION        1.0
//! <id>/json           the image as of then, "parent" naming the one below
//! <id>/layer.tar      its one layer
//! ```
//!
//! Such an image has no config; it is made as docker 1.10 to 28 made it when they loaded one, so that the image id is
//! theirs.

use std::collections::{BTreeMap, BTreeSet};
use std::io;

use serde::Deserialize;

use super::manifest_json::{Repositories, read_repositories};
use crate::archive::{Error, TarIndex};
use crate::image::{Blob, Image, ImageTree, Layer, MAX_LAYERS, Named};
use crate::layer::{Limits, scan};
use crate::oci::{DiffId, Digest, Document, ImageConfig, Reference, strict, v1};

/// Limit on the total size of an image's `json` and those of its parents, in bytes.
const MAX_CHAIN: usize = 16 << 20;

/// Whether the archive has the format of docker 1.9 and earlier.
pub fn is_legacy(index: &TarIndex) -> bool {
    !index.folders_with("json").is_empty()
}

/// Reads the images that have names, and those without a name that no other image builds on.
pub fn read(index: &TarIndex) -> Result<Vec<Named>, Error> {
    let repositories = read_repositories(index)?;
    // Later docker wrote such folders, too, and manifest.json behind them.
    if repositories.is_none() && !index.has_end_mark() {
        return Err(Error::CutShort);
    }
    let mut reader = Reader { index, layers: BTreeMap::new() };
    let mut named = Vec::new();
    for (id, names) in heads(index, repositories.unwrap_or_default())? {
        let image = reader.read_image(&id)?;
        named.push(Named { names, descriptor: None, tree: ImageTree::Image(Box::new(image)) });
    }
    Ok(named)
}

/// The images to read, by id, with their names.
fn heads(index: &TarIndex, repositories: Repositories) -> Result<BTreeMap<String, Vec<Reference>>, Error> {
    let mut heads: BTreeMap<String, Vec<Reference>> = BTreeMap::new();
    for (repository, tags) in repositories {
        for (tag, id) in tags {
            let name = super::parse_tag(&format!("{repository}:{tag}"))?;
            heads.entry(id).or_default().push(name);
        }
    }
    let ids = index.folders_with("json");
    let mut parents = BTreeSet::new();
    for id in &ids {
        parents.extend(read_json(index, id)?.1.parent);
    }
    for id in ids {
        if !parents.contains(&id) {
            heads.entry(id).or_default();
        }
    }
    Ok(heads)
}

#[derive(Deserialize)]
struct Parent {
    #[serde(default)]
    parent: Option<String>,
}

fn read_json(index: &TarIndex, id: &str) -> Result<(Vec<u8>, Parent), Error> {
    if Digest::from_hex(id).is_none() {
        return Err(Error::Legacy { id: id.to_owned(), why: "its id is not 64 hex digits".to_owned() });
    }
    let name = format!("{id}/json");
    let blob = index.file(&name)?.ok_or_else(|| Error::Missing { name: name.clone() })?;
    let bytes = blob.read_all(strict::MAX_DOCUMENT as u64).map_err(Error::Read)?;
    let parsed: Parent =
        strict::from_slice(&bytes, strict::MAX_DOCUMENT).map_err(|source| Error::Json { name, source })?;
    let parent = parsed.parent.filter(|parent| !parent.is_empty());
    Ok((bytes, Parent { parent }))
}

struct Reader<'a> {
    index: &'a TarIndex,
    layers: BTreeMap<String, (DiffId, Blob)>,
}

impl Reader<'_> {
    fn read_image(&mut self, id: &str) -> Result<Image, Error> {
        let legacy = |why: String| Error::Legacy { id: id.to_owned(), why };
        let (mut history, mut layers) = (Vec::new(), Vec::new());
        let mut top = Vec::new();
        for (id, json) in self.chain(id)? {
            let (diff_id, blob) = self.layer(&id)?;
            layers.push(Layer { diff_id, descriptor: None, blob: Some(blob) });
            history.push(v1::history_from_v1(&json, false).map_err(|error| legacy(error.to_string()))?);
            top = json;
        }
        let diff_ids: Vec<DiffId> = layers.iter().map(|layer| layer.diff_id).collect();
        let config = v1::config_from_v1(&top, &diff_ids, &history).map_err(|error| legacy(error.to_string()))?;
        let config = Document::<ImageConfig>::parse(config)
            .map_err(|source| Error::Document { name: format!("{id}/json"), source })?;
        Ok(Image { manifest: None, config, layers, described_platform: None })
    }

    /// The image and those below it with their JSON, bottom first.
    fn chain(&self, id: &str) -> Result<Vec<(String, Vec<u8>)>, Error> {
        let (mut chain, mut seen, mut bytes) = (Vec::new(), BTreeSet::new(), 0);
        let mut next = Some(id.to_owned());
        while let Some(id) = next {
            if chain.len() == MAX_LAYERS {
                return Err(Error::Legacy { id, why: format!("it is built on more than {MAX_LAYERS} others") });
            }
            if !seen.insert(id.clone()) {
                return Err(Error::Legacy { id, why: "it is built on itself".to_owned() });
            }
            let (json, Parent { parent }) = read_json(self.index, &id)?;
            bytes += json.len();
            if bytes > MAX_CHAIN {
                return Err(Error::Legacy { id, why: format!("it and those below have more than {MAX_CHAIN} bytes") });
            }
            chain.push((id, json));
            next = parent;
        }
        chain.reverse();
        Ok(chain)
    }

    /// A layer's diff ID, computed from its content, since the archive does not record it.
    fn layer(&mut self, id: &str) -> Result<(DiffId, Blob), Error> {
        if let Some(known) = self.layers.get(id) {
            return Ok(known.clone());
        }
        let name = format!("{id}/layer.tar");
        let blob = self.index.file(&name)?.ok_or_else(|| Error::Missing { name: name.clone() })?;
        let legacy = |why: String| Error::Legacy { id: id.to_owned(), why };
        let diff_id = if let Some(held) = blob.held() {
            held.layer.as_ref().map_err(|why| legacy(why.to_string()))?.diff_id
        } else {
            let reader = blob.open().map_err(Error::Read)?;
            let found = scan(reader, &Limits::default(), &mut io::sink());
            found.map_err(|error| legacy(error.to_string()))?.summary.diff_id
        };
        self.layers.insert(id.to_owned(), (diff_id, blob.clone()));
        Ok((diff_id, blob.clone()))
    }
}
