//! Why a `RUN` did not make a layer.

use std::io;
use std::path::{Path, PathBuf};

use crate::{ops, rootfs, runtime, store};

/// Why a `RUN` did not make a layer. The sentences about the program are docker's.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// The program ended with another exit code than 0; 128 and the signal's number if one killed it.
    #[error("process \"{command}\" did not complete successfully: exit code: {code}")]
    Exit {
        /// The program and its arguments.
        command: String,
        /// Its exit code.
        code: i32,
    },
    /// The program could not be started.
    #[error("process \"{command}\" did not complete successfully: {why}")]
    Start {
        /// The program and its arguments.
        command: String,
        /// Why.
        why: String,
    },
    /// A secret is not there.
    #[error("secret {id}: not found: give it with --secret id={id},src=FILE")]
    NoSecret {
        /// Its name.
        id: String,
    },
    /// There is no SSH agent of that name.
    #[error("ssh agent {id}: not found: start one, and give it with --ssh {id}")]
    NoAgent {
        /// Its name.
        id: String,
    },
    /// The source of a mount does not exist.
    #[error("--mount: \"{path}\" is not in {place}")]
    NoSource {
        /// The path.
        path: String,
        /// Where it was looked for.
        place: &'static str,
    },
    /// The place of a mount cannot be made.
    #[error("--mount: nothing can be mounted at {path}: {why}")]
    Target {
        /// The path.
        path: String,
        /// Why.
        why: String,
    },
    /// A program cannot be run here.
    #[error(transparent)]
    Runtime(#[from] runtime::Error),
    /// A tree cannot be written or read.
    #[error(transparent)]
    Tree(#[from] rootfs::Error),
    /// The store cannot be used.
    #[error(transparent)]
    Store(#[from] store::Error),
    /// The image cannot be read.
    #[error(transparent)]
    Image(#[from] ops::Error),
    /// A file or folder cannot be used.
    #[error("{path}")]
    Io {
        /// The path.
        path: PathBuf,
        /// The system's error.
        #[source]
        source: io::Error,
    },
}

impl RunError {
    /// An error about a path.
    pub(super) fn io(path: &Path) -> impl FnOnce(io::Error) -> Self + use<> {
        let path = path.to_owned();
        move |source| Self::Io { path, source }
    }
}
