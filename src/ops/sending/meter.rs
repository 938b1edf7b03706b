//! How far a blob is.

use std::sync::atomic::{AtomicU64, Ordering};

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
