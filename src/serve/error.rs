//! Why a server cannot run.

use std::io;
use std::path::PathBuf;

use super::tls::TlsError;
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
    /// It would listen in the network without encryption.
    #[error(
        "passwords and images would cross the network unencrypted at {address}: use --tls-cert and --tls-key, or \
         --tls-self-signed NAME; --insecure does without"
    )]
    NotEncrypted {
        /// The address.
        address: String,
    },
    /// There is nothing to listen at.
    #[error("there is no address to listen at")]
    NoAddress,
    /// A file of users cannot be read.
    #[error("cannot read {}", path.display())]
    UsersFile {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// A file of users is not valid.
    #[error("{}: line {line}: {why}", path.display())]
    Users {
        /// The file.
        path: PathBuf,
        /// The line, from 1.
        line: usize,
        /// What is wrong with it.
        why: String,
    },
    /// A rule for users is not valid.
    #[error("{why}")]
    Rule {
        /// What is wrong with it.
        why: String,
    },
    /// The certificate or its key cannot be used.
    #[error(transparent)]
    Tls(#[from] TlsError),
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
