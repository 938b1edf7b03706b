//! What a `RUN` is asked to do, and what comes of it.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use crate::dockerfile::MountSpec;
use crate::image::contents::LayerStack;
use crate::layer::Overlay;
use crate::oci::DiffId;
use crate::ops::Error;
use crate::rootfs::Skipped;
use crate::store::VerifiedLayer;

pub use crate::runtime::{Network, Stream, Ulimit};

/// The layers that a step starts from.
#[derive(Clone)]
pub struct Below<'a> {
    /// Their diff IDs, bottom first.
    pub diff_ids: &'a [DiffId],
    /// How many of them belong to the image of the stage's `FROM`: they are unpacked once, together.
    pub base: usize,
    /// All of them merged.
    pub view: Arc<Overlay>,
    /// Their contents.
    pub contents: Arc<LayerStack>,
    /// The merged view of only so many of them, counted from the bottom.
    pub view_of: &'a (dyn Fn(usize) -> Result<Arc<Overlay>, Error> + Sync),
}

/// Where the files of a bind mount, or of a new cache, come from.
#[derive(Clone)]
pub enum BindSource<'a> {
    /// A stage or an image.
    Layers(Below<'a>),
    /// A folder that has all that may be seen: the selected files of the context.
    Folder(PathBuf),
}

/// A mount, and where its files come from if it has a source: the context, a stage or an image.
#[derive(Clone)]
pub struct RunMount<'a> {
    /// What was typed.
    pub spec: MountSpec,
    /// The source of a bind mount, and of a cache with `from`.
    pub source: Option<BindSource<'a>>,
}

/// A `RUN` whose words and variables are expanded.
#[derive(Clone)]
pub struct RunRequest<'a> {
    /// The layers below.
    pub below: Below<'a>,
    /// The program and its arguments; see [`command`](super::command) for the shell form and heredocs.
    pub args: Vec<String>,
    /// A script that stands in the Dockerfile: its name below `/dev/pipes`, and its text.
    pub script: Option<(String, String)>,
    /// `NAME=VALUE`, those of the image's config and the ARGs in scope. PATH and HOME are added if they are missing.
    pub env: Vec<String>,
    /// The working directory; empty means `/`.
    pub cwd: String,
    /// The user as `USER` has it; empty means root.
    pub user: String,
    /// The mounts, in order.
    pub mounts: Vec<RunMount<'a>>,
    /// The network.
    pub network: Network,
    /// `--add-host`: names and addresses.
    pub hosts: Vec<(String, String)>,
    /// `--ulimit`.
    pub ulimits: Vec<Ulimit>,
    /// `--secret`: values by their names.
    pub secrets: &'a BTreeMap<String, Vec<u8>>,
    /// `--ssh`: sockets of agents by their names.
    pub agents: &'a BTreeMap<String, PathBuf>,
    /// The time of deletions in the layer, in seconds since 1970.
    pub now: i64,
    /// No time in the layer is later than this.
    pub latest: Option<i64>,
}

/// A line that the program wrote, without its end; longer ones come in pieces.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OutputLine<'a> {
    /// Where it was written.
    pub stream: Stream,
    /// Its bytes, as they came.
    pub bytes: &'a [u8],
}

/// What a `RUN` made.
#[derive(Debug)]
pub struct RunLayer {
    /// Its layer, in the quarantine; without entries if it changed nothing.
    pub layer: VerifiedLayer,
    /// What cannot be in a layer.
    pub skipped: Skipped,
}
