//! What is in a directory that was unpacked, as its next image would have it.

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
    /// The layers that the sources of records lead into.
    pub layers: LayerStack,
    /// What they are called.
    pub names: LayerNames,
    /// What is there, in walk order. What this user cannot read is as it was, so that its source has its content.
    pub records: Vec<PathRecord>,
    /// What is there and in no layer.
    pub skipped: Skipped,
}

/// Looks at a directory; none if no image is known that it came from.
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
