//! How the process that mounts says why it failed: in a file of the run's folder.

use std::fs;
use std::path::Path;

use serde::{Deserialize, Serialize};

use super::Error;

const FILE: &str = "failure";

/// Why the process that mounts failed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Failure {
    /// A step failed.
    Step { step: String, why: String },
    /// The root file system cannot be mounted with overlayfs.
    Overlay { why: String },
    /// There is no such user or group.
    User { what: String, name: String, file: String },
    /// The user is not in the user namespace.
    Unmapped { uid: u32, gid: u32 },
}

impl Failure {
    /// A step that the system refused.
    pub(super) fn of<E: std::fmt::Display>(step: &str) -> impl FnOnce(E) -> Self + use<'_, E> {
        move |error| Self::Step { step: step.to_owned(), why: error.to_string() }
    }

    pub(super) fn write(&self, folder: &Path) {
        let text = serde_json::to_vec(self).expect("a value is JSON");
        // If even this fails, the exit code says that something went wrong.
        let _ = fs::write(folder.join(FILE), text);
    }

    /// What was written, if anything was.
    pub(super) fn read(folder: &Path) -> Option<Self> {
        serde_json::from_slice(&fs::read(folder.join(FILE)).ok()?).ok()
    }
}

impl From<Failure> for Error {
    fn from(failure: Failure) -> Self {
        match failure {
            Failure::Step { step, why } => Self::Mount { step, why },
            Failure::Overlay { why } => Self::NoOverlay { why },
            Failure::User { what, name, file } => Self::NoSuchUser { what, name, file },
            Failure::Unmapped { uid, gid } => Self::Unmapped { uid, gid },
        }
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        match error {
            Error::NoSuchUser { what, name, file } => Self::User { what, name, file },
            other => Self::Step { step: "looking up the user".to_owned(), why: other.to_string() },
        }
    }
}
