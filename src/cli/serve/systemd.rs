//! What systemd gives a service: sockets that it opened ([sd_listen_fds(3)]), and a socket at which it hears how the
//! service is ([sd_notify(3)]).
//!
//! [sd_listen_fds(3)]: https://www.freedesktop.org/software/systemd/man/latest/sd_listen_fds.html
//! [sd_notify(3)]: https://www.freedesktop.org/software/systemd/man/latest/sd_notify.html

use std::env;
use std::ffi::OsString;
use std::os::fd::{OwnedFd, RawFd};
use std::os::linux::net::SocketAddrExt as _;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::net::{SocketAddr, UnixDatagram};
use std::sync::Arc;

use rustix::process::{PidfdFlags, PidfdGetfdFlags, getpid, pidfd_getfd, pidfd_open};

use crate::cli::session::variable;

/// The first socket that is passed on; the others follow.
const FIRST: RawFd = 3;
/// How many sockets are taken at most.
const MAX_SOCKETS: i32 = 64;

/// What systemd gave.
#[derive(Debug, Clone, Default)]
pub(super) struct Systemd {
    /// Sockets that are listened at already.
    pub(super) sockets: Vec<Arc<OwnedFd>>,
    notify: Option<OsString>,
}

impl Systemd {
    /// What the environment says, if it is meant for this process.
    pub(super) fn from_environment() -> Result<Self, String> {
        let notify = env::var_os("NOTIFY_SOCKET").filter(|path| !path.is_empty());
        let is_ours = variable("LISTEN_PID").is_some_and(|pid| pid == getpid().as_raw_nonzero().to_string());
        let Some(count) = variable("LISTEN_FDS").filter(|_| is_ours) else {
            return Ok(Self { sockets: Vec::new(), notify });
        };
        let count: RawFd =
            count.parse().ok().filter(|count| (0..=MAX_SOCKETS).contains(count)).ok_or_else(|| {
                format!("invalid LISTEN_FDS {count:?}: expected a number of sockets up to {MAX_SOCKETS}")
            })?;
        let failed = |error| format!("the sockets that were passed on cannot be used: {error}");
        let own = pidfd_open(getpid(), PidfdFlags::empty()).map_err(failed)?;
        let sockets = (FIRST..FIRST + count)
            .map(|number| pidfd_getfd(&own, number, PidfdGetfdFlags::empty()).map(Arc::new).map_err(failed));
        Ok(Self { sockets: sockets.collect::<Result<_, _>>()?, notify })
    }

    /// The service can be used.
    pub(super) fn ready(&self) {
        self.tell("READY=1");
    }

    /// The service reads its files again.
    pub(super) fn reloading(&self) {
        self.tell("RELOADING=1");
    }

    /// The service ends.
    pub(super) fn stopping(&self) {
        self.tell("STOPPING=1");
    }

    fn tell(&self, state: &str) {
        let Some(path) = &self.notify else { return };
        let address = match path.as_bytes().strip_prefix(b"@") {
            Some(name) => SocketAddr::from_abstract_name(name),
            None => SocketAddr::from_pathname(path),
        };
        // Whoever does not listen does not want to know.
        let _ = address.and_then(|address| UnixDatagram::unbound()?.send_to_addr(state.as_bytes(), &address));
    }
}
