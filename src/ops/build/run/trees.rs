//! Trees of layers on disk, from one `RUN` to the next, shared by all builds with the store.
//!
//! ```text
//! ROOT/imgtool/trees/KIND/boot            of which start of the machine they are
//! ROOT/imgtool/trees/KIND/gate            locked while folders are made, and while leftovers are looked for
//! ROOT/imgtool/trees/KIND/KEY/fs          the directory: a whole tree, or what differs from its parent
//! ROOT/imgtool/trees/KIND/KEY/parent      the key of the tree below it; empty if there is none
//! ROOT/imgtool/trees/KIND/KEY/lock        shared while it is used
//! ROOT/imgtool/trees/KIND/tmp-PID-N/      one that is being made, or the folder of a run; its `lock` is held
//! ```
//!
//! The key is the beginning of the chain ID, and the kind says whose IDs the owners are. Nothing here is synced to the
//! disk, so trees are not used after the machine was started again: they are deleted then.

use std::fs::{self, File, TryLockError};
use std::io;
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use super::request::Below;
use super::{RunError, scratch::Scratch};
use crate::cancel::Token;
use crate::oci::{ChainId, DiffId, Digest};
use crate::rootfs::{Part, UnpackOptions, unpack_part};
use crate::runtime::remove_unused;
use crate::store::Store;

/// Owners and devices are set where that is possible.
pub(super) const ALL: UnpackOptions = UnpackOptions { devices: true, owners: true };
/// More directories than this are not mounted over each other: the kernel takes a page of names, and each costs a
/// look-up.
const MOST: usize = 50;
/// How much of a chain ID is a key, in hexadecimal digits.
const KEY: usize = 32;
/// The file that is locked, shared, while a folder is made, and alone while leftovers are looked for.
const GATE: &str = "gate";
/// How often a lock is tried for.
const PAUSE: Duration = Duration::from_millis(20);

/// The folder of the trees of one kind.
#[derive(Debug)]
pub(super) struct Trees {
    pub(super) folder: PathBuf,
    next: AtomicU64,
}

/// Directories that are mounted over each other. They are not deleted before this is dropped.
#[derive(Debug, Clone, Default)]
pub(super) struct Stack {
    /// The topmost first.
    pub(super) lowers: Vec<PathBuf>,
    locks: Vec<Arc<File>>,
    /// The key of the topmost.
    key: String,
}

impl Trees {
    /// Those of this user, made since the machine was started.
    pub(super) fn open(store: &Store) -> Result<Self, RunError> {
        let all = store.trees_folder()?;
        let boot = boot();
        let maps =
            ["uid_map", "gid_map"].map(|map| fs::read_to_string(format!("/proc/self/{map}")).unwrap_or_default());
        let kind = Digest::of([&*boot, &maps[0], &maps[1]].concat().as_bytes()).hex();
        let folder = all.join(&kind[..KEY / 2]);
        if !folder.is_dir() {
            remove_old(&all, &boot);
        }
        fs::DirBuilder::new().recursive(true).mode(0o700).create(&folder).map_err(RunError::io(&folder))?;
        // The process that mounts works elsewhere.
        let folder = folder.canonicalize().map_err(RunError::io(&folder))?;
        fs::write(folder.join("boot"), &boot).map_err(RunError::io(&folder))?;
        let trees = Self { folder, next: AtomicU64::new(0) };
        trees.remove_leftovers();
        Ok(trees)
    }

    /// The directories for the layers below a step; what is missing is unpacked.
    pub(super) fn stack(&self, below: &Below<'_>, job: &Token) -> Result<Stack, RunError> {
        let keys = keys(below.diff_ids);
        let all = keys.len();
        let is_there = |layers: &usize| self.find(&keys[*layers - 1]);
        let found = (1..=all).rev().find_map(|layers| is_there(&layers).map(|stack| (layers, stack)));
        let (mut layers, mut stack) = found.unwrap_or_default();
        let steps = [below.base.min(all), all];
        for step in steps.into_iter().filter(|step| *step > 0) {
            if step > layers {
                let from = (layers > 0 && stack.lowers.len() < MOST).then_some((layers, &stack));
                stack = self.make(below, &keys[step - 1], step, from, job)?;
                layers = step;
            }
        }
        Ok(stack)
    }

    /// The tree with this key and those below it, if they are all there.
    fn find(&self, key: &str) -> Option<Stack> {
        let mut stack = Stack { key: key.to_owned(), ..Stack::default() };
        let mut next = key.to_owned();
        while !next.is_empty() && stack.lowers.len() <= 2 * MOST {
            let tree = self.folder.join(&next);
            stack.locks.push(Arc::new(hold(&tree)?));
            next = fs::read_to_string(tree.join("parent")).ok()?;
            stack.lowers.push(tree.join("fs"));
        }
        Some(stack)
    }

    /// Unpacks so many layers, as what differs from the stack of fewer, or whole.
    fn make(
        &self,
        below: &Below<'_>,
        key: &str,
        layers: usize,
        from: Option<(usize, &Stack)>,
        job: &Token,
    ) -> Result<Stack, RunError> {
        // Who comes second waits, and finds it.
        let making = self.folder.join(format!("making-{key}"));
        let lock = File::create(&making).map_err(RunError::io(&making))?;
        wait_for(&lock, &making, job)?;
        if let Some(stack) = self.find(key) {
            return Ok(stack);
        }
        let view = if layers == below.diff_ids.len() { Arc::clone(&below.view) } else { (below.view_of)(layers)? };
        let part = match from {
            Some((fewer, _)) => Some(Part::difference(&*(below.view_of)(fewer)?, &view, fewer)),
            None => None,
        };
        let draft = self.scratch(job)?;
        unpack_part(&view, &below.contents, &draft.path.join("fs"), ALL, part.as_ref(), job)?;
        let parent = from.map_or("", |(_, stack)| &stack.key);
        let stack = self.publish(draft, key, parent)?;
        let _ = fs::remove_file(&making);
        Ok(stack)
    }

    /// Keeps the upper directory of a run as the tree of its layer.
    pub(super) fn adopt(&self, upper: &Path, below: &Stack, chain: &[DiffId], job: &Token) -> Result<(), RunError> {
        let Some(key) = keys(chain).pop() else { return Ok(()) };
        let draft = self.scratch(job)?;
        let target = draft.path.join("fs");
        fs::rename(upper, &target).map_err(RunError::io(&target))?;
        self.publish(draft, &key, &below.key).map(drop)
    }

    fn publish(&self, draft: Scratch, key: &str, parent: &str) -> Result<Stack, RunError> {
        let path = draft.path.join("parent");
        fs::write(&path, parent).map_err(RunError::io(&path))?;
        let target = self.folder.join(key);
        // One that is there already is as good.
        match fs::rename(&draft.path, &target) {
            Ok(()) => draft.published(),
            Err(error) if target.is_dir() => drop((error, draft)),
            Err(error) => return Err(RunError::io(&target)(error)),
        }
        let lost = || RunError::io(&target)(io::ErrorKind::NotFound.into());
        self.find(key).ok_or_else(lost)
    }

    /// A new folder that is deleted when it is dropped.
    pub(super) fn scratch(&self, job: &Token) -> Result<Scratch, RunError> {
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        // Until it has its lock, nobody may take it for a leftover.
        let gate = self.folder.join(GATE);
        let open = File::create(&gate).and_then(|open| open.lock_shared().map(|()| open));
        let _open = open.map_err(RunError::io(&gate))?;
        Scratch::create(self.folder.join(format!("tmp-{}-{number}", std::process::id())), job)
    }

    /// Removes what processes left that were killed.
    fn remove_leftovers(&self) {
        let alone = File::create(self.folder.join(GATE));
        if !alone.as_ref().is_ok_and(|gate| gate.try_lock().is_ok()) {
            return;
        }
        for path in entries(&self.folder).filter(|path| name(path).starts_with("tmp-")) {
            remove_unused(&path);
        }
    }
}

/// Removes the trees of earlier starts of the machine.
fn remove_old(all: &Path, boot: &str) {
    for kind in entries(all) {
        if fs::read_to_string(kind.join("boot")).is_ok_and(|found| found != boot) {
            let _ = fs::remove_dir_all(kind);
        }
    }
}

/// Holds a tree, so that it is not deleted; none if it is not there.
fn hold(tree: &Path) -> Option<File> {
    let path = tree.join("lock");
    let file = File::open(&path).ok()?;
    file.lock_shared().ok()?;
    // It may have been deleted, and made again, since it was opened.
    let is_same = fs::metadata(&path).is_ok_and(|now| file.metadata().is_ok_and(|held| held.ino() == now.ino()));
    is_same.then_some(file)
}

/// Waits for a lock as long as the job goes on.
pub(super) fn wait_for(lock: &File, path: &Path, job: &Token) -> Result<(), RunError> {
    loop {
        match lock.try_lock() {
            Ok(()) => return Ok(()),
            Err(TryLockError::WouldBlock) => job.check().map_err(RunError::io(path))?,
            Err(TryLockError::Error(error)) => return Err(RunError::io(path)(error)),
        }
        std::thread::sleep(PAUSE);
    }
}

fn boot() -> String {
    let text = fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap_or_default();
    text.trim().to_owned()
}

/// The key of each chain, of one layer, of two …
fn keys(diff_ids: &[DiffId]) -> Vec<String> {
    let key = |chain: &ChainId| {
        let text = chain.to_string();
        let hex = text.rsplit(':').next().unwrap_or_default();
        hex[..KEY.min(hex.len())].to_owned()
    };
    ChainId::of(diff_ids).iter().map(key).collect()
}

fn entries(folder: &Path) -> impl Iterator<Item = PathBuf> {
    fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path())
}

fn name(path: &Path) -> String {
    path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default()
}
