//! Starts the server and ends it.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{Notify, watch};

use super::collect::collect_all;
use super::connection;
use super::error::ServeError;
use super::listen::Listener;
use super::names::Names;
use super::server::Server;
use super::settings::{Address, Settings};
use super::tls::Tls;
use crate::ops::Context;

/// How long the end waits for a reader of the log.
const LAST_WORDS: Duration = Duration::from_secs(2);
/// How often files are looked at that may have changed.
const LOOK: Duration = Duration::from_secs(1);
/// How long the last work on the disk may take at the end.
const LAST_WORK: Duration = Duration::from_secs(5);
/// How many threads wait for the disk at most.
const BLOCKING_THREADS: usize = 128;

/// A server that has begun to listen.
#[derive(Debug)]
pub struct Running {
    /// Where it listens, with the ports that the system chose.
    pub addresses: Vec<Address>,
    /// The names of the store that are served under another one, or not at all.
    pub names: Names,
    /// Whether connections at IP addresses are encrypted.
    pub is_encrypted: bool,
    /// The certificate of the server's own authority, and the names that it signs certificates for; if it has one.
    pub authority: Option<(PathBuf, Vec<String>)>,
}

/// What came of a server that was ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ended {
    /// How many connections did not end in time.
    pub cut: usize,
}

/// Ends a server, or makes it read its files again.
#[derive(Debug, Clone, Default)]
pub struct Control {
    stop: watch::Sender<bool>,
    reread: Arc<Notify>,
}

impl Control {
    /// Takes no more requests, and finishes those that are being answered.
    pub fn stop(&self) {
        self.stop.send_replace(true);
    }

    /// Reads the files of users and certificates again, if they have changed.
    pub fn reread(&self) {
        self.reread.notify_one();
    }
}

/// Serves the store of `context` until `control` ends it. `ready` is called once all sockets are listened at.
pub fn serve(
    context: &Context,
    settings: Settings,
    control: &Control,
    ready: impl FnOnce(&Running),
) -> Result<Ended, ServeError> {
    raise_descriptors();
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_io()
        .enable_time()
        .max_blocking_threads(BLOCKING_THREADS)
        .build()
        .map_err(ServeError::Start)?;
    let ended = runtime.block_on(async {
        let server = Arc::new(Server::new(context, settings)?);
        let listeners = listen(&server.settings).await?;
        let names = Names::of(&*context.store.catalog()?);
        ready(&Running {
            names,
            addresses: listeners.iter().map(Listener::address).collect(),
            is_encrypted: server.tls.is_some(),
            authority: server.tls.as_ref().and_then(Tls::authority),
        });
        let looking = tokio::spawn(look(Arc::clone(&server), Arc::clone(&control.reread)));
        let collecting = tokio::spawn(collect_all(Arc::clone(&server), control.stop.subscribe()));
        let cut = connection::accept_all(&server, listeners, &control.stop.subscribe()).await;
        looking.abort();
        collecting.abort();
        let ending = Arc::clone(&server);
        let _ = tokio::task::spawn_blocking(move || ending.events.end()).await;
        server.settings.log.flush(LAST_WORDS);
        Ok(Ended { cut })
    });
    runtime.shutdown_timeout(LAST_WORK);
    ended
}

/// Lets this process have as many descriptors as it may.
fn raise_descriptors() {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    let Rlimit { maximum, .. } = getrlimit(Resource::Nofile);
    // With fewer it works, too.
    let _ = setrlimit(Resource::Nofile, Rlimit { current: maximum, maximum });
}

async fn listen(settings: &Settings) -> Result<Vec<Listener>, ServeError> {
    let mut listeners = Vec::new();
    for address in &settings.addresses {
        refuse_unencrypted(settings, address)?;
        listeners.push(Listener::bind(address).await?);
    }
    for socket in &settings.sockets {
        let listener = Listener::adopt(socket)?;
        refuse_unencrypted(settings, &listener.address())?;
        listeners.push(listener);
    }
    if listeners.is_empty() { Err(ServeError::NoAddress) } else { Ok(listeners) }
}

fn refuse_unencrypted(settings: &Settings, address: &Address) -> Result<(), ServeError> {
    match address {
        Address::Tcp(at) if !at.ip().to_canonical().is_loopback() && settings.tls.is_none() && !settings.insecure => {
            Err(ServeError::NotEncrypted { address: address.to_string() })
        }
        _ => Ok(()),
    }
}

/// Reads files again when they have changed.
async fn look(server: Arc<Server>, reread: Arc<Notify>) {
    loop {
        let _ = tokio::time::timeout(LOOK, reread.notified()).await;
        let server = Arc::clone(&server);
        let _ = tokio::task::spawn_blocking(move || server.reread()).await;
    }
}
