//! Uploads that are not finished: their IDs, and how far they are.

use std::collections::HashMap;
use std::io;
use std::sync::{Mutex, MutexGuard, PoisonError};

use ring::rand::{SecureRandom as _, SystemRandom};

use super::refusal::{Code, Refusal};
use super::repository::RepositoryName;
use crate::store::{Arrived, IncomingBlob, Store};

/// How many uploads are remembered; the bytes of others are hashed again when they go on.
const MAX_KNOWN: usize = 10_000;

/// Uploads that are not finished.
#[derive(Debug, Default)]
pub(super) struct Uploads {
    known: Mutex<HashMap<String, Arrived>>,
}

impl Uploads {
    /// Begins an upload to a repository, and returns its ID, which nobody can guess.
    pub(super) fn begin(&self, store: &Store, name: &RepositoryName) -> Result<String, Refusal> {
        let mut bytes = [0; 16];
        SystemRandom::new().fill(&mut bytes).map_err(|_| io::Error::other("the system gives no random bytes"))?;
        let id = format!("{:032x}", u128::from_be_bytes(bytes));
        store.begin_incoming(&id, name.as_str())?;
        self.remember(&id, Arrived::default());
        Ok(id)
    }

    /// Opens an upload to a repository.
    pub(super) fn open(&self, store: &Store, name: &RepositoryName, id: &str) -> Result<IncomingBlob, Refusal> {
        let unknown = || Refusal::new(Code::BlobUploadUnknown);
        let is_id = id.len() == 32 && id.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
        if !is_id || store.incoming_owner(id)?.is_none_or(|owner| owner != name.as_str()) {
            return Err(unknown());
        }
        let known = self.lock().remove(id);
        match store.open_incoming(id, known.clone()) {
            Ok(incoming) => Ok(incoming),
            Err(crate::store::Error::Busy { .. }) => {
                if let Some(known) = known {
                    self.remember(id, known);
                }
                Err(Refusal::because(Code::BlobUploadInvalid, "another request is writing this upload"))
            }
            Err(error) => Err(error.into()),
        }
    }

    /// Remembers how far an upload is.
    pub(super) fn remember(&self, id: &str, arrived: Arrived) {
        let mut known = self.lock();
        if known.len() >= MAX_KNOWN {
            known.clear();
        }
        known.insert(id.to_owned(), arrived);
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<String, Arrived>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
