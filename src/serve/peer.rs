//! The other end of a connection.

use std::net::SocketAddr;
use std::sync::Arc;

/// The other end of a connection.
#[derive(Debug, Clone)]
pub(super) struct Peer {
    /// Its address and port, or `unix`.
    pub(super) address: Arc<str>,
    /// Whether the connection is encrypted.
    pub(super) is_encrypted: bool,
}

impl Peer {
    pub(super) fn plain(address: SocketAddr) -> Self {
        Self { address: address.to_string().into(), is_encrypted: false }
    }

    pub(super) fn encrypted(address: SocketAddr) -> Self {
        Self { is_encrypted: true, ..Self::plain(address) }
    }

    pub(super) fn unix() -> Self {
        Self { address: "unix".into(), is_encrypted: false }
    }
}
