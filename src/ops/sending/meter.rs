//! How far a blob is, and whose turn it is.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Condvar, Mutex, PoisonError};

use crate::image::Progress;

/// How far a blob is: never beyond its end, however often its bytes are read.
pub(super) struct Meter<'a> {
    progress: &'a dyn Progress,
    id: u64,
    /// How many bytes are to come.
    left: AtomicU64,
}

impl<'a> Meter<'a> {
    pub(super) fn new(progress: &'a dyn Progress, id: u64, size: u64) -> Self {
        Self { progress, id, left: AtomicU64::new(size) }
    }

    /// So many bytes more were moved.
    pub(super) fn advance(&self, bytes: u64) {
        let take = |left: u64| Some(left.saturating_sub(bytes));
        let before = self.left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, take).unwrap_or_default();
        let counted = before.min(bytes);
        if counted > 0 {
            self.progress.advance(self.id, counted);
        }
    }

    /// It is there, however it came.
    pub(super) fn complete(&self) {
        self.advance(u64::MAX);
    }
}

/// Lets so many work at a time.
pub(super) struct Turns {
    free: Mutex<usize>,
    returned: Condvar,
}

/// Somebody's turn, until it is dropped.
#[must_use]
pub(super) struct Turn<'a>(&'a Turns);

impl Turns {
    pub(super) fn new(most: usize) -> Self {
        Self { free: Mutex::new(most), returned: Condvar::new() }
    }

    /// Waits for a turn.
    pub(super) fn wait(&self) -> Turn<'_> {
        let free = self.free.lock().unwrap_or_else(PoisonError::into_inner);
        let mut free = self.returned.wait_while(free, |free| *free == 0).unwrap_or_else(PoisonError::into_inner);
        *free -= 1;
        Turn(self)
    }
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        *self.0.free.lock().unwrap_or_else(PoisonError::into_inner) += 1;
        self.0.returned.notify_one();
    }
}
