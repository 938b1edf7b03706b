//! A blob on its way from the upstream: written by one thread, read by all who ask for it.

use std::fs::File;
use std::io::{self, Read as _};
use std::os::unix::fs::FileExt as _;
use std::pin::Pin;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::SystemTime;

use bytes::Bytes;
use ring::rand::{SecureRandom as _, SystemRandom};
use tokio::sync::watch;

use super::refused::Why;
use crate::oci::Descriptor;
use crate::registry::Repository;
use crate::serve::answer::Grows;
use crate::store::Store;

/// How many bytes are written at a time.
const CHUNK: usize = 256 << 10;

/// A blob on its way.
#[derive(Debug)]
pub(super) struct Fetch {
    size: u64,
    state: Mutex<State>,
    changed: Condvar,
    /// The same for those who are no thread.
    ticks: watch::Sender<()>,
}

#[derive(Debug, Default)]
struct State {
    /// Where the bytes are written, once the upstream sends any.
    file: Option<Arc<File>>,
    written: u64,
    end: Option<Result<(), Why>>,
}

impl Fetch {
    pub(super) fn new(size: u64) -> Self {
        Self { size, state: Mutex::default(), changed: Condvar::new(), ticks: watch::Sender::new(()) }
    }

    /// Fetches the blob, verifies it, and keeps it for `owner`.
    pub(super) fn run(
        &self,
        repository: &Repository,
        expected: &Descriptor,
        store: &Store,
        owner: &str,
        until: SystemTime,
    ) {
        let end = self.receive(repository, expected, store, owner, until);
        self.state().end = Some(end);
        self.tell();
    }

    fn receive(
        &self,
        repository: &Repository,
        expected: &Descriptor,
        store: &Store,
        owner: &str,
        until: SystemTime,
    ) -> Result<(), Why> {
        let mut stream = repository.blob(expected, 0).map_err(|error| Why::of(&error))?;
        let id = id().map_err(|error| Why::broken(&error))?;
        store.begin_incoming(&id, owner).map_err(|error| Why::broken(&error))?;
        let mut incoming = store.open_incoming(&id, None).map_err(|error| Why::broken(&error))?;
        self.state().file = Some(Arc::new(incoming.reader().map_err(|error| Why::broken(&error))?));
        self.tell();
        let mut buffer = vec![0; CHUNK];
        let received = loop {
            match stream.read(&mut buffer) {
                Ok(0) => break Ok(()),
                Ok(got) => {
                    if let Err(error) = incoming.append(&buffer[..got]) {
                        break Err(Why::broken(&error));
                    }
                    self.state().written += got as u64;
                    self.tell();
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => break Err(Why::unreachable(&error)),
            }
        };
        let is_right = incoming.arrived().digest() == expected.digest;
        match received {
            Ok(()) if is_right => incoming.keep(owner, until).map(drop).map_err(|error| Why::broken(&error)),
            received => {
                let _ = incoming.discard();
                received.and(Err(Why::wrong(&expected.digest)))
            }
        }
    }

    /// Waits until bytes come, or it is known why none do.
    pub(super) fn begun(&self) -> Result<(), Why> {
        let is_early = |state: &mut State| state.file.is_none() && state.end.is_none();
        let state = self.changed.wait_while(self.state(), is_early).unwrap_or_else(PoisonError::into_inner);
        match &state.end {
            Some(Err(why)) if state.written == 0 => Err(why.clone()),
            _ => Ok(()),
        }
    }

    /// Waits until the blob is kept, or it is known why it is not.
    pub(super) fn ended(&self) -> Result<(), Why> {
        let goes_on = |state: &mut State| state.end.is_none();
        let state = self.changed.wait_while(self.state(), goes_on).unwrap_or_else(PoisonError::into_inner);
        state.end.clone().unwrap_or(Ok(()))
    }

    /// Tells all who wait that something has changed.
    fn tell(&self) {
        self.changed.notify_all();
        self.ticks.send_replace(());
    }

    /// How many bytes may be passed on. The last one is held back until all are verified.
    fn ready(&self, state: &State) -> u64 {
        match state.end {
            Some(Ok(())) => self.size,
            _ => state.written.min(self.size.saturating_sub(1)),
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Grows for Fetch {
    fn wait(self: Arc<Self>, at: u64) -> Pin<Box<dyn Future<Output = ()> + Send>> {
        let mut ticks = self.ticks.subscribe();
        Box::pin(async move {
            let is_due = |(): &()| {
                let state = self.state();
                self.ready(&state) > at || state.end.is_some()
            };
            let _ = ticks.wait_for(is_due).await;
        })
    }

    fn read(&self, at: u64, wanted: u64) -> io::Result<Bytes> {
        let state = self.state();
        if let Some(Err(why)) = &state.end {
            return Err(io::Error::other(why.to_string()));
        }
        let file = state.file.clone().ok_or(io::ErrorKind::UnexpectedEof)?;
        let there = self.ready(&state).saturating_sub(at).min(wanted);
        drop(state);
        if there == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        let mut buffer = vec![0; usize::try_from(there).unwrap_or(0)];
        file.read_exact_at(&mut buffer, at)?;
        Ok(buffer.into())
    }
}

/// An ID for an upload, which nobody can guess.
pub(super) fn id() -> io::Result<String> {
    let mut bytes = [0; 16];
    SystemRandom::new().fill(&mut bytes).map_err(|_| io::Error::other("the system gives no random bytes"))?;
    Ok(format!("{:032x}", u128::from_be_bytes(bytes)))
}
