//! A registry in the test: repositories in memory, served by plain threads, and everything that can go wrong on demand.
//!
//! ```text
//! connection ─▶ wire::Request ─▶ api::answer ─▶ the test's script ─▶ reply::Reply, sent as it says
//!                    │           (auth, content)  changes the answer
//!                    └─▶ records: what was asked of whom, with which headers, and how much was sent
//! ```

mod api;
pub(crate) mod auth;
pub(crate) mod content;
pub(crate) mod records;
pub(crate) mod reply;
pub(crate) mod tls;
pub(crate) mod uploads;
pub(crate) mod vendors;
pub(crate) mod wire;

use std::io::{self, BufReader, Read as _, Write as _};
use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

use rustls::{ServerConfig, ServerConnection, StreamOwned};

use super::image::TestImage;
use auth::Auth;
use content::{Content, Form, Pushed};
use records::Record;
use reply::Reply;
use wire::{Request, Stream};

/// How a registry is started.
pub(crate) struct Setup {
    /// The address that it listens at.
    pub(crate) at: IpAddr,
    /// Its certificate, if it speaks TLS.
    pub(crate) tls: Option<Arc<ServerConfig>>,
    pub(crate) auth: Auth,
    /// Where its tokens are; its own `/token` if nothing else is said.
    pub(crate) realm: Option<String>,
    /// The path of its own tokens, if it is not `/token`.
    pub(crate) token_path: Option<&'static str>,
}

impl Default for Setup {
    /// Plain HTTP on the loopback, for everybody.
    fn default() -> Self {
        Self { at: Ipv4Addr::LOCALHOST.into(), tls: None, auth: Auth::Nobody, realm: None, token_path: None }
    }
}

/// A registry that runs until it is dropped.
pub(crate) struct Registry {
    shared: Arc<Shared>,
    address: SocketAddr,
}

/// Changes an honest answer into what a test needs.
type Script = dyn Fn(&Request, Reply) -> Reply + Send + Sync;

/// After how many bytes of its body the connection of a request breaks, if it does. The body has not come yet.
type Cut = dyn Fn(&Request) -> Option<usize> + Send + Sync;

/// Refuses a request before its body has come.
type Refuse = dyn Fn(&Request) -> Option<Reply> + Send + Sync;

struct Shared {
    content: Mutex<Content>,
    auth: Auth,
    realm: String,
    script: Mutex<Option<Arc<Script>>>,
    cut: Mutex<Option<Arc<Cut>>>,
    refuse: Mutex<Option<Arc<Refuse>>>,
    records: Mutex<Vec<Record>>,
    connections: AtomicUsize,
    closing: AtomicBool,
    tls: Option<Arc<ServerConfig>>,
}

impl Registry {
    /// Plain HTTP on the loopback, for everybody.
    pub(crate) fn start() -> Self {
        Self::with(Setup::default())
    }

    pub(crate) fn with(setup: Setup) -> Self {
        let listener = TcpListener::bind((setup.at, 0)).expect("a port");
        let address = listener.local_addr().expect("an address");
        let scheme = if setup.tls.is_some() { "https" } else { "http" };
        let path = setup.token_path.unwrap_or("/token");
        let shared = Arc::new(Shared {
            content: Mutex::default(),
            auth: setup.auth,
            realm: setup.realm.unwrap_or_else(|| format!("{scheme}://{address}{path}")),
            script: Mutex::default(),
            cut: Mutex::default(),
            refuse: Mutex::default(),
            records: Mutex::default(),
            connections: AtomicUsize::new(0),
            closing: AtomicBool::new(false),
            tls: setup.tls,
        });
        let server = Arc::clone(&shared);
        thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                if server.closing.load(Ordering::Relaxed) {
                    return;
                }
                server.connections.fetch_add(1, Ordering::Relaxed);
                let server = Arc::clone(&server);
                thread::spawn(move || server.serve(stream, address));
            }
        });
        Self { shared, address }
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// `127.0.0.1:PORT`, as a reference begins.
    pub(crate) fn host(&self) -> String {
        self.address.to_string()
    }

    /// The same under another name of this machine: `localhost:PORT`.
    pub(crate) fn host_as(&self, name: &str) -> String {
        format!("{name}:{}", self.address.port())
    }

    /// A reference to an image here: `127.0.0.1:PORT/team/app:1`.
    pub(crate) fn name(&self, name: &str) -> String {
        format!("{}/{name}", self.address)
    }

    /// A URL here.
    pub(crate) fn url(&self, path: &str) -> String {
        let scheme = if self.shared.tls.is_some() { "https" } else { "http" };
        format!("{scheme}://{}{path}", self.address)
    }

    /// What it has, to look at and to change.
    pub(crate) fn content(&self) -> MutexGuard<'_, Content> {
        self.shared.content()
    }

    /// Has an image of docker's under a name like `team/app:1`.
    pub(crate) fn push(&self, name: &str, image: &TestImage) -> Pushed {
        self.push_as(name, image, Form::Docker)
    }

    pub(crate) fn push_as(&self, name: &str, image: &TestImage, form: Form) -> Pushed {
        let (repository, tag) = content::split(name);
        self.content().repository(repository).put_image(Some(tag), image, form)
    }

    /// From now on each answer is what `script` makes of it.
    pub(crate) fn script(&self, script: impl Fn(&Request, Reply) -> Reply + Send + Sync + 'static) {
        *self.shared.script.lock().unwrap_or_else(PoisonError::into_inner) = Some(Arc::new(script));
    }

    /// From now on the connection of a request breaks after as many bytes of its body as `cut` says.
    pub(crate) fn cut(&self, cut: impl Fn(&Request) -> Option<usize> + Send + Sync + 'static) {
        *self.shared.cut.lock().unwrap_or_else(PoisonError::into_inner) = Some(Arc::new(cut));
    }

    /// From now on requests are answered as `refuse` says, if it says anything, before their bodies have come.
    pub(crate) fn refuse(&self, refuse: impl Fn(&Request) -> Option<Reply> + Send + Sync + 'static) {
        *self.shared.refuse.lock().unwrap_or_else(PoisonError::into_inner) = Some(Arc::new(refuse));
    }

    /// From now on it is honest, and no connection breaks.
    pub(crate) fn behave(&self) {
        *self.shared.cut.lock().unwrap_or_else(PoisonError::into_inner) = None;
        *self.shared.refuse.lock().unwrap_or_else(PoisonError::into_inner) = None;
        *self.shared.script.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }

    /// Every request so far, in order.
    pub(crate) fn records(&self) -> Vec<Record> {
        self.shared.records().clone()
    }

    /// Forgets the requests so far.
    pub(crate) fn forget(&self) {
        self.shared.records().clear();
    }

    /// How many connections were made to it.
    pub(crate) fn connections(&self) -> usize {
        self.shared.connections.load(Ordering::Relaxed)
    }
}

impl Drop for Registry {
    fn drop(&mut self) {
        self.shared.closing.store(true, Ordering::Relaxed);
        // It waits for a connection; this one ends it.
        let _woken = TcpStream::connect(self.address);
    }
}

/// The most bytes of a refused request that are read and thrown away.
const MOST_LINGERING: u64 = 64 << 20;

impl Shared {
    fn records(&self) -> MutexGuard<'_, Vec<Record>> {
        self.records.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// One connection, to its end.
    fn serve(&self, stream: TcpStream, to: SocketAddr) {
        stream.set_nodelay(true).expect("a connection");
        let stream: Box<dyn Stream> = match &self.tls {
            Some(config) => {
                let session = ServerConnection::new(Arc::clone(config)).expect("a session");
                Box::new(StreamOwned::new(session, stream))
            }
            None => Box::new(stream),
        };
        let mut stream = BufReader::new(stream);
        while let Some(mut request) = Request::read(&mut stream, to) {
            self.number(&mut request);
            if self.serve_one(&mut request, &mut stream).is_none_or(|goes_on| !goes_on) {
                return;
            }
        }
    }

    /// One request; gives whether the connection can be used again.
    fn serve_one(&self, request: &mut Request, stream: &mut BufReader<Box<dyn Stream>>) -> Option<bool> {
        let early = api::refuse_early(&self.content(), &self.auth, &self.realm, request);
        let refuse = self.refuse.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let refused = refuse.and_then(|refuse| refuse(request));
        let early = early.or_else(|| refused.clone());
        match early.filter(|_| request.length() > 0 || request.waits()) {
            // Who does not wait sends into a connection that nobody reads.
            Some(refusal) if request.waits() || refusal.status == 413 => {
                let sent = self.record(request, refusal.status);
                let lingers = refusal.status == 413;
                let _gone =
                    refusal.with("Connection", "close").send(request, stream.get_mut().as_mut(), &sent, &self.closing);
                if lingers {
                    // As nginx does: what was sent already and is not read would end the connection before the answer came.
                    let _gone = io::copy(&mut stream.take(MOST_LINGERING), &mut io::sink());
                }
                return None;
            }
            _ if request.waits() && !self.content().uploads.manners.silent => {
                stream.get_mut().write_all(b"HTTP/1.1 100 Continue\r\n\r\n").ok()?;
                stream.get_mut().flush().ok()?;
            }
            _ => {}
        }
        let pause = self.content().uploads.manners.pause.filter(|at| request.length() > *at);
        if pause.is_some() {
            request.read_body(stream, pause)?;
            self.content().uploads.paused += 1;
            while self.content().uploads.manners.pause.is_some() && !self.closing.load(Ordering::Relaxed) {
                thread::sleep(Duration::from_millis(5));
            }
            api::broken(&mut self.content(), request);
            self.record(request, 0);
            return None;
        }
        let cut = self.cut.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let cut = cut.and_then(|cut| cut(request)).filter(|most| *most < request.length() || request.is_chunked());
        if !request.read_body(stream, cut)? {
            api::broken(&mut self.content(), request);
            self.record(request, 0);
            return None;
        }
        let (reply, sent) = self.answer(request, refused);
        let goes_on = reply.send(request, stream.get_mut().as_mut(), &sent, &self.closing).ok()?;
        Some(goes_on && !self.closing.load(Ordering::Relaxed))
    }

    fn content(&self) -> MutexGuard<'_, Content> {
        self.content.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn number(&self, request: &mut Request) {
        let same = |record: &&Record| record.request.method == request.method && record.request.path == request.path;
        request.number = self.records().iter().filter(same).count();
    }

    fn record(&self, request: &Request, status: u16) -> Arc<AtomicU64> {
        let record = Record::new(request.clone(), status);
        let sent = record.counter();
        self.records().push(record);
        sent
    }

    fn answer(&self, request: &Request, refused: Option<Reply>) -> (Reply, Arc<AtomicU64>) {
        let honest = || api::answer(&mut self.content(), &self.auth, &self.realm, request);
        let honest = refused.unwrap_or_else(honest);
        let script = self.script.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let reply = script.map_or_else(|| honest.clone(), |script| script(request, honest.clone()));
        let sent = self.record(request, reply.status);
        (reply, sent)
    }
}
