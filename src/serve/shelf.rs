//! What the store's names say, as repositories: kept until they change.
//!
//! ```text
//! index.json ─▶ Shelf ─▶ Repository   its tags, and its manifests that have a name of their own
//!  (its inode,                └▶ Reach   all manifests and blobs below them, read when first asked for
//!   time, size)
//! ```

use std::collections::{BTreeMap, HashMap};
use std::fs::{File, Metadata};
use std::os::unix::fs::MetadataExt as _;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use super::manifest::Parts;
use super::repository::RepositoryName;
use crate::image::{BlobSource as _, MAX_INDEX_DEPTH};
use crate::layout::INDEX_FILE;
use crate::oci::strict::MAX_DOCUMENT;
use crate::oci::{Descriptor, Digest, Reference};
use crate::store::{Error, Store};

/// The repositories of a store.
#[derive(Debug)]
pub(super) struct Shelves {
    store: Store,
    current: Mutex<Option<Current>>,
    /// The manifests that were read: their bytes never change.
    known: Arc<Known>,
}

/// What was read last.
#[derive(Debug)]
struct Current {
    /// The `index.json` that was read. While it is open, no later one has the same inode.
    _file: Option<File>,
    stamp: Stamp,
    shelf: Arc<Shelf>,
}

/// Tells one `index.json` from the next: the device and the inode, and for tools that write it in place the time and the
/// size.
type Stamp = Option<(u64, u64, i64, i64, u64)>;

/// The repositories at one time.
#[derive(Debug)]
pub(super) struct Shelf {
    pub(super) repositories: BTreeMap<RepositoryName, Repository>,
}

/// One repository at one time.
#[derive(Debug)]
pub(super) struct Repository {
    pub(super) tags: BTreeMap<String, Descriptor>,
    /// What has a name, by tag or by digest.
    roots: HashMap<Digest, Descriptor>,
    reach: Arc<OnceLock<Reach>>,
}

/// All that the manifests of a repository need.
#[derive(Debug, Default)]
pub(super) struct Reach {
    pub(super) manifests: HashMap<Digest, Descriptor>,
    pub(super) blobs: HashMap<Digest, u64>,
    /// The manifests that are about another, by what they are about.
    pub(super) referrers: HashMap<String, Vec<Digest>>,
}

#[derive(Debug, Default)]
struct Known(Mutex<Remembered>);

#[derive(Debug, Default)]
struct Remembered {
    parts: HashMap<Digest, Option<Arc<Parts>>>,
    /// How many manifests they are, and descriptors in them.
    weight: usize,
}

/// How many manifests are remembered, and descriptors in them: about 60 MiB.
const MAX_KNOWN: usize = 200_000;

impl Shelves {
    pub(super) fn new(store: Store) -> Self {
        Self { store, current: Mutex::default(), known: Arc::default() }
    }

    /// The repositories as the store has them now.
    pub(super) fn now(&self) -> Result<Arc<Shelf>, Error> {
        let mut current = self.current.lock().unwrap_or_else(PoisonError::into_inner);
        let path = self.store.root().join(INDEX_FILE);
        if let Some(known) = &*current
            && known.stamp == path.metadata().ok().as_ref().map(stamp)
        {
            return Ok(Arc::clone(&known.shelf));
        }
        // The file is opened first: an index that is replaced meanwhile is read again the next time.
        let file = File::open(&path).ok();
        let stamp = file.as_ref().and_then(|file| file.metadata().ok()).as_ref().map(stamp);
        let before = current.as_ref().map(|known| &*known.shelf);
        let read = Arc::new(Shelf::read(&self.store, before)?);
        *current = Some(Current { _file: file, stamp, shelf: Arc::clone(&read) });
        Ok(read)
    }

    /// All that the manifests of a repository need.
    pub(super) fn reach<'a>(&self, repository: &'a Repository) -> &'a Reach {
        repository.reach.get_or_init(|| {
            let mut reach = Reach::default();
            for descriptor in repository.roots.values() {
                self.follow(descriptor, 0, &mut reach);
            }
            reach
        })
    }

    /// What a manifest needs; nothing if it is not there, or is none.
    pub(super) fn parts(&self, descriptor: &Descriptor) -> Option<Arc<Parts>> {
        let lock = || self.known.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = lock().parts.get(&descriptor.digest) {
            return known.clone();
        }
        let blob = self.store.open_blob(descriptor).ok()??;
        let bytes = blob.read_all(MAX_DOCUMENT as u64).ok()?;
        let parts = Parts::parse(&bytes).ok().map(Arc::new);
        let mut known = lock();
        let weight = 1 + parts.as_ref().map_or(0, |parts| parts.len());
        if known.weight + weight > MAX_KNOWN {
            *known = Remembered::default();
        }
        known.weight += weight;
        known.parts.insert(descriptor.digest, parts.clone());
        parts
    }

    fn follow(&self, descriptor: &Descriptor, depth: usize, reach: &mut Reach) {
        if depth > MAX_INDEX_DEPTH || reach.manifests.insert(descriptor.digest, descriptor.clone()).is_some() {
            return;
        }
        let Some(parts) = self.parts(descriptor) else { return };
        if let Some(subject) = &parts.subject {
            reach.referrers.entry(subject.to_string()).or_default().push(descriptor.digest);
        }
        for need in &parts.blobs {
            if let Ok(Some(digest)) = need.digest.in_store(&self.store) {
                reach.blobs.insert(digest, need.size);
            }
        }
        for need in &parts.manifests {
            if let Ok(Some(digest)) = need.digest.in_store(&self.store) {
                let child = Descriptor::new(need.media_type.clone(), digest, need.size);
                self.follow(&child, depth + 1, reach);
            }
        }
    }
}

fn stamp(index: &Metadata) -> (u64, u64, i64, i64, u64) {
    (index.dev(), index.ino(), index.mtime(), index.mtime_nsec(), index.len())
}

impl Shelf {
    /// What is below the manifests of a repository is taken over from `before`, if it has the same ones.
    fn read(store: &Store, before: Option<&Self>) -> Result<Self, Error> {
        let mut repositories: BTreeMap<RepositoryName, Repository> = BTreeMap::new();
        let mut names: HashMap<String, Option<RepositoryName>> = HashMap::new();
        for entry in store.catalog()?.entries() {
            let Some(name) = &entry.name else { continue };
            let served = names.entry(name.name()).or_insert_with(|| RepositoryName::of(name));
            let Some(served) = served else { continue };
            let repository = repositories.entry(served.clone()).or_insert_with(Repository::empty);
            if let (Some(tag), None) = (name.tag(), name.digest()) {
                repository.tags.insert(tag.to_owned(), entry.descriptor.clone());
            }
            repository.roots.insert(entry.descriptor.digest, entry.descriptor.clone());
        }
        for (name, repository) in &mut repositories {
            let before = before.and_then(|before| before.repositories.get(name));
            if let Some(before) = before.filter(|before| before.has_roots_of(repository)) {
                repository.reach = Arc::clone(&before.reach);
            }
        }
        Ok(Self { repositories })
    }

    /// A repository, by a name that a client used: `library/demo` is `demo`.
    pub(super) fn find(&self, name: &RepositoryName) -> Option<&Repository> {
        self.repositories.get(name).or_else(|| self.repositories.get(&canonical(name)?))
    }
}

impl Repository {
    fn has_roots_of(&self, other: &Self) -> bool {
        self.roots.len() == other.roots.len() && self.roots.keys().all(|digest| other.roots.contains_key(digest))
    }

    fn empty() -> Self {
        Self { tags: BTreeMap::new(), roots: HashMap::new(), reach: Arc::default() }
    }
}

/// The one name under which a repository is listed.
pub(super) fn canonical(name: &RepositoryName) -> Option<RepositoryName> {
    name.in_store().as_ref().and_then(|name: &Reference| RepositoryName::of(name))
}
