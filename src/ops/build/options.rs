//! What a build is asked for.

use std::collections::BTreeMap;
use std::path::PathBuf;

use super::files::Times;
use super::run::{Network, Ulimit};
use crate::oci::{Created, Platform, Reference};

/// What is used of earlier builds, and carried to others.
#[derive(Debug, Clone, Default)]
pub struct CacheOptions {
    /// Whether everything is made anew.
    pub is_off: bool,
    /// The names of stages that are made anew.
    pub off_for: Vec<String>,
    /// Images that carry what was built elsewhere, as they were typed.
    pub from: Vec<String>,
    /// Whether the image carries its own steps.
    pub inline: bool,
}

/// Options of a build.
#[derive(Debug, Clone)]
pub struct BuildOptions {
    /// The names of the image.
    pub names: Vec<Reference>,
    /// The stage that is built; the last one if none is said.
    pub target: Option<String>,
    /// The platform of images that stages start from, by default that of this machine.
    pub platform: Option<Platform>,
    /// `--build-arg`: values by their names.
    pub build_args: BTreeMap<String, String>,
    /// `--label`: labels on top of those of the Dockerfile.
    pub labels: Vec<(String, String)>,
    /// What is used of earlier builds, and carried to others.
    pub cache: CacheOptions,
    /// Whether the image is put into the store, under its names or none.
    pub keep: bool,
    /// Whether registries are asked for newer images of `FROM`.
    pub pull: bool,
    /// How many layers are pulled at a time, and how many stages are made.
    pub jobs: usize,
    /// The network of `RUN`.
    pub network: Network,
    /// `--add-host`: names and addresses.
    pub hosts: Vec<(String, String)>,
    /// `--ulimit`
    pub ulimits: Vec<Ulimit>,
    /// `--secret`: values by their names.
    pub secrets: BTreeMap<String, Vec<u8>>,
    /// `--ssh`: sockets of agents by their names.
    pub agents: BTreeMap<String, PathBuf>,
    /// When the image is made.
    pub created: Created,
    /// The times in its layers.
    pub times: Times,
}
