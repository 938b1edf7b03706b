//! Uploads that are not finished: their IDs, who writes them, and how far they are.
//!
//! The file of an upload is open only while bytes are written to it, never while a client is waited for. That no two
//! requests write one upload is kept in memory; that no other process does, is found out by the size of the file.

use std::collections::{HashMap, HashSet};
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use hyper::StatusCode;
use hyper::header::RETRY_AFTER;
use ring::rand::{SecureRandom as _, SystemRandom};

use super::asked::Asked;
use super::refusal::{Code, Refusal};
use super::repository::RepositoryName;
use crate::store::{Arrived, Error, IncomingBlob, Store};

/// How many uploads may be unfinished: each takes two files.
const MAX_OPEN: usize = 10_000;
/// How many uploads are remembered; the bytes of others are hashed again when they go on.
const MAX_KNOWN: usize = 10_000;

/// Uploads that are not finished.
#[derive(Debug, Default)]
pub(super) struct Uploads(Arc<Mutex<Table>>);

#[derive(Debug, Default)]
struct Table {
    known: HashMap<String, Arrived>,
    /// Those that a request is writing.
    busy: HashSet<String>,
    /// How many have begun since they were counted, and were not finished then: at least as many as there are.
    begun: usize,
}

/// An upload that one request writes; no other one of this server does so meanwhile.
#[derive(Debug)]
pub(super) struct Session {
    id: String,
    arrived: Arrived,
    is_over: bool,
    table: Arc<Mutex<Table>>,
}

impl Uploads {
    /// Begins an upload to a repository, and returns its ID: a random UUID, which nobody can guess.
    pub(super) fn begin(&self, store: &Store, asked: &Asked, name: &RepositoryName) -> Result<String, Refusal> {
        let mut bytes = [0; 16];
        SystemRandom::new().fill(&mut bytes).map_err(|_| io::Error::other("the system gives no random bytes"))?;
        let id = uuid(bytes);
        self.make_room(store)?;
        store.begin_incoming(&id, &owner(asked, name))?;
        lock(&self.0).remember(&id, Arrived::default());
        Ok(id)
    }

    /// Refuses further uploads while there are too many. They are counted only when that many have begun.
    fn make_room(&self, store: &Store) -> Result<(), Refusal> {
        let begun = {
            let mut table = lock(&self.0);
            table.begun += 1;
            table.begun
        };
        if begun <= MAX_OPEN {
            return Ok(());
        }
        let open = store.count_incoming()?;
        lock(&self.0).begun = open + 1;
        if open < MAX_OPEN {
            return Ok(());
        }
        let why = format!("{open} uploads are not finished: finish or cancel some of them");
        Err(Refusal::because(Code::TooManyRequests, why).header(RETRY_AFTER, 60))
    }

    /// Takes an upload to a repository, to write it.
    pub(super) fn take(
        &self,
        store: &Store,
        asked: &Asked,
        name: &RepositoryName,
        id: &str,
    ) -> Result<Session, Refusal> {
        check_owner(store, asked, name, id)?;
        let known = {
            let mut table = lock(&self.0);
            if !table.busy.insert(id.to_owned()) {
                return Err(busy());
            }
            table.known.remove(id)
        };
        let arrived = known.clone().unwrap_or_default();
        let mut session = Session { id: id.to_owned(), arrived, is_over: known.is_none(), table: Arc::clone(&self.0) };
        // What has arrived before the server was started, or through another one, is hashed.
        let incoming = session.open_as(store, known)?;
        session.arrived = incoming.arrived().clone();
        session.is_over = false;
        Ok(session)
    }

    /// How many bytes of an upload have arrived, also while a request writes it.
    pub(super) fn size(store: &Store, asked: &Asked, name: &RepositoryName, id: &str) -> Result<u64, Refusal> {
        check_owner(store, asked, name, id)?;
        store.incoming_size(id)?.ok_or_else(unknown)
    }
}

impl Session {
    /// How many bytes have arrived.
    pub(super) fn size(&self) -> u64 {
        self.arrived.size()
    }

    /// Appends bytes.
    pub(super) fn append(&mut self, store: &Store, bytes: &[u8]) -> Result<(), Refusal> {
        let mut incoming = self.open(store)?;
        incoming.append(bytes)?;
        self.arrived = incoming.arrived().clone();
        Ok(())
    }

    /// Opens it, to finish or to discard it.
    pub(super) fn open(&mut self, store: &Store) -> Result<IncomingBlob, Refusal> {
        let incoming = self.open_as(store, Some(self.arrived.clone()))?;
        if incoming.arrived().size() != self.arrived.size() {
            self.is_over = true;
            return Err(busy());
        }
        Ok(incoming)
    }

    fn open_as(&self, store: &Store, known: Option<Arrived>) -> Result<IncomingBlob, Refusal> {
        if store.incoming_size(&self.id)?.is_none() {
            return Err(unknown());
        }
        match store.open_incoming(&self.id, known) {
            Err(Error::Busy { .. }) => Err(busy()),
            opened => Ok(opened?),
        }
    }

    /// There is nothing to remember of it any more.
    pub(super) fn end(mut self) {
        self.is_over = true;
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        let mut table = lock(&self.table);
        table.busy.remove(&self.id);
        if !self.is_over {
            table.remember(&self.id, self.arrived.clone());
        }
    }
}

impl Table {
    fn remember(&mut self, id: &str, arrived: Arrived) {
        if self.known.len() >= MAX_KNOWN {
            self.known.clear();
        }
        self.known.insert(id.to_owned(), arrived);
    }
}

/// A UUID of version 4 ([RFC 9562, 5.4](https://www.rfc-editor.org/rfc/rfc9562#section-5.4)) of random bytes.
fn uuid(mut bytes: [u8; 16]) -> String {
    bytes[6] = bytes[6] & 0x0f | 0x40;
    bytes[8] = bytes[8] & 0x3f | 0x80;
    let hex = format!("{:032x}", u128::from_be_bytes(bytes));
    [&hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..]].join("-")
}

fn check_owner(store: &Store, asked: &Asked, name: &RepositoryName, id: &str) -> Result<(), Refusal> {
    let is_id = id.len() == 36 && id.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f' | b'-'));
    if !is_id || store.incoming_owner(id)?.is_none_or(|whose| whose != owner(asked, name)) {
        return Err(unknown());
    }
    Ok(())
}

/// Whose upload one is: the repository's, and the user's who began it.
fn owner(asked: &Asked, name: &RepositoryName) -> String {
    match asked.who.user() {
        Some(user) => format!("{name} {user}"),
        None => name.to_string(),
    }
}

fn unknown() -> Refusal {
    Refusal::new(Code::BlobUploadUnknown)
}

fn busy() -> Refusal {
    Refusal::because(Code::BlobUploadInvalid, "another request is writing this upload").status(StatusCode::CONFLICT)
}

fn lock(table: &Mutex<Table>) -> MutexGuard<'_, Table> {
    table.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_uuids() {
        assert_eq!(uuid([0xff; 16]), "ffffffff-ffff-4fff-bfff-ffffffffffff");
        assert_eq!(uuid([0; 16]), "00000000-0000-4000-8000-000000000000");
    }
}
