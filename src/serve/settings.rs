//! How a server is set up.

use std::net::SocketAddr;
use std::path::PathBuf;

use super::log::Log;
use super::notify::Webhook;

/// Where a server listens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Address {
    /// An IP address and a port; port 0 is one that is free.
    Tcp(SocketAddr),
    /// The path of a Unix socket.
    Unix(PathBuf),
}

/// How a server is set up.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Where it listens.
    pub addresses: Vec<Address>,
    /// Nothing can be pushed or deleted.
    pub read_only: bool,
    /// Nothing can be deleted.
    pub no_delete: bool,
    /// Where it says what it has to say.
    pub log: Log,
    /// Who is told what happens.
    pub notify: Vec<Webhook>,
}
