//! A stage that is made.

use super::layers::StageLayers;
use super::scope::Scope;
use crate::oci::{Digest, ImageConfig, Reference};

/// A stage that is made.
#[derive(Debug, Clone)]
pub(super) struct MadeStage {
    /// The config of the image that it would be.
    pub(super) config: ImageConfig,
    pub(super) layers: StageLayers,
    /// The name and digest of the image that it starts from, if it does from one, and that has them.
    pub(super) base: Option<Reference>,
    pub(super) scope: Scope,
    /// Identifies the config and everything that led to it.
    pub(super) key: Digest,
}
