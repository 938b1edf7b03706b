//! `RUN`: a program runs on the layers so far, and what it changed becomes a layer.
//!
//! ```text
//! layers so far ─▶ trees ─┐ lower                          ┌─▶ layer tar ─▶ quarantine
//! places of mounts ───────┤ directories ─▶ runtime ─▶ upper┤
//!                         │                     directory  └─▶ a tree for the next RUN
//! ```
//!
//! Places of mounts that the image does not have are in a lower directory of their own, so that the program sees them
//! and the upper directory knows nothing of them.

mod caches;
mod command;
mod error;
mod mounts;
mod place;
mod request;
mod scratch;
mod step;
mod trees;

use std::ffi::{OsStr, OsString};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::cancel::Token;
use crate::runtime::{self, Engine, Wanted};
use crate::store::{Quarantine, Store};

pub use crate::runtime::Privileges;
pub use command::{RunCommand, command};
pub use error::RunError;
pub use request::{Below, BindSource, Network, OutputLine, RunLayer, RunMount, RunRequest, Stream, Ulimit};

use step::Step;

/// Runs the `RUN`s of a build.
#[derive(Debug)]
pub struct Runner {
    store: Store,
    privileges: Privileges,
    wanted: Option<String>,
    path: OsString,
    engine: OnceLock<Engine>,
    /// Whether overlayfs cannot be mounted here.
    copies: AtomicBool,
}

impl Runner {
    /// For builds with this store. `wanted` is the name or path of the OCI runtime, if one was asked for; `path` is the
    /// variable PATH, where it is looked for. Nothing is tried before the first `RUN`.
    pub fn new(store: Store, privileges: Privileges, wanted: Option<String>, path: &OsStr) -> Self {
        Self {
            store,
            privileges,
            wanted,
            path: path.to_owned(),
            engine: OnceLock::new(),
            copies: AtomicBool::new(false),
        }
    }

    /// Runs one; `output` gets the lines that the program writes, from several threads. It ends when the job is cancelled,
    /// or when `wanted` fails.
    pub fn run(
        &self,
        quarantine: &Quarantine,
        request: &RunRequest<'_>,
        output: &(dyn Fn(OutputLine<'_>) + Sync),
        job: &Token,
        wanted: Wanted<'_>,
    ) -> Result<RunLayer, RunError> {
        let step = Step { quarantine, request, output, job, wanted, engine: self.engine()?, store: &self.store };
        if !self.copies.load(Ordering::Relaxed) {
            match step.on_overlay() {
                Err(RunError::Runtime(runtime::Error::NoOverlay { .. })) => self.copies.store(true, Ordering::Relaxed),
                done => return done,
            }
        }
        step.on_copy()
    }

    fn engine(&self) -> Result<&Engine, RunError> {
        if let Privileges::Ordinary(why) = &self.privileges {
            return Err(runtime::Error::NoNamespace { why: why.clone() }.into());
        }
        if let Some(engine) = self.engine.get() {
            return Ok(engine);
        }
        let found = Engine::probe(self.wanted.as_deref(), &self.path)?;
        Ok(self.engine.get_or_init(|| found))
    }
}

/// Deletes the trees, and the cache mounts if they are meant too, that no build uses; returns how many bytes they had.
/// As an ordinary user it starts a process that enters the user's namespace, where their owners are.
pub fn prune(store: &Store, cache_mounts: bool) -> Result<u64, RunError> {
    let caches = if cache_mounts { runtime::sweep(&store.cache_mounts_folder()?)? } else { 0 };
    Ok(runtime::sweep(&store.trees_folder()?)? + caches)
}
