//! Writes a merged view to disk: the only place where files of an image are created.
//!
//! ```text
//! target 0700 ─▶ directories 0700 ─▶ files, links, devices ─▶ hard links ─▶ directories' own metadata ─▶ target
//!                 from the top        several threads; compressed                from the bottom
//!                                     layers each as one stream
//! ```
//!
//! Only its owner can enter the target until it is finished; on failure it is deleted. Everything in it is created new,
//! relative to descriptors; no symbolic link is followed.

mod content;
mod make;
mod options;
mod report;
mod target;
#[cfg(test)]
mod tests;
mod unpacker;
mod work;

use std::os::fd::BorrowedFd;
use std::path::Path;
use std::time::Duration;

pub use options::UnpackOptions;
pub use report::{Lacking, Unpacked, expected};
pub use target::remove_tree;

use self::make::MadePath;
use self::unpacker::Unpacker;
use super::beneath::Parents;
use super::{Error, FreshStat, Part};
use crate::cancel::{Token, Undo};
use crate::image::contents::LayerStack;
use crate::image::{Progress, Silent};
use crate::layer::Mtime;
use crate::layer::overlay::{Overlay, ViewNode};

/// Writes a merged view to `target`, which must not exist or be an empty directory.
pub fn unpack(
    overlay: &Overlay,
    layers: &LayerStack,
    target: &Path,
    options: UnpackOptions,
    progress: &dyn Progress,
    job: &Token,
) -> Result<Unpacked, Error> {
    check_owners(overlay)?;
    let ended = |source| Error::Root { path: target.to_owned(), source };
    let _undo = Undo::begin(job).map_err(ended)?;
    let claimed = target::claim(target)?;
    let unpacked = Unpacker { overlay, layers, options, progress, job, root: &claimed.root, part: None }.run();
    let unpacked = unpacked.and_then(|unpacked| job.finish().map(|()| unpacked).map_err(ended));
    if unpacked.is_err() {
        claimed.clear();
    }
    unpacked
}

/// Writes a part of a merged view, with its whiteouts and its places for mounts, to `target`, which must not exist. The
/// job goes on afterwards: the caller deletes the target if it is cancelled.
pub fn unpack_part(
    overlay: &Overlay,
    layers: &LayerStack,
    target: &Path,
    options: UnpackOptions,
    part: Option<&Part>,
    job: &Token,
) -> Result<Unpacked, Error> {
    check_owners(overlay)?;
    let claimed = target::claim(target)?;
    let unpacker = Unpacker { overlay, layers, options, progress: &Silent, job, root: &claimed.root, part };
    let written = unpacker.run();
    if written.is_err() {
        claimed.clear();
    }
    written
}

/// To `chown` this number means "unchanged": the file would belong to the user who unpacks.
const NOBODY_AT_ALL: u64 = u32::MAX as u64;

fn check_owners(overlay: &Overlay) -> Result<(), Error> {
    for node in std::iter::once(overlay.root()).chain(overlay) {
        for (field, value) in [("uid", node.uid()), ("gid", node.gid())] {
            if value >= NOBODY_AT_ALL {
                return Err(Error::Owner { path: node.path(), field, value });
            }
        }
    }
    Ok(())
}

impl Unpacker<'_> {
    fn run(&self) -> Result<Unpacked, Error> {
        let mut found: Vec<Option<MadePath>> = vec![None; self.overlay.len() + 1];
        self.directories()?;
        self.additions()?;
        work::leaves(self, &mut found)?;
        self.links(&mut found)?;
        self.finish_directories(&mut found)?;
        let settled = self.settle(&mut found)?;
        Ok(Unpacked::new(self.overlay, found, settled))
    }

    fn directories(&self) -> Result<(), Error> {
        let mut parents = Parents::new(self.root);
        for node in self.nodes().filter(ViewNode::is_directory) {
            let path = node.path_bytes();
            self.job.check().map_err(Error::at(&path))?;
            let (parent, name) = parents.of(&path).map_err(Error::at(&path))?;
            make::directory(parent, name).map_err(Error::at(&path))?;
        }
        Ok(())
    }

    /// Creates whiteouts, and places for mounts.
    fn additions(&self) -> Result<(), Error> {
        let Some(part) = self.part else { return Ok(()) };
        let mut parents = Parents::new(self.root);
        for (path, is_directory) in &part.stubs {
            let (parent, name) = parents.of(path.as_bytes()).map_err(Error::at(path.as_bytes()))?;
            make::stub(parent, name, *is_directory).map_err(Error::at(path.as_bytes()))?;
        }
        for path in &part.whiteouts {
            let (parent, name) = parents.of(path.as_bytes()).map_err(Error::at(path.as_bytes()))?;
            make::whiteout(parent, name).map_err(Error::at(path.as_bytes()))?;
        }
        Ok(())
    }

    /// Creates all names of files but the first, then stats the files again: a new hard link changes the ctime.
    fn links(&self, found: &mut [Option<MadePath>]) -> Result<(), Error> {
        let (mut parents, mut targets) = (Parents::new(self.root), Parents::new(self.root));
        let linked = || self.nodes().filter(|node| node.link_group().is_some());
        for node in linked().filter(ViewNode::is_further_name) {
            let (path, target) = (node.path_bytes(), node.first_name().path_bytes());
            self.job.check().map_err(Error::at(&path))?;
            let (parent, name) = parents.of(&path).map_err(Error::at(&path))?;
            let (target_parent, target_name) = targets.of(&target).map_err(Error::at(&path))?;
            make::link(target_parent, target_name, parent, name).map_err(Error::at(&path))?;
        }
        for node in linked() {
            let path = node.path_bytes();
            let (parent, name) = parents.of(&path).map_err(Error::at(&path))?;
            let stat = FreshStat::at(parent, name).map_err(Error::at(&path))?.stat;
            let first = found[node.first_name().id()].clone();
            found[node.id()] = first.map(|first| MadePath { stat, ..first });
        }
        Ok(())
    }

    /// Sets the metadata of directories, bottom-up: they are complete, and everything below a directory that nobody may
    /// enter is finished before it.
    fn finish_directories(&self, found: &mut [Option<MadePath>]) -> Result<(), Error> {
        let mut parents = Parents::new(self.root);
        let mut directories: Vec<ViewNode<'_>> = self.nodes().filter(ViewNode::is_directory).collect();
        directories.reverse();
        for node in directories {
            let path = node.path_bytes();
            self.job.check().map_err(Error::at(&path))?;
            let (parent, name) = parents.of(&path).map_err(Error::at(&path))?;
            let finished = self.maker().finish_directory(parent, name, node);
            found[node.id()] = Some(finished.map_err(Error::at(&path))?);
        }
        Ok(())
    }

    /// Opens the target to others. The time of that is the snapshot's: it waits until it is later than that of
    /// everything in the tree, so that nothing is suspect as too recent.
    fn settle(&self, found: &mut [Option<MadePath>]) -> Result<Mtime, Error> {
        let youngest = found.iter().flatten().map(|found| found.stat.ctime).max().unwrap_or_default();
        let directory: BorrowedFd<'_> = self.root.fd();
        for wait in TICKS {
            std::thread::sleep(Duration::from_millis(wait));
            let root = self.maker().finish_directory(directory, b".", self.overlay.root()).map_err(Error::at(b""))?;
            let settled = root.stat.ctime;
            found[0] = Some(root);
            if settled > youngest {
                return Ok(settled);
            }
        }
        // The clock runs backwards or stands still: everything is suspect and will be compared.
        Ok(Mtime { seconds: i64::MIN, nanos: 0 })
    }
}

/// The successive waits in milliseconds: file system clocks tick every few milliseconds, old ones every one or two
/// seconds.
const TICKS: [u64; 8] = [0, 1, 2, 4, 8, 100, 1000, 1000];
