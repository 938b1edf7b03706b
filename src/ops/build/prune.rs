//! `builder prune`: forgets what builds made.

use std::time::SystemTime;

use super::error::Why;
use super::run;
use crate::ops::{Context, Error};

/// Forgets the remembered steps that were made before a time, or all of them; with all of them also the trees and the
/// cache mounts of `RUN`. Returns the number of bytes freed: layers that an image has stay.
pub fn prune(context: &Context, before: Option<SystemTime>) -> Result<u64, Why> {
    let store = &context.store;
    if !store.root().exists() {
        return Ok(0);
    }
    let mut bytes = match before {
        None => run::prune(store, true)?,
        Some(_) => 0,
    };
    let alone = store.lock_exclusive()?;
    for step in store.remembered_steps()? {
        if before.is_none_or(|before| step.used < before) {
            store.forget_step(&step.key);
        }
    }
    let reachable = store.reachable(&*store.catalog()?)?;
    bytes += store.sweep(&alone, &reachable).map_err(Error::from)?.bytes;
    Ok(bytes)
}
