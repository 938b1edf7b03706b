//! Webhooks: what happens in the registry, told to other servers.
//!
//! ```text
//! api ─▶ Turn::tell ─▶ Spool ─▶ imgtool/events/<endpoint>/<run>/<number>.jsonl    one event a line, in the order in
//!                        │                                                         which they happened
//!                        └─▶ sender, a thread for each endpoint ─▶ POST            one event a request
//! ```
//!
//! An event is on the disk before the request that caused it is answered, and stays there until its endpoint has answered
//! with 2xx. So an event of a push that was acknowledged is never lost, and the events of an endpoint arrive in order. An
//! endpoint that has taken an event and whose answer is lost, because the connection broke or one of the two servers was
//! killed, gets that one event again, with the same ID: nothing but the ID can tell.
//!
//! What nobody waits for, that something was pulled, is written without a sync: it survives the end of the process, not
//! that of the machine.

mod endpoint;
mod event;
mod form;
mod reader;
mod sender;
mod spool;
mod webhook;

use std::io;
use std::sync::{Mutex, MutexGuard, PoisonError};

use serde_json::{Value, json};

pub use form::Form;
pub use webhook::{Webhook, WebhookError};

pub(super) use endpoint::Counts;
pub(super) use event::{Action, Target};

use super::asked::Asked;
use super::error::ServeError;
use super::log::Log;
use crate::ops::Context;
use endpoint::Endpoint;
use event::Source;
use sender::Sender;
use spool::Limits;

/// The events of a server, and those who are told of them.
#[derive(Debug)]
pub(super) struct Events {
    senders: Vec<Sender>,
    source: Source,
    /// Held while something changes and the event of it is written, so that events have the order of the changes.
    order: Mutex<()>,
}

/// The right to change something and to tell of it, before anybody else does.
#[must_use = "what is changed is told"]
#[derive(Debug)]
pub(super) struct Turn<'a> {
    events: &'a Events,
    guard: Option<MutexGuard<'a, ()>>,
}

impl Events {
    /// Begins to tell these endpoints, first what they were not told before the server was started.
    pub(super) fn start(context: &Context, webhooks: &[Webhook], log: &Log) -> Result<Self, ServeError> {
        let mut senders = Vec::with_capacity(webhooks.len());
        for webhook in webhooks {
            let folder = context.store.events_folder()?.join(webhook.key());
            let endpoint = Endpoint::open(webhook.clone(), &folder, Limits::default(), log);
            let endpoint = endpoint.map_err(|source| ServeError::Events { folder: folder.clone(), source })?;
            let sender = Sender::start(endpoint, folder.clone(), context.registries.clone());
            senders.push(sender.map_err(|source| ServeError::Events { folder, source })?);
        }
        Ok(Self { senders, source: Source::new(), order: Mutex::default() })
    }

    /// Delivers nothing more. Returns when it is known what came of the events that are on their way.
    pub(super) fn end(&self) {
        self.senders.iter().for_each(|sender| sender.endpoint().spool.end());
        self.senders.iter().for_each(Sender::end);
    }

    /// Waits until nobody else changes anything of which is told.
    pub(super) fn turn(&self) -> Turn<'_> {
        let guard = (!self.senders.is_empty()).then(|| self.order.lock().unwrap_or_else(PoisonError::into_inner));
        Turn { events: self, guard }
    }

    /// Tells that a manifest was pulled.
    pub(super) fn pulled(&self, asked: &Asked, target: impl FnOnce() -> Target) {
        if self.senders.is_empty() {
            return;
        }
        let event = event::record(&self.source, asked, Action::Pull, target());
        for endpoint in self.senders.iter().map(Sender::endpoint) {
            // Who pulls gets what there is, whether it can be told or not.
            let _ = endpoint.take(&event);
        }
    }

    /// What waits, for people and programs.
    pub(super) fn waiting(&self) -> Value {
        let endpoints: Vec<Value> = self.senders.iter().map(|sender| sender.endpoint().report()).collect();
        json!({"endpoints": endpoints})
    }

    /// How many events wait, were delivered and dropped, by endpoint.
    pub(super) fn counts(&self) -> Vec<Counts> {
        self.senders.iter().map(|sender| sender.endpoint().counts()).collect()
    }
}

impl Turn<'_> {
    /// Tells what has happened. Returns when that is on the disk.
    pub(super) fn tell(self, asked: &Asked, action: Action, target: impl FnOnce() -> Target) -> io::Result<()> {
        self.tell_all(asked, action, || vec![target()])
    }

    /// Tells what has happened to several things at once. Returns when that is on the disk.
    pub(super) fn tell_all(
        self,
        asked: &Asked,
        action: Action,
        targets: impl FnOnce() -> Vec<Target>,
    ) -> io::Result<()> {
        let Self { events, guard } = self;
        if guard.is_none() {
            return Ok(());
        }
        let mut ends = Vec::with_capacity(events.senders.len());
        for target in targets() {
            let event = event::record(&events.source, asked, action, target);
            ends.clear();
            for endpoint in events.senders.iter().map(Sender::endpoint) {
                ends.push((endpoint, endpoint.take(&event)?));
            }
        }
        // Others may go on while the disk works.
        drop(guard);
        for (endpoint, end) in ends {
            endpoint.sync(end)?;
        }
        Ok(())
    }
}
