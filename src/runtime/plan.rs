//! What the process that mounts is told, through a pipe: secrets are in it, so it never is on the disk.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::{Network, Ulimit};

/// The file in the folder of a run to which the runtime writes its errors.
pub(super) const LOG: &str = "log";

/// A program and the root file system that it runs on.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Plan {
    /// The folder of this run. A file system in memory is mounted at `box` in it; `failure` and `log` are written.
    pub folder: PathBuf,
    /// The root file system.
    pub root: Layers,
    /// The program and its arguments.
    pub args: Vec<String>,
    /// `NAME=VALUE`.
    pub env: Vec<String>,
    /// The working directory.
    pub cwd: String,
    /// The user, as `USER` has it.
    pub user: String,
    /// What is mounted, in order.
    pub mounts: Vec<PlannedMount>,
    /// The network.
    pub network: Network,
    /// Limits.
    pub ulimits: Vec<Ulimit>,
    /// The runtime: its path.
    pub runtime: PathBuf,
    /// Whether it is crun, which can do without cgroups.
    pub is_crun: bool,
}

/// Directories that are mounted over each other.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Layers {
    /// The lower directories, the topmost first.
    pub lowers: Vec<PathBuf>,
    /// The upper directory and overlayfs's own; none if nothing may be written.
    pub upper: Option<(PathBuf, PathBuf)>,
    /// Whether `lowers` is one directory that is used as it is, because overlayfs cannot be mounted.
    pub is_plain: bool,
}

/// Something that is mounted in the root file system.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct PlannedMount {
    /// Where; an absolute path.
    pub target: String,
    /// What.
    pub what: Mounted,
    /// Whether nothing may be written there.
    pub read_only: bool,
}

/// What is mounted.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub enum Mounted {
    /// A file or folder.
    Path(PathBuf),
    /// A path in directories that are mounted over each other.
    Layers(Layers, PathBuf),
    /// A file system in memory, of so many bytes.
    Memory(Option<u64>),
    /// A file that is only in memory: its bytes, mode, owner and group.
    Bytes(Vec<u8>, u32, u32, u32),
    /// A folder in memory with one program of that name.
    Script(String, Vec<u8>),
}
