//! Why a server cannot run.

use std::io;
use std::path::PathBuf;

use crate::store;

/// Why a server cannot run.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// It cannot listen there.
    #[error("cannot listen on {address}")]
    Listen {
        /// The address or path.
        address: String,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// The system gives no threads, or no other resource that a server needs.
    #[error("cannot start the server")]
    Start(#[source] io::Error),
    /// The events for an endpoint cannot be kept.
    #[error("{folder}", folder = folder.display())]
    Events {
        /// Where they are.
        folder: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// The store cannot be read.
    #[error(transparent)]
    Store(#[from] store::Error),
}
