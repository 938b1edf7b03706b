//! What is known of the upstream registry.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::Semaphore;

use super::fetch::Fetch;
use crate::http::Retries;
use crate::oci::{Descriptor, Digest, Reference};
use crate::registry::{Error, Registries, RegistryHost, Repository};
use crate::serve::manifest::Parts;
use crate::serve::repository::RepositoryName;
use crate::serve::settings::ProxySettings;

/// How often a request is sent, and how long is waited in between: a client waits meanwhile.
const RETRIES: Retries = Retries {
    attempts: 3,
    delay: Duration::from_millis(200),
    longest: Duration::from_secs(2),
    budget: Duration::from_secs(4),
};
/// How long an upstream that does not answer is left alone, and how long it is remembered that it does not have something.
const PAUSE: Duration = Duration::from_secs(10);
/// How many requests wait for the upstream at once, each of them in a thread; further ones wait for those.
const MAX_ASKING: usize = 128;
/// How many things of each kind are remembered.
const MAX_KNOWN: usize = 20_000;

/// The upstream registry.
#[derive(Debug)]
pub(in crate::serve) struct Upstream {
    host: RegistryHost,
    ttl: Duration,
    registries: Registries,
    tags: Mutex<HashMap<(RepositoryName, String), Known>>,
    absent: Mutex<HashMap<String, Instant>>,
    sizes: Mutex<HashMap<Digest, u64>>,
    turns: Mutex<HashMap<String, Arc<Mutex<()>>>>,
    pub(super) fetches: Mutex<HashMap<(RepositoryName, Digest), Arc<Fetch>>>,
    pub(super) pending: Mutex<Vec<Pending>>,
    /// The right to wait for the upstream in a thread.
    pub(in crate::serve) asking: Semaphore,
    requests: AtomicU64,
    stale: AtomicU64,
}

/// What a tag led to when the upstream was asked, or was to be asked.
#[derive(Debug, Clone)]
struct Known {
    descriptor: Descriptor,
    until: Instant,
    is_stale: bool,
}

/// A manifest some of whose blobs are still to come.
#[derive(Debug, Clone)]
pub(super) struct Pending {
    /// With its tag or digest.
    pub(super) name: Reference,
    pub(super) repository: RepositoryName,
    pub(super) descriptor: Descriptor,
    pub(super) parts: Arc<Parts>,
}

impl Upstream {
    pub(in crate::serve) fn new(settings: &ProxySettings, registries: &Registries) -> Self {
        Self {
            host: settings.host.clone(),
            ttl: settings.ttl,
            registries: registries.direct(RETRIES),
            tags: Mutex::default(),
            absent: Mutex::default(),
            sizes: Mutex::default(),
            turns: Mutex::default(),
            fetches: Mutex::default(),
            pending: Mutex::default(),
            asking: Semaphore::new(MAX_ASKING),
            requests: AtomicU64::new(0),
            stale: AtomicU64::new(0),
        }
    }

    pub(in crate::serve) fn host(&self) -> &RegistryHost {
        &self.host
    }

    /// The repository that a path means: one of the upstream, unless it names another registry. `ns` is the registry that
    /// containerd wants to reach.
    pub(in crate::serve) fn place(&self, name: RepositoryName, ns: Option<&str>) -> RepositoryName {
        let within = |host: &RegistryHost| {
            let full: Reference = format!("{host}/{name}").parse().ok()?;
            RepositoryName::of(&full)
        };
        let placed = match ns.map(RegistryHost::typed) {
            Some(Ok(host)) => within(&host),
            Some(Err(_)) => None,
            None => match name.in_store() {
                Some(full) if RegistryHost::of(&full) == self.host => RepositoryName::of(&full),
                Some(full) if RegistryHost::of(&full).is_hub() && !name.as_str().starts_with("docker.io/") => {
                    within(&self.host)
                }
                _ => None,
            },
        };
        placed.unwrap_or(name)
    }

    /// Whether a repository is one of the upstream.
    pub(in crate::serve) fn covers(&self, name: &RepositoryName) -> bool {
        name.in_store().is_some_and(|full| RegistryHost::of(&full) == self.host)
    }

    /// A repository of the upstream. One request is counted.
    pub(super) fn repository(&self, full: &Reference) -> Result<Repository, Error> {
        self.requests.fetch_add(1, Ordering::Relaxed);
        self.registries.repository(full)
    }

    /// How many requests were made, and how many answers were not up to date.
    pub(in crate::serve) fn counts(&self) -> (u64, u64) {
        (self.requests.load(Ordering::Relaxed), self.stale.load(Ordering::Relaxed))
    }

    /// What a tag leads to, as the upstream has said it lately; and whether it could not be asked again.
    pub(super) fn fresh(&self, name: &RepositoryName, tag: &str) -> Option<(Descriptor, bool)> {
        let known = lock(&self.tags).get(&(name.clone(), tag.to_owned())).cloned()?;
        (known.until > Instant::now()).then_some((known.descriptor, known.is_stale))
    }

    /// What a tag led to.
    pub(super) fn last(&self, name: &RepositoryName, tag: &str) -> Option<Descriptor> {
        lock(&self.tags).get(&(name.clone(), tag.to_owned())).map(|known| known.descriptor.clone())
    }

    /// Takes note of what a tag leads to.
    pub(super) fn says(&self, name: &RepositoryName, tag: &str, descriptor: &Descriptor) {
        let known = Known { descriptor: descriptor.clone(), until: Instant::now() + self.ttl, is_stale: false };
        remember(&mut lock(&self.tags), (name.clone(), tag.to_owned()), known);
    }

    /// Takes note that the upstream could not say what a tag leads to.
    pub(super) fn is_silent(&self, name: &RepositoryName, tag: &str, descriptor: &Descriptor) {
        let until = Instant::now() + PAUSE.min(self.ttl);
        let known = Known { descriptor: descriptor.clone(), until, is_stale: true };
        remember(&mut lock(&self.tags), (name.clone(), tag.to_owned()), known);
    }

    /// Counts an answer that is not up to date.
    pub(super) fn count_stale(&self) {
        self.stale.fetch_add(1, Ordering::Relaxed);
    }

    /// Takes note that the upstream does not have something.
    pub(super) fn is_absent(&self, what: &str) {
        remember(&mut lock(&self.absent), what.to_owned(), Instant::now() + PAUSE.min(self.ttl));
    }

    /// Whether the upstream did not have it a moment ago.
    pub(super) fn was_absent(&self, what: &str) -> bool {
        lock(&self.absent).get(what).is_some_and(|until| *until > Instant::now())
    }

    /// Takes note of the sizes of what a manifest needs.
    pub(super) fn expect(&self, blobs: impl IntoIterator<Item = (Digest, u64)>) {
        let mut sizes = lock(&self.sizes);
        for (digest, size) in blobs {
            remember(&mut sizes, digest, size);
        }
    }

    /// The size of a blob that a manifest needs.
    pub(super) fn size(&self, digest: &Digest) -> Option<u64> {
        lock(&self.sizes).get(digest).copied()
    }

    /// Calls `ask` while nobody else asks for the same.
    pub(super) fn alone<T>(&self, what: &str, ask: impl FnOnce() -> T) -> T {
        let turn = Arc::clone(lock(&self.turns).entry(what.to_owned()).or_default());
        let result = {
            let _turn = turn.lock().unwrap_or_else(PoisonError::into_inner);
            ask()
        };
        drop(turn);
        lock(&self.turns).retain(|_, turn| Arc::strong_count(turn) > 1);
        result
    }
}

fn remember<K: Eq + Hash, V>(map: &mut HashMap<K, V>, key: K, value: V) {
    if map.len() >= MAX_KNOWN {
        map.clear();
    }
    map.insert(key, value);
}

pub(super) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn placed(host: &str, path: &str, ns: Option<&str>) -> (String, bool) {
        let host = RegistryHost::typed(host).expect("a host");
        let settings = ProxySettings { host, ttl: Duration::from_secs(60) };
        let upstream = Upstream::new(&settings, &Registries::default());
        let name = upstream.place(RepositoryName::parse(path).expect("a name"), ns);
        (name.to_string(), upstream.covers(&name))
    }

    #[test]
    fn paths_are_repositories_of_the_upstream_unless_they_name_another() {
        for (host, path, ns, name, is_upstream) in [
            ("registry-1.docker.io", "library/alpine", None, "alpine", true),
            ("docker.io", "alpine", None, "alpine", true),
            ("docker.io", "team/app", None, "team/app", true),
            ("docker.io", "ghcr.io/team/app", None, "ghcr.io/team/app", false),
            ("docker.io", "library/alpine", Some("docker.io"), "alpine", true),
            ("docker.io", "team/app", Some("ghcr.io"), "ghcr.io/team/app", false),
            ("ghcr.io", "team/app", None, "ghcr.io/team/app", true),
            ("ghcr.io", "ghcr.io/team/app", None, "ghcr.io/team/app", true),
            ("ghcr.io", "docker.io/library/alpine", None, "docker.io/library/alpine", false),
            ("ghcr.io", "team/app", Some("docker.io"), "team/app", false),
            ("localhost:5000", "a/b", None, "localhost_5000/a/b", true),
        ] {
            assert_eq!(placed(host, path, ns), (name.to_owned(), is_upstream), "{host} {path} {ns:?}");
        }
    }
}
