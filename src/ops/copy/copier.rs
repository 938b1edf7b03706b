//! What copying needs, whatever the destination.

use super::event::{CopiedImage, CopyEvent, CopyOptions, Tell};
use crate::image::Progress;
use crate::ops::Context;

/// Copies images to one destination.
pub(super) struct Copier<'a> {
    pub(super) context: &'a Context,
    pub(super) options: &'a CopyOptions,
    pub(super) tell: Tell<'a>,
    pub(super) progress: &'a dyn Progress,
}

impl Copier<'_> {
    /// Tells of an image that is where it was to be, and lists it.
    pub(super) fn copied(&self, all: &mut Vec<CopiedImage>, image: CopiedImage) {
        (self.tell)(CopyEvent::Copied(image.clone()));
        all.push(image);
    }
}
