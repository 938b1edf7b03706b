//! A proxy between a client and a server that cuts, stalls, delays and counts.

use std::io::{Read as _, Write as _};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

/// What happens to connections, each for itself.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Trouble {
    /// The connection ends when the server has sent so many bytes.
    pub(crate) cut: Option<u64>,
    /// The first connection of which the client has sent so many bytes ends, and no other.
    pub(crate) cut_up: Option<u64>,
    /// Nothing comes any more when the server has sent so many bytes, and the connection stays.
    pub(crate) stall: Option<u64>,
    /// Each piece waits so long before it is passed on.
    pub(crate) delay: Duration,
}

/// A listener on the loopback in front of a server.
pub(crate) struct Chaos {
    address: SocketAddr,
    shared: Arc<Shared>,
}

struct Shared {
    trouble: Mutex<Trouble>,
    /// Bytes that were passed on to the server, and to the client.
    up: AtomicU64,
    down: AtomicU64,
    connections: AtomicUsize,
    /// How often a connection was to end for what the client had sent.
    cuts: AtomicUsize,
    closing: AtomicBool,
}

/// How much is passed on at once.
const PIECE: usize = 16 << 10;

impl Chaos {
    /// Stands in front of a server; no trouble yet.
    pub(crate) fn before(server: SocketAddr) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let address = listener.local_addr().expect("an address");
        let shared = Arc::new(Shared {
            trouble: Mutex::default(),
            up: AtomicU64::new(0),
            down: AtomicU64::new(0),
            connections: AtomicUsize::new(0),
            cuts: AtomicUsize::new(0),
            closing: AtomicBool::new(false),
        });
        let all = Arc::clone(&shared);
        thread::spawn(move || {
            for client in listener.incoming().map_while(Result::ok) {
                if all.closing.load(Ordering::Relaxed) {
                    return;
                }
                all.connections.fetch_add(1, Ordering::Relaxed);
                // A server that is gone refuses; so does this one.
                if let Ok(server) = TcpStream::connect(server) {
                    all.join(client, server);
                }
            }
        });
        Self { address, shared }
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// What happens to connections from now on, also to those that are open.
    pub(crate) fn make(&self, trouble: Trouble) {
        *self.shared.trouble() = trouble;
    }

    /// How many bytes came to the client.
    pub(crate) fn down(&self) -> u64 {
        self.shared.down.load(Ordering::Relaxed)
    }

    /// How many bytes the client sent.
    pub(crate) fn up(&self) -> u64 {
        self.shared.up.load(Ordering::Relaxed)
    }

    /// Whether a connection was cut for what the client had sent.
    pub(crate) fn has_cut(&self) -> bool {
        self.shared.cuts.load(Ordering::Relaxed) > 0
    }

    pub(crate) fn connections(&self) -> usize {
        self.shared.connections.load(Ordering::Relaxed)
    }
}

impl Drop for Chaos {
    fn drop(&mut self) {
        self.shared.closing.store(true, Ordering::Relaxed);
        // It waits for a connection; this one ends it.
        let _woken = TcpStream::connect(self.address);
    }
}

impl Shared {
    fn trouble(&self) -> MutexGuard<'_, Trouble> {
        self.trouble.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn join(self: &Arc<Self>, client: TcpStream, server: TcpStream) {
        let twice = |stream: &TcpStream| stream.try_clone().expect("a file descriptor");
        for stream in [&client, &server] {
            stream.set_nodelay(true).expect("a connection");
        }
        let (from, to, all) = (twice(&client), twice(&server), Arc::clone(self));
        thread::spawn(move || all.pass_up(from, to));
        let all = Arc::clone(self);
        thread::spawn(move || all.pass_down(server, client));
    }

    fn pass_up(&self, mut from: TcpStream, mut to: TcpStream) {
        let mut piece = [0; PIECE];
        let mut passed = 0;
        while let Ok(count @ 1..) = from.read(&mut piece) {
            passed += count as u64;
            let is_due = self.trouble().cut_up.is_some_and(|most| passed > most);
            if is_due && self.cuts.fetch_add(1, Ordering::Relaxed) == 0 {
                for stream in [&from, &to] {
                    let _gone = stream.shutdown(Shutdown::Both);
                }
                return;
            }
            if to.write_all(&piece[..count]).is_err() {
                break;
            }
            self.up.fetch_add(count as u64, Ordering::Relaxed);
        }
        let _gone = to.shutdown(Shutdown::Write);
    }

    fn pass_down(&self, mut from: TcpStream, mut to: TcpStream) {
        let mut piece = [0; PIECE];
        let mut passed = 0;
        while let Ok(count @ 1..) = from.read(&mut piece) {
            let Trouble { cut, stall, delay, .. } = *self.trouble();
            thread::sleep(delay);
            let room = cut.or(stall).map_or(u64::MAX, |most| most.saturating_sub(passed));
            let now = count.min(usize::try_from(room).unwrap_or(usize::MAX));
            if to.write_all(&piece[..now]).is_err() {
                break;
            }
            passed += now as u64;
            self.down.fetch_add(now as u64, Ordering::Relaxed);
            if now < count {
                while cut.is_none() && !self.closing.load(Ordering::Relaxed) {
                    thread::sleep(Duration::from_millis(20));
                }
                break;
            }
        }
        for stream in [&from, &to] {
            let _gone = stream.shutdown(Shutdown::Both);
        }
    }
}
