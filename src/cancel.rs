//! Ending in the middle, on request, without leaving anything behind.
//!
//! A person who presses Ctrl-C ends the process, not one job in it: this state belongs to the process. Who makes
//! something that must not stay makes it through here, in one of three ways:
//!
//! ```text
//! Draft   a file or folder that is not whole yet     [`cancel`] deletes it, whatever its threads are doing
//! Undo    a tree in which many threads make files    they ask [`check`], fail, and clear up; [`cancel`] waits for them
//! Finish  the step that makes work visible           from its beginning on [`cancel`] is too late: the work is done
//! ```
//!
//! Invariant: after [`cancel`] said [`Ended::Clean`], no draft exists, none can be made, and nothing becomes visible. It
//! holds because drafts are made, published and cancelled under one lock.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

/// What came of a request to end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ended {
    /// Nothing is left of what was begun: the process can be ended.
    Clean,
    /// The work was already being made visible, and is left to come to its end.
    TooLate,
}

#[derive(Debug)]
struct State {
    drafts: BTreeMap<u64, PathBuf>,
    next: u64,
    undoing: usize,
    finishing: bool,
    cancelled: bool,
}

static STATE: Mutex<State> =
    Mutex::new(State { drafts: BTreeMap::new(), next: 0, undoing: 0, finishing: false, cancelled: false });
/// What is asked often, and needs no lock.
static CANCELLED: AtomicBool = AtomicBool::new(false);
/// Told when an [`Undo`] is done.
static UNDONE: Condvar = Condvar::new();

fn state() -> MutexGuard<'static, State> {
    STATE.lock().unwrap_or_else(PoisonError::into_inner)
}

fn alive(state: &State) -> io::Result<()> {
    if state.cancelled { Err(interrupted()) } else { Ok(()) }
}

/// Not `ErrorKind::Interrupted`: that means "try again".
fn interrupted() -> io::Error {
    io::Error::other("interrupted")
}

/// Whether the process is ending.
pub fn is_cancelled() -> bool {
    CANCELLED.load(Ordering::Relaxed)
}

/// An error, once the process is ending: for loops.
pub fn check() -> io::Result<()> {
    if is_cancelled() { Err(interrupted()) } else { Ok(()) }
}

/// Ends what is being done: deletes all drafts and waits until all trees are taken away.
pub fn cancel() -> Ended {
    let mut state = state();
    if state.finishing {
        return Ended::TooLate;
    }
    state.cancelled = true;
    CANCELLED.store(true, Ordering::Relaxed);
    while state.undoing > 0 {
        state = UNDONE.wait(state).unwrap_or_else(PoisonError::into_inner);
    }
    for path in std::mem::take(&mut state.drafts).into_values() {
        remove(&path);
    }
    Ended::Clean
}

/// How often a folder is deleted again, because its owner was deleting it at the same time.
const ATTEMPTS: usize = 10;

fn remove(path: &Path) {
    for _ in 0..ATTEMPTS {
        let is_folder = path.symlink_metadata().map(|metadata| metadata.is_dir());
        let removed = match is_folder {
            Ok(true) => fs::remove_dir_all(path),
            Ok(false) => fs::remove_file(path),
            Err(_) => return,
        };
        if removed.is_ok() {
            return;
        }
    }
}

/// A file or folder that goes if the process is ended. Its owner deletes it in all other cases.
#[must_use = "a draft that is not held is not deleted"]
#[derive(Debug)]
pub struct Draft {
    id: u64,
}

impl Draft {
    /// Has it made by `make`, which says where it is.
    pub fn create<T>(make: impl FnOnce() -> io::Result<(T, PathBuf)>) -> io::Result<(T, Self)> {
        let mut state = state();
        alive(&state)?;
        let (thing, path) = make()?;
        let id = state.next;
        state.next += 1;
        state.drafts.insert(id, path);
        Ok((thing, Self { id }))
    }

    /// Has it renamed to where it stays. Unless that succeeds it is still a draft.
    pub fn publish<T>(&self, rename: impl FnOnce() -> io::Result<T>) -> io::Result<T> {
        let mut state = state();
        alive(&state)?;
        let renamed = rename()?;
        state.drafts.remove(&self.id);
        Ok(renamed)
    }
}

impl Drop for Draft {
    fn drop(&mut self) {
        state().drafts.remove(&self.id);
    }
}

/// Somebody who takes away what they made when [`check`] fails, and is waited for until this is dropped.
#[must_use = "nobody waits for what is not held"]
#[derive(Debug)]
pub struct Undo(());

impl Undo {
    /// To be had before anything is made.
    pub fn begin() -> io::Result<Self> {
        let mut state = state();
        alive(&state)?;
        state.undoing += 1;
        Ok(Self(()))
    }
}

impl Drop for Undo {
    fn drop(&mut self) {
        state().undoing -= 1;
        UNDONE.notify_all();
    }
}

/// Begins to make work visible: from now on the process comes to its own end.
pub fn finish() -> io::Result<()> {
    let mut state = state();
    alive(&state)?;
    state.finishing = true;
    Ok(())
}
