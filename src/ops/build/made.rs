//! A stage that is made.

use super::layers::StageLayers;
use super::scope::Scope;
use crate::oci::{Digest, ImageConfig};

/// A stage that is made.
#[derive(Debug, Clone)]
pub(super) struct MadeStage {
    /// The config of the image that it would be.
    pub(super) config: ImageConfig,
    pub(super) layers: StageLayers,
    pub(super) scope: Scope,
    /// Identifies the config and everything that led to it.
    pub(super) key: Digest,
}
