//! The directory of `WORKDIR`.

use super::draft::Draft;
use super::error::CopyError;
use super::layer;
use super::owner::owner;
use super::place::Placement;
use super::request::{Layers, Times};
use crate::store::{Quarantine, VerifiedLayer};

/// Makes a layer with a directory and those above it, as far as they are missing; `None` if nothing is. New ones have
/// mode 0755, and belong to `user` if one is given, else to root.
pub fn make_directory(
    below: Layers<'_>,
    path: &str,
    user: Option<&str>,
    times: Times,
    quarantine: &Quarantine,
) -> Result<Option<VerifiedLayer>, CopyError> {
    let owner = user.map(|user| owner(user, below)).transpose()?;
    let placement = Placement { destination: path.as_bytes().to_vec(), owner, mode: None, times };
    let mut draft = Draft::new(below);
    let at = draft.locate(Draft::ROOT, path.as_bytes())?;
    if at.missing.is_empty() && draft.is_directory(at.node) {
        return Ok(None);
    }
    placement.make_directory(&mut draft, path.as_bytes())?;
    layer::write(&draft, times.made(), quarantine, "the layer of WORKDIR", &|_| {}).map(Some)
}
