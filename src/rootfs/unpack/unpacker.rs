//! The state shared by everything that writes a tree.

use super::make::Maker;
use super::options::UnpackOptions;
use crate::cancel::Token;
use crate::image::Progress;
use crate::image::contents::LayerStack;
use crate::layer::overlay::Overlay;
use crate::rootfs::Root;

/// The source and the target of unpacking.
pub(super) struct Unpacker<'a> {
    pub(super) overlay: &'a Overlay,
    pub(super) layers: &'a LayerStack,
    pub(super) options: UnpackOptions,
    pub(super) progress: &'a dyn Progress,
    pub(super) job: &'a Token,
    pub(super) root: &'a Root,
}

impl Unpacker<'_> {
    pub(super) fn maker(&self) -> Maker {
        Maker { options: self.options }
    }
}
