//! The connections that are open, and which of them make room for others.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore};

/// The connections that are open.
#[derive(Debug)]
pub(super) struct Connections {
    most: usize,
    slots: Arc<Semaphore>,
    /// Those that wait for a request, the one that has waited longest first.
    idle: Mutex<Idle>,
    /// For those with a large head.
    large_heads: Arc<Semaphore>,
}

#[derive(Debug, Default)]
struct Idle {
    next: u64,
    waiting: BTreeMap<u64, Arc<Notify>>,
}

/// How long a connection has to end before another one is told to: it may be sending an answer.
const PATIENCE: Duration = Duration::from_millis(100);
/// How many connections have a large head at a time.
const MAX_LARGE_HEADS: usize = 256;

impl Connections {
    pub(super) fn new(most: usize) -> Self {
        Self {
            most,
            slots: Arc::new(Semaphore::new(most)),
            idle: Mutex::default(),
            large_heads: Arc::new(Semaphore::new(MAX_LARGE_HEADS)),
        }
    }

    /// Room for one more. While there is none, connections are ended, first the one that has waited longest.
    pub(super) async fn room(&self) -> Option<OwnedSemaphorePermit> {
        loop {
            if let Ok(slot) = Arc::clone(&self.slots).try_acquire_owned() {
                return Some(slot);
            }
            self.end_longest();
            let waiting = tokio::time::timeout(PATIENCE, Arc::clone(&self.slots).acquire_owned());
            if let Ok(slot) = waiting.await {
                return slot.ok();
            }
        }
    }

    /// Ends the connection that has waited longest for a request.
    pub(super) fn end_longest(&self) {
        if let Some((_, end)) = self.lock().waiting.pop_first() {
            end.notify_one();
        }
    }

    /// Returns when all have ended.
    pub(super) async fn ended(&self) {
        let _ = self.slots.acquire_many(u32::try_from(self.most).unwrap_or(u32::MAX)).await;
    }

    /// How many are open.
    pub(super) fn open(&self) -> usize {
        self.most - self.slots.available_permits()
    }

    fn lock(&self) -> MutexGuard<'_, Idle> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// One connection among them.
#[derive(Debug)]
pub(super) struct Place {
    all: Arc<Connections>,
    end: Arc<Notify>,
    number: Mutex<Option<u64>>,
}

impl Place {
    /// A connection that waits for its first request.
    pub(super) fn new(all: Arc<Connections>) -> Self {
        let place = Self { all, end: Arc::default(), number: Mutex::default() };
        place.wait();
        place
    }

    /// Those that may have a large head.
    pub(super) fn large_heads(&self) -> Arc<Semaphore> {
        Arc::clone(&self.all.large_heads)
    }

    /// It waits for a request.
    pub(super) fn wait(&self) {
        let mut idle = self.all.lock();
        let number = idle.next;
        idle.next += 1;
        idle.waiting.insert(number, Arc::clone(&self.end));
        *self.number() = Some(number);
    }

    /// It has a request.
    pub(super) fn work(&self) {
        let number = self.number().take();
        if let Some(number) = number {
            self.all.lock().waiting.remove(&number);
        }
    }

    /// Returns when it has to make room.
    pub(super) async fn asked_to_end(&self) {
        self.end.notified().await;
    }

    fn number(&self) -> MutexGuard<'_, Option<u64>> {
        self.number.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.work();
    }
}
