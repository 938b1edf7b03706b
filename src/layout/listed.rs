//! Turns the index of a layout or an archive into images with names.

use std::collections::HashMap;

use serde_json::Value;

use super::{StoreName, flat, name_of, names_in_store};
use crate::image::{BlobSource, Error, ImageTree, Named};
use crate::oci::{Descriptor, Digest, Index, Reference};

/// Reads the images that an index lists, in its order, each once however many names it has. Names are as written in the
/// index.
pub fn listed(source: &dyn BlobSource, index: &Index) -> Result<Vec<Named>, Error> {
    named(source, index, index.manifests.iter().map(name_of))
}

/// The same of a store, to which several tools write.
pub(super) fn listed_in_store(source: &dyn BlobSource, index: &Index) -> Result<Vec<Named>, Error> {
    let names = names_in_store(&index.manifests).into_iter().map(|name| match name {
        StoreName::Image(name) => Some(name),
        StoreName::Foreign(_) | StoreName::None => None,
    });
    named(source, index, names)
}

/// Reads what an index lists; `names` are those of its entries.
fn named(
    source: &dyn BlobSource,
    index: &Index,
    names: impl Iterator<Item = Option<Reference>>,
) -> Result<Vec<Named>, Error> {
    if index.manifests.is_empty()
        && let Some(entry) = index.unsupported.first()
    {
        let text = entry.get("digest").and_then(Value::as_str).unwrap_or_default();
        text.parse::<Digest>().map_err(Error::UnsupportedDigest)?;
    }
    let mut found: Vec<Named> = Vec::new();
    let mut places: HashMap<Digest, Vec<usize>> = HashMap::new();
    for (descriptor, name) in index.manifests.iter().zip(names) {
        let known = places.entry(descriptor.digest).or_default();
        let same = known.iter().copied().find(|place| is_same(found[*place].descriptor.as_ref(), descriptor));
        let place = if let Some(place) = same {
            place
        } else {
            let tree = ImageTree::read(source, descriptor)?;
            found.push(Named { names: Vec::new(), descriptor: Some(descriptor.clone()), tree });
            known.push(found.len() - 1);
            found.len() - 1
        };
        let names = &mut found[place].names;
        names.extend(name.filter(|name| !names.contains(name)));
    }
    Ok(flat::join(found))
}

/// Whether two entries with the same digest are the same image. A manifest may also be listed for several platforms.
fn is_same(known: Option<&Descriptor>, descriptor: &Descriptor) -> bool {
    known.is_some_and(|known| match (&known.platform, &descriptor.platform) {
        (Some(known), Some(other)) => known == other,
        _ => true,
    })
}
