//! Running a program in a root file system, through an OCI runtime.
//!
//! ```text
//! imgtool ─▶ imgtool (new pid and mount namespaces) ─▶ imgtool (pid 1: mounts, config.json) ─▶ crun | runc | youki
//! ```
//!
//! - Each process asks the kernel to be killed when the one before it ends, and with pid 1 everything below ends: no
//!   container outlives imgtool, however imgtool ends.
//! - All mounts are made in the private mount namespace, and vanish with it.
//! - As an ordinary user, all this happens in a user namespace, which [`Namespaces`] entered when the program started.

use std::ffi::OsString;
use std::process::ExitCode;

mod error;
mod namespaces;
mod request;

pub use error::Error;
pub use namespaces::{Namespaces, Privileges};
pub use request::{Network, Stream, Ulimit};

/// What imgtool does when it was started by itself for a job that needs a process of its own; none if it was not. `words`
/// are those after the program's name.
pub fn called(words: &[OsString]) -> Option<ExitCode> {
    let (job, words) = words.split_first()?;
    let words: Vec<String> = words.iter().map(|word| word.to_string_lossy().into_owned()).collect();
    let is_done = match job.to_str()? {
        namespaces::MAP => namespaces::map(&words),
        _ => return None,
    };
    Some(if is_done { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
