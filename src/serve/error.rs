//! Why a server cannot run.

use std::io;

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
    /// The store cannot be read.
    #[error(transparent)]
    Store(#[from] store::Error),
}
