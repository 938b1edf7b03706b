//! What a `COPY` or an `ADD` asks for, after variables were substituted.

use crate::http::Client;
use crate::image::contents::LayerStack;
use crate::layer::{Limits, Mtime, Overlay};
use crate::oci::DiffId;
use crate::ops::build::context::BuildContext;

/// Where a `COPY` takes files from.
#[derive(Clone, Copy)]
pub enum Origin<'a> {
    /// The build context.
    Context(&'a BuildContext),
    /// A stage, or an image.
    Image(Layers<'a>),
}

/// The layers of a stage or of an image: what is in them, and where the contents are.
#[derive(Clone, Copy)]
pub struct Layers<'a> {
    /// The merged view.
    pub view: &'a Overlay,
    /// The contents.
    pub contents: &'a LayerStack,
    /// The diff IDs, bottom first: contents are remembered by them.
    pub diff_ids: &'a [DiffId],
}

/// A `COPY` or an `ADD`, with all variables substituted.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct CopyRequest {
    /// Whether it is `ADD`: archives are unpacked, URLs are fetched.
    pub is_add: bool,
    /// The sources, in order.
    pub sources: Vec<String>,
    /// Names and contents of the files that the Dockerfile itself contains.
    pub heredocs: Vec<(String, Vec<u8>)>,
    /// The destination as it was typed: a final `/` says that it is a directory.
    pub destination: String,
    /// The working directory, from which a relative destination starts.
    pub workdir: String,
    /// `--chown`
    pub chown: Option<String>,
    /// `--chmod`
    pub chmod: Option<String>,
    /// `--link`: the layer is the same whatever is below it, so links there are not followed.
    pub link: bool,
    /// `--parents`
    pub parents: bool,
    /// `--exclude`, each of them.
    pub excludes: Vec<String>,
    /// `--checksum`
    pub checksum: Option<String>,
    /// `--unpack`; none if it was not said: archives of the context are unpacked, those of URLs are not.
    pub unpack: Option<bool>,
}

/// What else is needed to make a layer.
#[derive(Clone, Copy)]
pub struct Tools<'a> {
    /// Fetches URLs; none where there is no network.
    pub client: Option<&'a Client>,
    /// The limits for archives.
    pub limits: &'a Limits,
    /// The times of what is made.
    pub times: Times,
}

/// The times in a layer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Times {
    /// The time of directories and files that the build itself makes.
    pub now: Mtime,
    /// No time in the layer is later than this many seconds after 1970.
    pub latest: Option<i64>,
}

impl Times {
    /// A time as it may be in the layer.
    pub fn clamp(&self, time: Mtime) -> Mtime {
        match self.latest {
            Some(latest) => time.min(Mtime { seconds: latest, nanos: 0 }),
            None => time,
        }
    }

    /// The time of what the build makes, as it may be in the layer.
    pub fn made(&self) -> Mtime {
        self.clamp(self.now)
    }
}
