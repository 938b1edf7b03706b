//! Why a build context cannot be used.

use std::io;
use std::path::PathBuf;

use crate::http;
use crate::layer::{OverlayError, ScanError};

/// Why a build context cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ContextError {
    /// There is no such folder or file, or it cannot be read.
    #[error("unable to prepare context: {path}", path = .path.display())]
    Open {
        /// Its path.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// A git repository.
    #[error(
        "unable to prepare context: {url} is a git repository, which is not supported: clone it, and build the folder"
    )]
    Git {
        /// Its URL.
        url: String,
    },
    /// There is no Dockerfile.
    #[error("unable to evaluate symlinks in Dockerfile path: {name}: no such file in {place}; name it with -f")]
    NoDockerfile {
        /// Its name.
        name: String,
        /// Where it was looked for.
        place: String,
    },
    /// The Dockerfile, or `.dockerignore`, is not a file.
    #[error("{name} is not a file, so it cannot be read as a Dockerfile or .dockerignore")]
    NotAFile {
        /// Its name.
        name: String,
    },
    /// The Dockerfile, or `.dockerignore`, is too long.
    #[error("{name} has more than {limit} bytes, which no Dockerfile needs")]
    TooLong {
        /// Its name.
        name: String,
        /// The limit.
        limit: u64,
    },
    /// The Dockerfile, or `.dockerignore`, cannot be read.
    #[error("{name}")]
    Read {
        /// Its name.
        name: String,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// The Dockerfile has nothing in it.
    #[error("the Dockerfile ({name}) cannot be empty")]
    Empty {
        /// Its name.
        name: String,
    },
    /// The patterns of `.dockerignore` cannot be read.
    #[error("{name}: {problem}")]
    Ignore {
        /// Its name.
        name: String,
        /// What is wrong.
        problem: String,
    },
    /// A tar that cannot be read.
    #[error("{place} cannot be read as a build context")]
    Tar {
        /// Where it came from.
        place: String,
        /// Why.
        #[source]
        source: ScanError,
    },
    /// A tar whose members contradict each other.
    #[error("{place} cannot be read as a build context")]
    Overlay {
        /// Where it came from.
        place: String,
        /// Why.
        #[source]
        source: OverlayError,
    },
    /// A URL could not be fetched.
    #[error("unable to download remote context {url}")]
    Fetch {
        /// The URL.
        url: String,
        /// Why.
        #[source]
        source: http::Error,
    },
    /// A temporary file cannot be written.
    #[error("temporary file in the store's folder imgtool/tmp")]
    Temporary(#[source] io::Error),
}
