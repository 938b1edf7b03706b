//! One endpoint: what waits for it, and how it fares.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use jiff::Timestamp;
use serde_json::{Value, json};

use super::event::Event;
use super::form::Form;
use super::reader::{self, Position};
use super::spool::{Limits, Spool};
use super::webhook::Webhook;
use crate::serve::log::Log;

/// How many of the events that wait are listed.
const LISTED: usize = 100;

/// One endpoint.
#[derive(Debug)]
pub(super) struct Endpoint {
    pub(super) webhook: Webhook,
    pub(super) spool: Spool,
    /// What has the events of all runs.
    folder: PathBuf,
    log: Log,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    /// Events of earlier runs of the server.
    inherited: u64,
    delivered: u64,
    failures: u64,
    /// Why the last attempt failed, if it did, and when the next one is made.
    trouble: Option<(String, Timestamp)>,
}

impl Endpoint {
    /// Begins to keep events for it.
    pub(super) fn open(webhook: Webhook, folder: &Path, limits: Limits, log: &Log) -> io::Result<Self> {
        let spool = Spool::begin(folder, limits)?;
        Ok(Self { webhook, spool, folder: folder.to_owned(), log: log.clone(), state: Mutex::default() })
    }

    /// Keeps an event for it, if it is told such events. Returns where the events end.
    pub(super) fn take(&self, event: &Event) -> io::Result<Position> {
        if self.webhook.form == Form::Hub && !event.is_tagged_push {
            return Ok(Position::default());
        }
        let end = self.spool.append(&event.line)?;
        if end.is_none() {
            let (waiting, dropped) = self.spool.counts();
            if dropped.is_power_of_two() {
                let shown = self.webhook.shown();
                self.log
                    .warn(&format!("{waiting} events wait for {shown}, and {dropped} were dropped: there is no room"));
            }
        }
        Ok(end.unwrap_or_default())
    }

    /// Waits until what ends there is on the disk.
    pub(super) fn sync(&self, end: Position) -> io::Result<()> {
        self.spool.sync(end)
    }

    /// Takes note of events of earlier runs.
    pub(super) fn inherit(&self, events: u64) {
        self.state().inherited += events;
    }

    /// Takes note that an event of so many bytes was delivered, or was none.
    pub(super) fn delivered(&self, bytes: u64, is_inherited: bool, is_event: bool) {
        if !is_inherited {
            self.spool.delivered(bytes);
        }
        let mut state = self.state();
        if state.trouble.take().is_some() {
            self.log.note(&format!("events are delivered to {} again", self.webhook.shown()));
        }
        state.delivered += u64::from(is_event);
        if is_inherited {
            state.inherited = state.inherited.saturating_sub(1);
        }
    }

    /// Takes note that an attempt failed, and when the next one is made.
    pub(super) fn failed(&self, why: String, wait: Duration) {
        let next = Timestamp::now().saturating_add(jiff::SignedDuration::try_from(wait).unwrap_or_default());
        let mut state = self.state();
        state.failures += 1;
        if state.trouble.is_none() {
            self.log.warn(&format!("events for {} wait: {why}", self.webhook.shown()));
        }
        state.trouble = Some((why, next.unwrap_or(Timestamp::MAX)));
    }

    /// What waits, and how it fares.
    pub(super) fn report(&self) -> Value {
        let Counts { endpoint, waiting, delivered, dropped, failures } = self.counts();
        let state = self.state();
        let events: Vec<Value> = reader::peek(&self.folder, LISTED).iter().filter_map(|line| listed(line)).collect();
        json!({
            "url": endpoint,
            "format": self.webhook.form.name(),
            "signed": self.webhook.secret_file.is_some(),
            "waiting": waiting,
            "delivered": delivered,
            "dropped": dropped,
            "failures": failures,
            "lastError": state.trouble.as_ref().map(|(why, _)| why),
            "nextAttempt": state.trouble.as_ref().map(|(_, next)| next.to_string()),
            "events": events,
        })
    }

    /// How many events there are.
    pub(super) fn counts(&self) -> Counts {
        let (waiting, dropped) = self.spool.counts();
        let state = self.state();
        let (delivered, failures) = (state.delivered, state.failures);
        Counts { endpoint: self.webhook.shown(), waiting: waiting + state.inherited, delivered, dropped, failures }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// How many events of an endpoint there are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::serve) struct Counts {
    /// The endpoint, without what may be secret in its URL.
    pub(in crate::serve) endpoint: String,
    pub(in crate::serve) waiting: u64,
    pub(in crate::serve) delivered: u64,
    /// There was no room for them.
    pub(in crate::serve) dropped: u64,
    /// Attempts to deliver one that failed.
    pub(in crate::serve) failures: u64,
}

/// What is listed of an event.
fn listed(line: &[u8]) -> Option<Value> {
    let event: Value = serde_json::from_slice(line).ok()?;
    Some(json!({
        "id": event["id"],
        "timestamp": event["timestamp"],
        "action": event["action"],
        "repository": event["target"]["repository"],
        "tag": event["target"]["tag"],
        "digest": event["target"]["digest"],
    }))
}
