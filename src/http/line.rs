//! Connections: TLS on them, and finding out that a server is too slow, or has left.

use std::cell::Cell;
use std::fmt;
use std::io::{self, Read, Write};
use std::sync::Arc;
use std::time::{Duration, Instant};

use rustls::pki_types::ServerName;
use rustls::{ClientConfig, ClientConnection, Stream};
use ureq::http::Uri;
use ureq::http::uri::Authority;
use ureq::unversioned::transport::{
    Buffers, ConnectionDetails, Connector, LazyBuffers, NextTimeout, Transport, TransportAdapter, time,
};

use super::forward::Forward;

/// The fewest bytes that a server sends while it is waited for as long as for a silent one. Slower is no honest link.
const LEAST: usize = 1024;

/// What broke a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(super) enum Broken {
    /// It was used before, and the server closed it instead of answering another request.
    #[error("the server closed the connection")]
    Stale,
    /// The server closed it, but not as TLS wants it: the end of what it sent may be missing.
    #[error("the server closed the connection")]
    Closed,
    #[error("the server reset the connection")]
    Reset,
    /// It sends on, but no content.
    #[error("the server sends what is no content")]
    Endless,
    #[error("the server sends less than {LEAST} bytes in {} seconds", .0.as_secs_f32())]
    Slow(Duration),
}

impl Broken {
    /// The cause of an error, if it is one of these.
    pub(super) fn of(error: &io::Error) -> Option<Self> {
        error.get_ref().and_then(|inner| inner.downcast_ref()).copied()
    }

    fn error(self) -> ureq::Error {
        // Of a kind that `ureq` does not take for an ordinary end of a body.
        ureq::Error::Io(io::Error::other(self))
    }
}

/// Measures how fast a server sends, in the time that is spent waiting for it.
#[derive(Debug)]
struct Pace {
    window: Duration,
    waited: Duration,
    got: usize,
}

impl Pace {
    fn new(window: Duration) -> Self {
        Self { window, waited: Duration::ZERO, got: 0 }
    }

    fn begin(&mut self) {
        (self.waited, self.got) = (Duration::ZERO, 0);
    }

    fn note(&mut self, waited: Duration, got: usize) -> Result<(), Broken> {
        self.waited += waited;
        self.got += got;
        if self.got >= LEAST {
            self.begin();
        }
        if self.waited > self.window { Err(Broken::Slow(self.window)) } else { Ok(()) }
    }
}

/// Makes a [`Line`] of a connection.
pub(super) struct LineConnector {
    pub(super) tls: Arc<ClientConfig>,
    /// For the proxy, which is not shown what is for servers.
    pub(super) proxy_tls: Arc<ClientConfig>,
    pub(super) proxy: Option<Uri>,
    /// Whether requests are sent to the proxy, in place of the servers.
    pub(super) forward: Option<Arc<Forward>>,
    pub(super) stall: Duration,
}

impl fmt::Debug for LineConnector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("LineConnector")
    }
}

impl<In: Transport> Connector<In> for LineConnector {
    type Out = Line;

    fn connect(&self, details: &ConnectionDetails, chained: Option<In>) -> Result<Option<Line>, ureq::Error> {
        let Some(transport) = chained else { return Ok(None) };
        let (transport, pace): (Box<dyn Transport>, _) = (Box::new(transport), Pace::new(self.stall));
        let forward = self.forward.as_ref();
        let way = if forward.map_or(details.needs_tls(), |forward| forward.is_secure()) {
            Way::Tls(Box::new(self.handshake(details, transport, pace).map_err(worded)?))
        } else {
            Way::Plain(transport, pace)
        };
        let authority = details.uri.authority().map_or("", Authority::as_str).to_owned();
        let forward = forward.map(|forward| (Arc::clone(forward), authority));
        Ok(Some(Line { way, forward, is_new: true, was_used: false, is_answered: false }))
    }
}

impl LineConnector {
    fn handshake(
        &self,
        details: &ConnectionDetails,
        transport: Box<dyn Transport>,
        pace: Pace,
    ) -> Result<Secure, ureq::Error> {
        let peer = self.forward.as_ref().map_or(details.uri, |forward| &forward.proxy);
        let host = peer.host().unwrap_or_default().trim_matches(['[', ']']).to_owned();
        let name = ServerName::try_from(host).map_err(io::Error::other)?;
        // The connection to a proxy is made before those through it, as if there were none.
        let is_proxy = self.forward.is_some() || self.proxy.as_ref() == Some(peer) && details.config.proxy().is_none();
        let tls = if is_proxy { &self.proxy_tls } else { &self.tls };
        let mut session = ClientConnection::new(Arc::clone(tls), name).map_err(io::Error::other)?;
        let mut socket = Socket { inner: TransportAdapter::new(transport, Arc::clone(&details.current_time)), pace };
        socket.inner.set_timeout(left(details));
        while session.is_handshaking() {
            session.complete_io(&mut socket)?;
        }
        let (input, output) = (details.config.input_buffer_size(), details.config.output_buffer_size());
        Ok(Secure { session, socket, buffers: LazyBuffers::new(input, output) })
    }
}

/// What is left of the time to connect.
fn left(details: &ConnectionDetails) -> NextTimeout {
    let mut timeout = details.timeout;
    if let (time::Duration::Exact(whole), time::Instant::Exact(started)) = (timeout.after, details.now) {
        timeout.after = whole.saturating_sub(started.elapsed()).into();
    }
    timeout
}

/// A connection to a server.
pub(super) struct Line {
    way: Way,
    /// The proxy that requests are sent to, and the server that they are for.
    forward: Option<(Arc<Forward>, String)>,
    /// Whether nothing was sent yet.
    is_new: bool,
    /// Whether it has brought an answer to an earlier request.
    was_used: bool,
    /// Whether something has come since the last request.
    is_answered: bool,
}

enum Way {
    Plain(Box<dyn Transport>, Pace),
    Tls(Box<Secure>),
}

struct Secure {
    session: ClientConnection,
    socket: Socket,
    buffers: LazyBuffers,
}

/// What TLS goes over.
struct Socket {
    inner: TransportAdapter,
    pace: Pace,
}

impl Read for Socket {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let started = Instant::now();
        let got = self.inner.read(buffer)?;
        self.pace.note(started.elapsed(), got).map_err(io::Error::other)?;
        Ok(got)
    }
}

impl Write for Socket {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.inner.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.inner.flush()
    }
}

impl Way {
    fn transmit(&mut self, amount: usize, timeout: NextTimeout) -> Result<(), ureq::Error> {
        match self {
            Self::Plain(inner, pace) => {
                pace.begin();
                inner.transmit_output(amount, timeout)
            }
            Self::Tls(secure) => {
                let Secure { session, socket, buffers } = &mut **secure;
                socket.pace.begin();
                socket.inner.set_timeout(timeout);
                let sent = Stream::new(session, socket).write_all(&buffers.output()[..amount]);
                sent.map_err(|error| last_words(session, socket).unwrap_or(error))?;
                Ok(())
            }
        }
    }

    /// Waits for more, and returns how much has come.
    fn receive(&mut self, timeout: NextTimeout) -> Result<usize, ureq::Error> {
        match self {
            Self::Plain(inner, pace) => {
                let (before, started) = (inner.buffers().input().len(), Instant::now());
                inner.await_input(timeout)?;
                let got = inner.buffers().input().len() - before;
                pace.note(started.elapsed(), got).map_err(Broken::error)?;
                Ok(got)
            }
            Self::Tls(secure) => {
                let Secure { session, socket, buffers } = &mut **secure;
                socket.inner.set_timeout(timeout);
                let got = Stream::new(session, socket).read(buffers.input_append_buf())?;
                buffers.input_appended(got);
                Ok(got)
            }
        }
    }
}

/// What a server said before it closed a connection: it refuses a client's certificate only after the handshake, when
/// we write already.
fn last_words(session: &mut ClientConnection, socket: &mut Socket) -> Option<io::Error> {
    let error = Stream::new(session, socket).read(&mut [0]).err()?;
    let alert: Option<&rustls::Error> = error.get_ref().and_then(|inner| inner.downcast_ref());
    alert.is_some().then_some(error)
}

impl Line {
    /// An error, unless the server left before it answered another request.
    fn broken(&self, error: ureq::Error) -> ureq::Error {
        match worded(error) {
            ureq::Error::Io(error)
                if matches!(Broken::of(&error), Some(Broken::Closed | Broken::Reset)) && self.is_left() =>
            {
                Broken::Stale.error()
            }
            error => error,
        }
    }

    /// Addresses a request, of which the first `amount` bytes are about to be sent, to the proxy that it is sent to.
    fn address(&mut self, amount: usize) -> Result<usize, ureq::Error> {
        let Some((forward, authority)) = &self.forward else { return Ok(amount) };
        let output = match &mut self.way {
            Way::Plain(inner, _) => inner.buffers().output(),
            Way::Tls(secure) => secure.buffers.output(),
        };
        let longer = forward.rewrite(output, amount, authority);
        longer.ok_or_else(|| ureq::Error::Io(io::Error::other("the header of the request is too long")))
    }

    fn is_left(&self) -> bool {
        self.was_used && !self.is_answered
    }
}

impl Transport for Line {
    fn buffers(&mut self) -> &mut dyn Buffers {
        match &mut self.way {
            Way::Plain(inner, _) => inner.buffers(),
            Way::Tls(secure) => &mut secure.buffers,
        }
    }

    fn transmit_output(&mut self, amount: usize, timeout: NextTimeout) -> Result<(), ureq::Error> {
        let is_begin = self.is_new || self.is_answered;
        self.was_used |= self.is_answered;
        (self.is_new, self.is_answered) = (false, false);
        let amount = if is_begin { self.address(amount)? } else { amount };
        self.way.transmit(amount, timeout).map_err(|error| self.broken(error))
    }

    fn await_input(&mut self, timeout: NextTimeout) -> Result<bool, ureq::Error> {
        let got = self.way.receive(timeout).map_err(|error| self.broken(error))?;
        if got == 0 && self.is_left() {
            return Err(Broken::Stale.error());
        }
        UNUSED.set(UNUSED.get().saturating_add(got));
        if UNUSED.get() > MOST_UNUSED {
            return Err(Broken::Endless.error());
        }
        self.is_answered |= got > 0;
        Ok(got > 0)
    }

    fn is_open(&mut self) -> bool {
        match &mut self.way {
            Way::Plain(inner, _) => inner.is_open(),
            Way::Tls(secure) => secure.socket.inner.get_mut().is_open(),
        }
    }

    fn is_tls(&self) -> bool {
        matches!(self.way, Way::Tls(_))
    }
}

impl fmt::Debug for Line {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Line")
    }
}

/// An error in the words of [`Broken`], where it is one.
fn worded(error: ureq::Error) -> ureq::Error {
    let ureq::Error::Io(inner) = &error else { return error };
    match inner.kind() {
        io::ErrorKind::UnexpectedEof => Broken::Closed.error(),
        io::ErrorKind::ConnectionReset | io::ErrorKind::ConnectionAborted | io::ErrorKind::BrokenPipe => {
            Broken::Reset.error()
        }
        _ => error,
    }
}

/// The most that is received while a caller waits for a byte of a body: more than one buffer full.
const MOST_UNUSED: usize = 4 << 20;

thread_local! {
    /// What was received since the caller asked for something. `ureq` reads on in vain as long as a server goes on
    /// sending what is no content, such as lines behind the last chunk of a body; it calls us on the caller's thread.
    static UNUSED: Cell<usize> = const { Cell::new(0) };
}

/// To be called before something is asked of `ureq` that may wait for a server.
pub(super) fn begin() {
    UNUSED.set(0);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slow_is_what_sends_less_than_a_kilobyte_in_the_window() {
        let second = Duration::from_secs(1);
        let mut pace = Pace::new(30 * second);
        let trickle = (1..=31).map(|_| pace.note(second, 1)).find(Result::is_err);
        assert_eq!(trickle, Some(Err(Broken::Slow(30 * second))));
        let mut pace = Pace::new(30 * second);
        assert!((0..1000).all(|_| pace.note(20 * second, LEAST).is_ok()), "a window ends with enough bytes");
        let mut pace = Pace::new(30 * second);
        assert!((0..1000).all(|_| pace.note(second, 64).is_ok()), "1024 bytes every 16 seconds");
    }
}
