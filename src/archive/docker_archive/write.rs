//! The archive that docker 1.10 to 24 wrote: a folder for each layer, named by the id that its image would have had
//! before 1.10, so that yet older readers find what they look for.
//!
//! ```text
//! manifest.json, repositories
//! <config hex>.json
//! <v1 id>/VERSION, json, layer.tar     layer.tar of a repeated layer is a link to the first
//! ```

use std::collections::{BTreeMap, HashMap};

use super::manifest_json::{ManifestItem, Repositories};
use crate::archive::Error;
use crate::archive::output::{ArchiveMember, MemberContent};
use crate::image::outgoing::{Listed, Outgoing, OutgoingPart};
use crate::oci::{Digest, SavedLayer, go_json, v1};

/// The members of such an archive, in order.
pub fn members(images: &[Outgoing], mtime: i64) -> Result<Vec<ArchiveMember>, Error> {
    let mut writer = Writer::default();
    for image in images {
        writer.add(image)?;
    }
    let Writer { items, repositories, files, .. } = writer;
    let mut front = vec![("manifest.json".to_owned(), MemberContent::Bytes(go_json::to_vec(&items)))];
    if !repositories.is_empty() {
        front.push(("repositories".to_owned(), MemberContent::Bytes(go_json::to_vec(&repositories))));
    }
    Ok(front.into_iter().chain(files).map(|(name, content)| ArchiveMember { name, content, mtime }).collect())
}

#[derive(Default)]
struct Writer {
    items: Vec<ManifestItem>,
    /// The index in `items` of each config.
    places: HashMap<Digest, usize>,
    repositories: Repositories,
    files: BTreeMap<String, MemberContent>,
    /// Where each layer's tar is, so that the same bytes are written once.
    tars: BTreeMap<Digest, String>,
}

impl Writer {
    fn add(&mut self, image: &Outgoing) -> Result<(), Error> {
        let Some(Listed { config, layers }) = &image.listed else { return Ok(()) };
        let saved = v1::saved_layers(config.bytes())
            .map_err(|error| Error::Legacy { id: config.digest().to_string(), why: error.to_string() })?;
        for (name, tag) in image.tagged_names() {
            if let Some(top) = saved.last() {
                let tags = self.repositories.entry(name.familiar_name()).or_default();
                tags.insert(tag.to_owned(), top.id.clone());
            }
        }
        let tags = image.tagged_names().map(|(name, _)| name.familiar());
        if let Some(place) = self.places.get(config.digest()) {
            self.items[*place].repo_tags.extend(tags);
            return Ok(());
        }
        self.places.insert(*config.digest(), self.items.len());
        let name = format!("{}.json", config.digest().hex());
        let paths = saved.iter().map(|layer| format!("{}/layer.tar", layer.id)).collect();
        self.items.push(ManifestItem { config: name.clone(), repo_tags: tags.collect(), layers: paths });
        self.files.insert(name, MemberContent::Bytes(config.bytes().to_vec()));
        let parts: HashMap<Digest, &OutgoingPart> =
            image.parts().iter().map(|part| (part.descriptor.digest, part)).collect();
        for (layer, (_, digest)) in saved.iter().zip(layers) {
            self.add_layer(layer, parts[digest]);
        }
        Ok(())
    }

    fn add_layer(&mut self, layer: &SavedLayer, part: &OutgoingPart) {
        let SavedLayer { id, json } = layer;
        self.files.insert(format!("{id}/"), MemberContent::Folder);
        self.files.insert(format!("{id}/VERSION"), MemberContent::Bytes(b"1.0".to_vec()));
        self.files.insert(format!("{id}/json"), MemberContent::Bytes(json.clone()));
        let path = format!("{id}/layer.tar");
        let content = match self.tars.get(&part.descriptor.digest) {
            Some(first) if *first != path => MemberContent::Link(format!("../{first}")),
            _ => MemberContent::Part(Box::new(part.clone())),
        };
        self.tars.entry(part.descriptor.digest).or_insert_with(|| path.clone());
        self.files.insert(path, content);
    }
}
