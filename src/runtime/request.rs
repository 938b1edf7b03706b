//! How a program is run.

use serde::{Deserialize, Serialize};

/// The network that a program sees.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Network {
    /// That of this machine.
    #[default]
    Host,
    /// None but a loopback device.
    None,
}

/// A limit of `--ulimit`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ulimit {
    /// Its name in lower case, without `RLIMIT_`, as docker writes it: `nofile`.
    pub name: String,
    /// The soft limit.
    pub soft: u64,
    /// The hard limit.
    pub hard: u64,
}

/// What a program writes to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stream {
    /// Standard output.
    Out,
    /// Standard error.
    Error,
}
