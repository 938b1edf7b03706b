//! Sockets that a server listens at.

use std::fmt;
use std::fs::Permissions;
use std::io;
use std::net::SocketAddr;
use std::os::fd::OwnedFd;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use tokio::net::{TcpListener, TcpStream, UnixListener, UnixStream};

use super::error::ServeError;
use super::settings::Address;

/// The permissions of a Unix socket.
const SOCKET_MODE: u32 = 0o660;

/// A socket that is listened at.
#[derive(Debug)]
pub(super) enum Listener {
    Tcp(TcpListener),
    Unix(UnixListener, PathBuf),
    /// A Unix socket whose file is somebody else's.
    Adopted(UnixListener, PathBuf),
}

/// A connection from a client.
pub(super) enum Stream {
    Tcp(TcpStream, SocketAddr),
    Unix(UnixStream),
}

impl Listener {
    /// Listens there.
    pub(super) async fn bind(address: &Address) -> Result<Self, ServeError> {
        let failed = |source| ServeError::Listen { address: address.to_string(), source };
        match address {
            Address::Tcp(address) => TcpListener::bind(address).await.map(Self::Tcp).map_err(failed),
            Address::Unix(path) => {
                remove_stale(path).map_err(failed)?;
                let listener = UnixListener::bind(path).map_err(failed)?;
                // Whoever may write to it may do what the server lets them: its owner and group.
                std::fs::set_permissions(path, Permissions::from_mode(SOCKET_MODE)).map_err(failed)?;
                Ok(Self::Unix(listener, path.clone()))
            }
        }
    }

    /// Listens at a socket that somebody else opened.
    pub(super) fn adopt(socket: &OwnedFd) -> Result<Self, ServeError> {
        let failed = |source| ServeError::Listen { address: "the socket that was passed on".to_owned(), source };
        let listener = std::net::TcpListener::from(socket.try_clone().map_err(failed)?);
        listener.set_nonblocking(true).map_err(failed)?;
        if listener.local_addr().is_ok() {
            return TcpListener::from_std(listener).map(Self::Tcp).map_err(failed);
        }
        let listener = std::os::unix::net::UnixListener::from(OwnedFd::from(listener));
        let path = listener.local_addr().map_err(failed)?.as_pathname().map(Path::to_owned).unwrap_or_default();
        UnixListener::from_std(listener).map(|listener| Self::Adopted(listener, path)).map_err(failed)
    }

    /// Where it listens, with the port that the system chose.
    pub(super) fn address(&self) -> Address {
        match self {
            Self::Tcp(listener) => {
                Address::Tcp(listener.local_addr().unwrap_or_else(|_| SocketAddr::from(([0, 0, 0, 0], 0))))
            }
            Self::Unix(_, path) | Self::Adopted(_, path) => Address::Unix(path.clone()),
        }
    }

    /// The next connection.
    pub(super) async fn accept(&self) -> io::Result<Stream> {
        match self {
            Self::Tcp(listener) => {
                let (stream, peer) = listener.accept().await?;
                // Answers are small, or as large as a segment: waiting for more bytes would only cost time.
                stream.set_nodelay(true)?;
                Ok(Stream::Tcp(stream, peer))
            }
            Self::Unix(listener, _) | Self::Adopted(listener, _) => Ok(Stream::Unix(listener.accept().await?.0)),
        }
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        if let Self::Unix(_, path) = self {
            let _ = std::fs::remove_file(path);
        }
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tcp(address) => address.fmt(f),
            Self::Unix(path) => write!(f, "unix:{}", path.display()),
        }
    }
}

/// Removes the socket of a server that was killed: one at which nobody listens.
fn remove_stale(path: &Path) -> io::Result<()> {
    match std::os::unix::net::UnixStream::connect(path) {
        Err(error) if error.kind() == io::ErrorKind::ConnectionRefused => std::fs::remove_file(path),
        _ => Ok(()),
    }
}
