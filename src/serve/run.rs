//! Starts the server and ends it.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;

use super::connection;
use super::error::ServeError;
use super::listen::Listener;
use super::names::Names;
use super::server::Server;
use super::settings::{Address, Settings};
use crate::ops::Context;

/// How long the end waits for a reader of the log.
const LAST_WORDS: Duration = Duration::from_secs(2);

/// A server that has begun to listen.
#[derive(Debug)]
pub struct Running {
    /// Where it listens, with the ports that the system chose.
    pub addresses: Vec<Address>,
    /// The names of the store that are served under another one, or not at all.
    pub names: Names,
}

/// Ends a server.
#[derive(Debug, Clone, Default)]
pub struct Stop(watch::Sender<bool>);

impl Stop {
    /// Takes no more requests, and finishes those that are being answered.
    pub fn stop(&self) {
        self.0.send_replace(true);
    }
}

/// Serves the store of `context` until `stop` ends it. `ready` is called once all sockets are listened at.
pub fn serve(
    context: &Context,
    settings: Settings,
    stop: &Stop,
    ready: impl FnOnce(&Running),
) -> Result<(), ServeError> {
    let runtime =
        tokio::runtime::Builder::new_multi_thread().enable_io().enable_time().build().map_err(ServeError::Start)?;
    runtime.block_on(async {
        let mut listeners = Vec::with_capacity(settings.addresses.len());
        for address in &settings.addresses {
            listeners.push(Listener::bind(address).await?);
        }
        let log = settings.log.clone();
        let server = Arc::new(Server::new(context, settings)?);
        let names = Names::of(&context.store.catalog()?);
        ready(&Running { addresses: listeners.iter().map(Listener::address).collect(), names });
        connection::accept_all(&server, listeners, &stop.0.subscribe()).await;
        log.flush(LAST_WORDS);
        Ok(())
    })
}
