//! The state shared by everything that writes a tree.

use super::make::Maker;
use super::options::UnpackOptions;
use crate::cancel::Token;
use crate::image::Progress;
use crate::image::contents::LayerStack;
use crate::layer::overlay::Overlay;
use crate::layer::overlay::ViewNode;
use crate::rootfs::{Part, Root};

/// The source and the target of unpacking.
pub(super) struct Unpacker<'a> {
    pub(super) overlay: &'a Overlay,
    pub(super) layers: &'a LayerStack,
    pub(super) options: UnpackOptions,
    pub(super) progress: &'a dyn Progress,
    pub(super) job: &'a Token,
    pub(super) root: &'a Root,
    /// What of the view is written; all of it if there is none.
    pub(super) part: Option<&'a Part>,
}

impl<'a> Unpacker<'a> {
    /// The names that are written, in walk order.
    pub(super) fn nodes(&self) -> impl Iterator<Item = ViewNode<'a>> + use<'a> {
        let part = self.part;
        self.overlay.iter().filter(move |node| part.is_none_or(|part| part.has(*node)))
    }

    pub(super) fn maker(&self) -> Maker {
        Maker { options: self.options }
    }
}
