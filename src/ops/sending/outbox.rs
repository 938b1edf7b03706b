//! What all senders of one run share.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::elsewhere::Elsewhere;
use super::event::SendOptions;
use crate::oci::Digest;
use crate::ops::Context;
use crate::ops::several::{Pool, Turns};
use crate::registry::{RegistryHost, Repository};

/// How many layers are compressed at a time: each is by several threads, and takes memory.
const COMPRESSED_AT_ONCE: usize = 2;

/// What all senders of one run share: the workers, and what is known of where blobs are.
pub struct Outbox<'a> {
    pub(super) context: &'a Context,
    /// How blobs are sent.
    pub(super) options: SendOptions,
    pub(super) pool: Pool,
    /// The other repositories of a registry that have a blob, as far as the store's names tell.
    pub(super) elsewhere: Elsewhere<'a>,
    pub(super) compressing: Turns,
    /// The repositories that are known to have a blob.
    there: Mutex<HashMap<(RegistryHost, Digest), Vec<String>>>,
}

impl<'a> Outbox<'a> {
    /// Nothing is known yet.
    pub fn new(context: &'a Context, options: SendOptions) -> Self {
        let (pool, elsewhere) = (Pool::new(options.jobs), Elsewhere::new(context));
        let compressing = Turns::new(COMPRESSED_AT_ONCE);
        Self { context, options, pool, elsewhere, compressing, there: Mutex::default() }
    }

    /// The repositories of the same registry that are known to have a blob.
    pub(super) fn repositories_with(&self, repository: &Repository, digest: &Digest) -> Vec<String> {
        self.there().get(&(repository.host().clone(), *digest)).cloned().unwrap_or_default()
    }

    /// A blob is in that repository.
    pub(super) fn arrived(&self, repository: &Repository, digest: &Digest) {
        let (host, name) = (repository.host().clone(), repository.name().repository().to_owned());
        let mut there = self.there();
        let names = there.entry((host, *digest)).or_default();
        if !names.contains(&name) {
            names.push(name);
        }
    }

    fn there(&self) -> MutexGuard<'_, HashMap<(RegistryHost, Digest), Vec<String>>> {
        self.there.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
