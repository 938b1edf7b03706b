//! Collects garbage while the server runs: what ended, what lost its tag long ago, and the blobs that nothing needs then.
//!
//! All that takes time, reading manifests and listing blobs, is done before the store's exclusive lock is taken. Under it,
//! only what was found is looked at once more, and a few blobs are deleted at a time: a push waits for milliseconds. What
//! is being pulled is read from open files, and what a push counts on has a claim or a lease: see [`crate::store`].

use std::fmt;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use tokio::sync::watch;

use super::connection::unless;
use super::refusal::Refusal;
use super::server::Server;
use super::settings::Collection;
use crate::layout::BLOBS;
use crate::store::{Catalog, Error, Links, StalePushes, Store};

/// How many blobs are deleted while others wait.
const AT_ONCE: usize = 64;
/// How long a blob stays that nobody ever needed; less, if manifests without a tag stay for less.
const YOUNG: Duration = Duration::from_secs(60 * 60);

/// What a collection removed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Collected {
    /// How many manifests without a tag.
    pub(super) manifests: usize,
    /// How many blobs.
    pub(super) blobs: usize,
    /// How many bytes are free now that were not.
    pub(super) bytes: u64,
}

impl fmt::Display for Collected {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { manifests, blobs, bytes } = self;
        write!(f, "collected {manifests} manifests without a tag and {blobs} blobs: {bytes} bytes are free")
    }
}

/// Collects again and again, until `stop` says to end.
pub(super) async fn collect_all(server: Arc<Server>, mut stop: watch::Receiver<bool>) {
    let Collection { interval, grace } = server.settings.collection;
    let Some(interval) = interval.filter(|_| !server.settings.read_only) else { return };
    loop {
        let collected = Arc::clone(&server);
        let collecting = move || match collect(&collected.store(), &collected.links, grace, SystemTime::now()) {
            Ok(done) if done == Collected::default() => {}
            Ok(done) => collected.settings.log.note(&done.to_string()),
            Err(error) => {
                let cause = Refusal::broken(&error).cause().unwrap_or_default().to_owned();
                collected.settings.log.error(&format!("garbage is not collected: {cause}"));
            }
        };
        let _ = tokio::task::spawn_blocking(collecting).await;
        if unless(tokio::time::sleep(interval), stop.wait_for(|stop| *stop)).await.is_none() {
            return;
        }
    }
}

/// Collects once.
fn collect(store: &Store, links: &Links, grace: Duration, now: SystemTime) -> Result<Collected, Error> {
    let mut collected = Collected::default();
    if !store.root().join("imgtool").is_dir() {
        return Ok(collected);
    }
    let pushes = StalePushes::at(now);
    if store.has_stale_pushes(&pushes)? {
        let alone = store.lock_exclusive()?;
        collected.bytes += store.expire_pushes(&alone, &pushes)?;
    }
    let before = now.checked_sub(grace).unwrap_or(SystemTime::UNIX_EPOCH);
    let mut after = Catalog::clone(&*store.catalog()?);
    if !store.collect(links, &mut after, Some(before))?.is_empty() {
        let alone = store.lock_exclusive()?;
        after = Catalog::clone(&*store.catalog()?);
        collected.manifests = store.collect(links, &mut after, Some(before))?.len();
        store.replace(&alone, &after)?;
    }
    let mut found = store.unneeded(&store.reachable_by(links, &after)?, None)?;
    // Other tools write blobs into the store before they name them, and know of no lease.
    let young = now.checked_sub(grace.min(YOUNG)).unwrap_or(SystemTime::UNIX_EPOCH);
    found.retain(|(digest, _)| {
        let path = store.root().join(BLOBS).join(digest.hex());
        path.metadata().and_then(|metadata| metadata.modified()).is_ok_and(|modified| modified <= young)
    });
    for some in found.chunks(AT_ONCE) {
        let alone = store.lock_exclusive()?;
        // Others may have come to need them meanwhile.
        let reachable = store.reachable_by(links, &*store.catalog()?)?;
        let garbage = store.sweep_among(&alone, &reachable, some)?;
        collected.blobs += garbage.blobs.len();
        collected.bytes += garbage.bytes;
    }
    Ok(collected)
}
