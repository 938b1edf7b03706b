//! The layer of an image that was typed.

use crate::image::Image;
use crate::ops::FilesError;

/// The place of a layer from the bottom, by its number, which begins with 1, or the beginning of its digest or diff ID.
pub fn layer(image: &Image, name: &str, typed: &str) -> Result<usize, FilesError> {
    let layers = image.layers.len();
    let unknown = || FilesError::NoLayer { image: name.to_owned(), typed: typed.to_owned(), layers };
    if let Ok(number) = typed.parse::<usize>()
        && number < SHORTEST_DIGEST
    {
        return number.checked_sub(1).filter(|place| *place < layers).ok_or_else(unknown);
    }
    let hex = typed.strip_prefix("sha256:").unwrap_or(typed);
    if hex.len() < 4 {
        return Err(unknown());
    }
    let begins = |layer: &crate::image::Layer| {
        let digest = layer.descriptor.as_ref().map(|descriptor| descriptor.digest.hex());
        layer.diff_id.digest().hex().starts_with(hex) || digest.is_some_and(|digest| digest.starts_with(hex))
    };
    let mut found = (0..layers).filter(|place| begins(&image.layers[*place]));
    let first = found.next().ok_or_else(unknown)?;
    // The same layer may be there twice.
    let is_other = |place: usize| image.layers[place].diff_id != image.layers[first].diff_id;
    if found.any(is_other) {
        return Err(FilesError::AmbiguousLayer { image: name.to_owned(), typed: typed.to_owned() });
    }
    Ok(first)
}

/// Numbers from here on are taken for digests: no image has so many layers.
const SHORTEST_DIGEST: usize = 100_000;
