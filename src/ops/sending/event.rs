//! How blobs are sent, and what is told meanwhile.

use std::collections::HashMap;

use crate::image::outgoing::Recode;
use crate::oci::{Descriptor, DiffId, Digest};

/// How blobs are sent.
#[derive(Debug, Clone, Copy)]
pub struct SendOptions {
    /// How layers are compressed that are stored uncompressed.
    pub compress: Recode,
    /// How many blobs are sent at a time.
    pub jobs: usize,
}

/// What happens to a layer, in docker's words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LayerState {
    /// It is looked at.
    Preparing,
    /// Another process sends it.
    Elsewhere,
    /// It is being sent.
    Pushing,
    /// It was sent.
    Pushed,
    /// The repository has it.
    Exists,
    /// The registry had it in another repository.
    MountedFrom(String),
}

/// Is told what happens to layers; may be called from several threads.
pub type TellLayer<'a> = &'a (dyn Fn(DiffId, LayerState) + Sync);

/// What layers became in the registry, by the digest that they had before.
pub(super) type SentLayers = HashMap<Digest, Descriptor>;
