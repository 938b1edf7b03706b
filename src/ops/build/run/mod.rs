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
mod trees;

use std::collections::HashSet;
use std::ffi::{OsStr, OsString};
use std::fs;
use std::path::Path;
use std::sync::OnceLock;

use crate::cancel::Token;
use crate::layer::{EntryPath, Mtime};
use crate::rootfs::{Changes, LayerTar, Part, Root, UpperOptions, unpack_part, upper_changes};
use crate::runtime::{self, Ended, Engine, Layers, Plan, has_id};
use crate::store::{Quarantine, Store};

pub use crate::runtime::Privileges;
pub use command::{RunCommand, command};
pub use error::RunError;
pub use request::{Below, BindSource, Network, OutputLine, RunLayer, RunMount, RunRequest, Stream, Ulimit};

use mounts::{Mounts, Sources};
use scratch::Scratch;
use trees::{ALL, Stack, Trees};

/// Runs the `RUN`s of a build.
#[derive(Debug)]
pub struct Runner {
    store: Store,
    privileges: Privileges,
    wanted: Option<String>,
    path: OsString,
    engine: OnceLock<Engine>,
}

impl Runner {
    /// For builds with this store. `wanted` is the name or path of the OCI runtime, if one was asked for; `path` is the
    /// variable PATH, where it is looked for. Nothing is tried before the first `RUN`.
    pub fn new(store: Store, privileges: Privileges, wanted: Option<String>, path: &OsStr) -> Self {
        Self { store, privileges, wanted, path: path.to_owned(), engine: OnceLock::new() }
    }

    /// Runs one; `output` gets the lines that the program writes, from several threads.
    pub fn run(
        &self,
        quarantine: &Quarantine,
        request: &RunRequest<'_>,
        output: &(dyn Fn(OutputLine<'_>) + Sync),
        job: &Token,
    ) -> Result<RunLayer, RunError> {
        let engine = self.engine()?;
        let trees = Trees::open(&self.store)?;
        let below = trees.stack(&request.below, job)?;
        let scratch = trees.scratch(job)?;
        let sources = Sources { store: &self.store, trees: &trees, scratch: &scratch, job };
        let mounts = Mounts::of(request, &sources)?;
        let (root, stubs) = prepare(request, &scratch, &below, &mounts, job)?;
        let plan = plan(request, &scratch, engine, root, &mounts);
        let pass = |stream, bytes: &[u8]| output(OutputLine { stream, bytes });
        match runtime::run(&plan, &pass, job)? {
            Ended::Code(0) => {}
            Ended::Code(code) => return Err(RunError::Exit { command: request.args.join(" "), code }),
            Ended::NotStarted(why) => return Err(RunError::Start { command: request.args.join(" "), why }),
        }
        drop(mounts);
        let upper = scratch.path.join("upper");
        let (layer, is_exact) = keep(quarantine, request, &upper, &stubs)?;
        if is_exact {
            let chain = [request.below.diff_ids, &[layer.layer.diff_id]].concat();
            trees.adopt(&upper, &below, &chain, job)?;
        }
        Ok(layer)
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

/// Deletes the trees and the cache mounts that no build uses; returns how many bytes they had.
pub fn prune(store: &Store, cache_mounts: bool) -> Result<u64, RunError> {
    let caches = if cache_mounts { caches::prune(&store.cache_mounts_folder()?) } else { 0 };
    Ok(trees::prune(&store.trees_folder()?) + caches)
}

/// The directories of the root file system, and those of them that are only places for mounts.
fn prepare(
    request: &RunRequest<'_>,
    scratch: &Scratch,
    below: &Stack,
    mounts: &Mounts,
    job: &Token,
) -> Result<(Layers, HashSet<EntryPath>), RunError> {
    let (view, contents) = (&request.below.view, &request.below.contents);
    let stubs = Part::stubs(view, &mounts.places);
    let mut lowers = below.lowers.clone();
    if !stubs.is_empty() || lowers.is_empty() {
        let path = scratch.path.join("places");
        unpack_part(view, contents, &path, ALL, Some(&stubs), job)?;
        lowers.insert(0, path);
    }
    // Its root has the metadata of the image's.
    let upper = scratch.path.join("upper");
    unpack_part(view, contents, &upper, ALL, Some(&Part::stubs(view, &[])), job)?;
    let work = scratch.path.join("work");
    for path in [&work, &scratch.path.join("box")] {
        fs::create_dir(path).map_err(RunError::io(path))?;
    }
    Ok((Layers { lowers, upper: Some((upper, work)), is_plain: false }, stubs.directories()))
}

fn plan(request: &RunRequest<'_>, scratch: &Scratch, engine: &Engine, root: Layers, mounts: &Mounts) -> Plan {
    Plan {
        folder: scratch.path.clone(),
        root,
        args: request.args.clone(),
        env: request.env.iter().chain(&mounts.env).cloned().collect(),
        cwd: request.cwd.clone(),
        user: request.user.clone(),
        mounts: mounts.planned.clone(),
        network: request.network,
        ulimits: request.ulimits.clone(),
        runtime: engine.path.clone(),
        is_crun: engine.is_crun,
    }
}

/// Keeps the changes as a layer; says also whether the upper directory is exactly that.
fn keep(
    quarantine: &Quarantine,
    request: &RunRequest<'_>,
    upper: &Path,
    stubs: &HashSet<EntryPath>,
) -> Result<(RunLayer, bool), RunError> {
    let root = Root::open(upper).map_err(RunError::io(upper))?;
    let options = UpperOptions {
        view: &request.below.view,
        stubs,
        has_owner: &|id| has_id("uid_map", id),
        has_group: &|id| has_id("gid_map", id),
    };
    let (Changes { mut changes, skipped }, is_exact) = upper_changes(&root, &options)?;
    if let Some(latest) = request.latest {
        let latest = Mtime { seconds: latest, nanos: 0 };
        for node in changes.iter_mut().filter_map(|change| change.node.as_mut()) {
            node.mtime = node.mtime.min(latest);
        }
    }
    let now = request.latest.map_or(request.now, |latest| request.now.min(latest));
    let mut tar = LayerTar::new(&root, &changes, Mtime { seconds: now, nanos: 0 });
    let kept = quarantine.keep_layer_once(&mut tar, "the layer of RUN", &|_| {});
    if let Some(error) = tar.take_error() {
        return Err(error.into());
    }
    Ok((RunLayer { layer: kept?, skipped }, is_exact))
}
