//! Images of the store that another one may be built on, by their layers.

use std::collections::BTreeMap;

use crate::image::Image;
use crate::oci::{DiffId, History, ImageId, Reference};
use crate::ops::remake::Origin;
use crate::ops::{Context, Error, FoundImage, ImagePlace, RemakeError};

/// How many of the lowest layers two images have in common.
pub fn lowest_layers(one: &[DiffId], other: &[DiffId]) -> usize {
    one.iter().zip(other).take_while(|(one, other)| one == other).count()
}

/// The image of the store whose layers are the lowest of `image`. Of several, the one of the repository `onto` is meant;
/// of several with the same layers, the one whose history is the beginning of the image's.
pub(super) fn nearest(context: &Context, image: &Origin, onto: Option<&Reference>) -> Result<Option<Origin>, Error> {
    let mut all = below(context, image)?;
    let of_onto =
        |base: &Origin| onto.is_some_and(|onto| base.found.all_names.iter().any(|name| name.name() == onto.name()));
    if all.iter().any(of_onto) {
        all.retain(of_onto);
    }
    let history = &image.image.config.value().history;
    let began = |base: &Origin| is_beginning(&base.image.config.value().history, history);
    let most = all.iter().map(|base| base.image.layers.len()).max().unwrap_or_default();
    if all.iter().all(|base| base.image.layers.len() == most) && all.iter().any(began) {
        all.retain(began);
    }
    match all.len() {
        0 | 1 => Ok(all.pop()),
        _ => Err(RemakeError::SeveralBases { image: image.shown(), bases: all.iter().map(layers_of).collect() }.into()),
    }
}

fn layers_of(base: &Origin) -> String {
    let layers = base.image.layers.len();
    format!("{} ({layers} layer{})", base.shown(), if layers == 1 { "" } else { "s" })
}

/// Whether a history is not empty, and the beginning of another.
pub(super) fn is_beginning(of: &[History], history: &[History]) -> bool {
    !of.is_empty() && history.starts_with(of)
}

/// The images of the store with some, but not all, of the lowest layers of `image`, each once.
fn below(context: &Context, image: &Origin) -> Result<Vec<Origin>, Error> {
    let ours = &image.image.config.value().rootfs.diff_ids;
    let wanted = image.platform();
    let catalog = context.store.catalog()?;
    let mut found: BTreeMap<ImageId, Origin> = BTreeMap::new();
    for entry in catalog.entries() {
        // What cannot be read is no base.
        let Ok(tree) = context.store.tree(entry) else { continue };
        let is_base = |base: &&Image| {
            let theirs = &base.config.value().rootfs.diff_ids;
            let suits = wanted.as_ref().is_none_or(|wanted| wanted.matches(&base.platform()));
            suits && !theirs.is_empty() && theirs.len() < ours.len() && ours.starts_with(theirs)
        };
        let Some(base) = tree.images().into_iter().find(is_base).cloned() else { continue };
        let place = found.entry(base.id()).or_insert_with(|| Origin {
            found: FoundImage {
                names: Vec::new(),
                all_names: Vec::new(),
                descriptor: Some(entry.descriptor.clone()),
                tree,
                place: ImagePlace::Store,
                remote: None,
            },
            image: base,
        });
        place.found.all_names.extend(entry.name.clone());
    }
    Ok(found.into_values().collect())
}
