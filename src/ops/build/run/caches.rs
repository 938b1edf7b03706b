//! Cache mounts: folders that last from build to build.
//!
//! ```text
//! ROOT/imgtool/cache-mounts/KEY/N/fs     the folder; KEY is the hash of its name and of whose IDs the owners are
//! ROOT/imgtool/cache-mounts/KEY/N/lock   shared while it is used; exclusive if nobody else may use it meanwhile
//! ```

use std::ffi::OsStr;
use std::fs::{self, File, TryLockError};
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::{DirBuilderExt as _, PermissionsExt as _, chown};
use std::path::{Path, PathBuf};

use super::RunError;
use super::place::resolve;
use super::request::{BindSource, RunMount};
use super::trees::{ALL, Trees, wait_for};
use crate::cancel::Token;
use crate::dockerfile::{CacheSpec, Sharing};
use crate::layer::overlay::ViewNode;
use crate::oci::Digest;
use crate::rootfs::{Part, unpack_part};
use crate::store::Store;

/// The most private caches of one name.
const MOST: usize = 1000;

/// A cache that is in use.
#[derive(Debug)]
pub(super) struct Cache {
    pub(super) folder: PathBuf,
    _lock: File,
}

/// Takes a cache; it is made if it is not there.
pub(super) fn take(
    store: &Store,
    trees: &Trees,
    spec: &CacheSpec,
    mount: &RunMount<'_>,
    job: &Token,
) -> Result<Cache, RunError> {
    let map = fs::read_to_string("/proc/self/uid_map").unwrap_or_default();
    let key = Digest::of([&*spec.id, "\0", &map].concat().as_bytes()).hex();
    let folder = store.cache_mounts_folder()?;
    let all = folder.canonicalize().map_err(RunError::io(&folder))?.join(&key[..32]);
    for number in 0..MOST {
        let place = all.join(number.to_string());
        fs::DirBuilder::new().recursive(true).mode(0o700).create(&place).map_err(RunError::io(&place))?;
        let path = place.join("lock");
        let lock = File::create(&path).map_err(RunError::io(&path))?;
        match spec.sharing {
            // It is made by one, even if several use it.
            Sharing::Shared => {
                wait_shared(&lock, &path, job, &place, || make(trees, spec, mount, &place, job))?;
            }
            Sharing::Locked => wait_for(&lock, &path, job)?,
            Sharing::Private => match lock.try_lock() {
                Ok(()) => {}
                Err(TryLockError::WouldBlock) => continue,
                Err(TryLockError::Error(error)) => return Err(RunError::io(&path)(error)),
            },
        }
        let folder = place.join("fs");
        if !folder.is_dir() {
            make(trees, spec, mount, &place, job)?;
        }
        return Ok(Cache { folder, _lock: lock });
    }
    Err(RunError::io(&all)(std::io::ErrorKind::ResourceBusy.into()))
}

/// Waits for a shared lock; what is not there is made before, alone.
fn wait_shared(
    lock: &File,
    path: &Path,
    job: &Token,
    place: &Path,
    make: impl Fn() -> Result<(), RunError>,
) -> Result<(), RunError> {
    if !place.join("fs").is_dir() {
        wait_for(lock, path, job)?;
        if !place.join("fs").is_dir() {
            make()?;
        }
    }
    lock.lock_shared().map_err(RunError::io(path))
}

fn make(trees: &Trees, spec: &CacheSpec, mount: &RunMount<'_>, place: &Path, job: &Token) -> Result<(), RunError> {
    let draft = trees.scratch(job)?;
    let folder = if let Some(BindSource::Layers(below)) = &mount.source {
        let (path, node) = resolve(&below.view, &spec.source)?;
        let missing = || RunError::NoSource { path: spec.source.clone(), place: "the image" };
        let node = node.filter(ViewNode::is_directory).ok_or_else(missing)?;
        let target = draft.path.join("fs");
        let part = Part::subtree(&below.view, node);
        unpack_part(&below.view, &below.contents, &target, ALL, Some(&part), job)?;
        target.join(OsStr::from_bytes(path.as_bytes()))
    } else {
        let folder = draft.path.join("fs");
        fs::create_dir(&folder).map_err(RunError::io(&folder))?;
        chown(&folder, Some(spec.uid), Some(spec.gid)).map_err(RunError::io(&folder))?;
        let mode = fs::Permissions::from_mode(spec.mode);
        fs::set_permissions(&folder, mode).map_err(RunError::io(&folder))?;
        folder
    };
    let target = place.join("fs");
    fs::rename(&folder, &target).map_err(RunError::io(&target))
}
