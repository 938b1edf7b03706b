//! The content of an unpacked directory as its next image would have it.

use std::path::Path;

use super::base::Checkout;
use super::compare::Compare;
use crate::image::contents::LayerStack;
use crate::ops::damage::LayerNames;
use crate::ops::{Context, Error};
use crate::rootfs::{Changes, PathRecord, Root, Skipped};

/// A directory that was unpacked, or is a copy of one.
pub struct Present {
    /// The directory.
    pub root: Root,
    /// The layers that the records take content from.
    pub layers: LayerStack,
    /// Their names for messages.
    pub names: LayerNames,
    /// The content, in walk order. Paths that this user cannot read are as in the image, which is the source of their
    /// content.
    pub records: Vec<PathRecord>,
    /// What no layer can hold, such as sockets.
    pub skipped: Skipped,
}

/// Reads a directory; none if the image that it came from is unknown.
pub fn present(context: &Context, directory: &Path) -> Result<Option<Present>, Error> {
    let compare = Compare::default();
    let checkout = Checkout::open(context, directory, &compare)?;
    let Some(names) = checkout.names.clone() else { return Ok(None) };
    let mut records = Vec::new();
    let mut keep = |record| {
        records.push(record);
        Ok(())
    };
    let Changes { skipped, .. } = checkout.changes(&compare, &mut keep)?;
    Ok(Some(Present { root: checkout.root, layers: checkout.layers, names, records, skipped }))
}
