//! What is remembered of the steps of builds: the build cache. All of it may be lost: then steps are made again.
//!
//! ```text
//! ROOT/imgtool/build/steps/<key>    when a step was made, and its layer
//! ```
//!
//! The layers of remembered steps are kept as long as they are remembered, although no image may have them.

use std::collections::HashSet;
use std::fs;
use std::io::Write as _;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use serde::{Deserialize, Serialize};

use super::lease::entries;
use super::{Error, Store};
use crate::oci::{Created, Descriptor, DiffId, Digest};

/// The folder, below that of builds.
const STEPS: &str = "build/steps";

/// What a step made.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct MadeStep {
    /// When it was made.
    pub created: Created,
    /// Its layer; none if it made none.
    pub layer: Option<MadeLayer>,
}

/// A layer that a step made.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct MadeLayer {
    /// As a manifest describes it.
    pub descriptor: Descriptor,
    /// The digest of the uncompressed tar.
    pub diff_id: DiffId,
}

/// How much is remembered of builds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct BuildCacheUsage {
    /// How many layers of steps no image has, trees of `RUN` and cache mounts there are.
    pub records: u64,
    /// The disk space that they take, in bytes.
    pub bytes: u64,
}

/// The folders of `RUN`, each with folders of folders: the trees that it works on, and its cache mounts.
const FOLDERS: [&str; 2] = ["imgtool/trees", "imgtool/cache-mounts"];

/// A remembered step.
#[derive(Debug, Clone, PartialEq)]
pub struct RememberedStep {
    /// What identifies it.
    pub key: Digest,
    /// What it made.
    pub made: MadeStep,
    /// When it was used last.
    pub used: SystemTime,
}

impl Store {
    /// What a step made before, if its layer is still there; the layer is then held until the last clone of this store
    /// is dropped.
    pub fn made_step(&self, key: &Digest) -> Result<Option<MadeStep>, Error> {
        let Ok(text) = fs::read(self.step_path(key)) else { return Ok(None) };
        let Ok(made) = serde_json::from_slice::<MadeStep>(&text) else { return Ok(None) };
        let is_there = match &made.layer {
            Some(layer) => self.hold(&[layer.descriptor.digest])?,
            None => true,
        };
        Ok(Some(made).filter(|_| is_there))
    }

    /// Remembers what a step made; its layer must be in the store.
    pub fn remember_step(&self, key: &Digest, made: &MadeStep) {
        let Ok(folder) = self.private_folder(STEPS) else { return };
        // It is read whole or not at all.
        let Ok(mut file) = tempfile::NamedTempFile::new_in(folder) else { return };
        if serde_json::to_writer(&mut file, made).is_ok() && file.flush().is_ok() {
            let _ = file.persist(self.step_path(key));
        }
    }

    /// All remembered steps.
    pub fn remembered_steps(&self) -> Result<Vec<RememberedStep>, Error> {
        let mut steps = Vec::new();
        for path in entries(&self.root.join("imgtool").join(STEPS))? {
            let key = path.file_name().and_then(|name| name.to_str()).and_then(Digest::from_hex);
            let text = fs::read(&path).ok();
            let made = text.and_then(|text| serde_json::from_slice::<MadeStep>(&text).ok());
            let used = path.metadata().and_then(|metadata| metadata.modified()).ok();
            if let (Some(key), Some(made), Some(used)) = (key, made, used) {
                steps.push(RememberedStep { key, made, used });
            }
        }
        Ok(steps)
    }

    /// Forgets a step. Its layer goes with the next collection, unless an image has it.
    pub fn forget_step(&self, key: &Digest) {
        let _ = fs::remove_file(self.step_path(key));
    }

    /// What builds remember that no image has. Folders that this user may not read count as far as they can be read.
    pub fn build_cache_usage(&self) -> Result<BuildCacheUsage, Error> {
        let mut usage = BuildCacheUsage::default();
        let mut seen = HashSet::new();
        for entry in self.catalog()?.entries() {
            // What cannot be read has no layers that count.
            if let Ok(tree) = self.documents(entry) {
                tree.collect_digests(&mut seen);
            }
        }
        for layer in self.remembered_steps()?.into_iter().filter_map(|step| step.made.layer) {
            if seen.insert(layer.descriptor.digest)
                && let Some(size) = self.blob_size(&layer.descriptor.digest)
            {
                usage.records += 1;
                usage.bytes += size;
            }
        }
        for folder in FOLDERS {
            for kind in entries(&self.root.join(folder))? {
                for one in entries(&kind)? {
                    usage.records += 1;
                    usage.bytes += disk_space(&one);
                }
            }
        }
        Ok(usage)
    }

    /// Adds the layers of remembered steps.
    pub(super) fn add_remembered(&self, digests: &mut HashSet<Digest>) -> Result<(), Error> {
        let layers = self.remembered_steps()?.into_iter().filter_map(|step| step.made.layer);
        digests.extend(layers.map(|layer| layer.descriptor.digest));
        Ok(())
    }

    fn step_path(&self, key: &Digest) -> PathBuf {
        self.root.join("imgtool").join(STEPS).join(key.hex())
    }
}

/// The disk space below a path, in bytes.
fn disk_space(path: &Path) -> u64 {
    let found = walkdir::WalkDir::new(path).into_iter().flatten();
    found.filter_map(|entry| entry.metadata().ok()).map(|metadata| metadata.blocks() * 512).sum()
}
