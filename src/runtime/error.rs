//! Why a program cannot be run.

use std::io;
use std::path::PathBuf;

/// Why a program cannot be run.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// There is no runtime.
    #[error(
        "RUN needs an OCI runtime, and none of crun, runc and youki is on PATH: install one, or name it with --runtime"
    )]
    NoRuntime,
    /// The runtime that was asked for is not there, or does not work.
    #[error("the runtime {name} cannot be used: {why}")]
    BadRuntime {
        /// Its name.
        name: String,
        /// Why.
        why: String,
    },
    /// User namespaces are not allowed.
    #[error(
        "RUN as an ordinary user needs a user namespace, and this system refuses it ({why}): build as root, or allow \
         user namespaces (sysctl user.max_user_namespaces, kernel.apparmor_restrict_unprivileged_userns)"
    )]
    NoNamespace {
        /// Why.
        why: String,
    },
    /// The user or group of a step is not in the image.
    #[error("unable to find {what} {name}: no matching entries in {file} file")]
    NoSuchUser {
        /// `user` or `group`.
        what: String,
        /// Its name.
        name: String,
        /// The file in which it was looked for.
        file: String,
    },
    /// The user of a step has no counterpart outside.
    #[error(
        "the user {uid}:{gid} cannot be had here: this user's namespace has only some IDs; add a range for it to \
         /etc/subuid and /etc/subgid"
    )]
    Unmapped {
        /// The user.
        uid: u32,
        /// The group.
        gid: u32,
    },
    /// The process that mounts failed.
    #[error("{step}: {why}")]
    Mount {
        /// What it did.
        step: String,
        /// Why it failed.
        why: String,
    },
    /// The root file system cannot be mounted.
    #[error("overlayfs cannot be mounted: {why}")]
    NoOverlay {
        /// Why.
        why: String,
    },
    /// A file cannot be read or written.
    #[error("{path}")]
    Io {
        /// The path.
        path: PathBuf,
        /// The system's error.
        #[source]
        source: io::Error,
    },
}

impl Error {
    /// An error about a path.
    pub(super) fn io(path: &std::path::Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_owned();
        move |source| Self::Io { path, source }
    }
}
