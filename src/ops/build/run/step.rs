//! One `RUN`, from the layers below to its own.

use std::collections::HashSet;
use std::fs;

use super::RunError;
use super::mounts::{Mounts, Sources};
use super::request::{OutputLine, RunLayer, RunRequest};
use super::scratch::Scratch;
use super::trees::{ALL, Stack, Trees};
use crate::cancel::Token;
use crate::layer::{EntryPath, Mtime};
use crate::rootfs::{
    Changes, LayerTar, Part, Root, ScanOptions, StandIns, UpperOptions, remove_stubs, scan, unpack_part, upper_changes,
};
use crate::runtime::{self, Ended, Engine, Layers, Plan, Wanted, has_id};
use crate::store::{Quarantine, Store};

/// A `RUN`, and what it needs.
pub(super) struct Step<'a> {
    pub(super) quarantine: &'a Quarantine,
    pub(super) request: &'a RunRequest<'a>,
    pub(super) output: &'a (dyn Fn(OutputLine<'_>) + Sync),
    pub(super) job: &'a Token,
    pub(super) wanted: Wanted<'a>,
    pub(super) engine: &'a Engine,
    pub(super) store: &'a Store,
}

impl Step<'_> {
    /// Runs it on the trees of the layers below, mounted over each other.
    pub(super) fn on_overlay(&self) -> Result<RunLayer, RunError> {
        let (request, job) = (self.request, self.job);
        let trees = Trees::open(self.store)?;
        let below = trees.stack(&request.below, job)?;
        let scratch = trees.scratch(job)?;
        let mounts = Mounts::of(request, &Sources { store: self.store, trees: &trees, scratch: &scratch, job })?;
        let (root, stubs) = prepare(request, &scratch, &below, &mounts, job)?;
        self.start(&scratch, root, &mounts)?;
        let upper = scratch.path.join("upper");
        let root = Root::open(&upper).map_err(RunError::io(&upper))?;
        let options = UpperOptions {
            view: &request.below.view,
            stubs: &stubs,
            has_owner: &|id| has_id("uid_map", id),
            has_group: &|id| has_id("gid_map", id),
        };
        let (changes, is_exact) = upper_changes(&root, &options)?;
        let layer = self.keep(&root, changes)?;
        if is_exact {
            let chain = [request.below.diff_ids, &[layer.layer.diff_id]].concat();
            trees.adopt(&upper, &below, &chain, job)?;
        }
        Ok(layer)
    }

    /// Runs it on a copy of the tree, where overlayfs cannot be mounted.
    pub(super) fn on_copy(&self) -> Result<RunLayer, RunError> {
        let (request, job) = (self.request, self.job);
        let (view, contents) = (&request.below.view, &request.below.contents);
        let trees = Trees::open(self.store)?;
        let scratch = trees.scratch(job)?;
        let mounts = Mounts::of(request, &Sources { store: self.store, trees: &trees, scratch: &scratch, job })?;
        let whole = Part::whole(view, &mounts.places);
        let path = scratch.path.join("tree");
        let unpacked = unpack_part(view, contents, &path, ALL, Some(&whole), job)?;
        let place = scratch.path.join("box");
        fs::create_dir(&place).map_err(RunError::io(&place))?;
        let root = Root::open(&path).map_err(RunError::io(&path))?;
        self.start(&scratch, Layers { lowers: vec![path], upper: None, is_plain: true }, &mounts)?;
        remove_stubs(&root, &whole)?;
        let options = ScanOptions {
            settled: unpacked.settled,
            user: None,
            exclude: None,
            stand_ins: &StandIns::Recorded,
            skip_unreadable: false,
            in_place: true,
        };
        let mut records = unpacked.records(view).map(Ok);
        let changes = scan(&root, &mut records, contents, &options, &mut |_| Ok(()))?;
        self.keep(&root, changes)
    }

    /// Runs the program to its end.
    fn start(&self, scratch: &Scratch, root: Layers, mounts: &Mounts) -> Result<(), RunError> {
        let request = self.request;
        let plan = Plan {
            folder: scratch.path.clone(),
            root,
            args: request.args.clone(),
            env: request.env.iter().chain(&mounts.env).cloned().collect(),
            cwd: request.cwd.clone(),
            user: request.user.clone(),
            mounts: mounts.planned.clone(),
            network: request.network,
            ulimits: request.ulimits.clone(),
            runtime: self.engine.path.clone(),
            is_crun: self.engine.is_crun,
        };
        let pass = |stream, bytes: &[u8]| (self.output)(OutputLine { stream, bytes });
        let command = || request.args.join(" ");
        match runtime::run(&plan, &pass, &|| self.job.check().and_then(|()| (self.wanted)()))? {
            Ended::Code(0) => Ok(()),
            Ended::Code(code) => Err(RunError::Exit { command: command(), code }),
            Ended::NotStarted(why) => Err(RunError::Start { command: command(), why }),
        }
    }

    /// Keeps the changes as a layer.
    fn keep(&self, root: &Root, changes: Changes) -> Result<RunLayer, RunError> {
        let Changes { mut changes, skipped } = changes;
        if let Some(latest) = self.request.latest {
            let latest = Mtime { seconds: latest, nanos: 0 };
            for node in changes.iter_mut().filter_map(|change| change.node.as_mut()) {
                node.mtime = node.mtime.min(latest);
            }
        }
        let now = self.request.latest.map_or(self.request.now, |latest| self.request.now.min(latest));
        let mut tar = LayerTar::new(root, &changes, Mtime { seconds: now, nanos: 0 });
        let kept = self.quarantine.keep_layer_once(&mut tar, "the layer of RUN", &|_| {});
        if let Some(error) = tar.take_error() {
            return Err(error.into());
        }
        Ok(RunLayer { layer: kept?, skipped })
    }
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
