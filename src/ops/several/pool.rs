//! Whose turn it is: workers for the blobs of all images.

use std::collections::HashSet;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

use crate::oci::Digest;

/// Lets so many work at a time.
pub struct Turns {
    free: Mutex<usize>,
    returned: Condvar,
}

/// Somebody's turn, until it is dropped.
#[must_use]
pub struct Turn<'a>(&'a Turns);

impl Turns {
    /// So many at a time.
    pub fn new(most: usize) -> Self {
        Self { free: Mutex::new(most), returned: Condvar::new() }
    }

    /// Waits for a turn.
    pub fn wait(&self) -> Turn<'_> {
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

/// The workers for the blobs of all images that are moved at once. No two of them work on the same blob.
pub struct Pool {
    turns: Turns,
    moving: Mutex<HashSet<(String, Digest)>>,
    moved: Condvar,
}

/// A blob that is being moved, until this is dropped.
#[must_use]
pub struct Moving<'a> {
    pool: &'a Pool,
    blob: (String, Digest),
    turn: Option<Turn<'a>>,
}

impl Pool {
    /// So many blobs at a time.
    pub fn new(jobs: usize) -> Self {
        Self { turns: Turns::new(jobs), moving: Mutex::default(), moved: Condvar::new() }
    }

    /// Waits for a turn.
    pub fn turn(&self) -> Turn<'_> {
        self.turns.wait()
    }

    /// Waits for a turn to move a blob to a place, and while the same blob is moved there for another image.
    pub fn enter(&self, place: &str, digest: &Digest) -> Moving<'_> {
        let blob = (place.to_owned(), *digest);
        // Who waits for another holds no turn: the other may wait for one.
        let is_moving = |moving: &mut HashSet<_>| moving.contains(&blob);
        let moving = self.moved.wait_while(self.moving(), is_moving);
        moving.unwrap_or_else(PoisonError::into_inner).insert(blob.clone());
        let mut entered = Moving { pool: self, blob, turn: None };
        entered.turn = Some(self.turns.wait());
        entered
    }

    fn moving(&self) -> MutexGuard<'_, HashSet<(String, Digest)>> {
        self.moving.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Moving<'_> {
    fn drop(&mut self) {
        self.turn = None;
        self.pool.moving().remove(&self.blob);
        self.pool.moved.notify_all();
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    #[test]
    fn so_many_at_a_time_and_each_blob_alone() {
        let pool = Pool::new(3);
        let (now, most) = (AtomicUsize::new(0), AtomicUsize::new(0));
        let own: Vec<AtomicUsize> = (0..4).map(|_| AtomicUsize::new(0)).collect();
        std::thread::scope(|scope| {
            for number in 0..32_usize {
                let (pool, now, most, own) = (&pool, &now, &most, &own[number % 4]);
                scope.spawn(move || {
                    let _moving = pool.enter("here", &Digest::of(&[u8::try_from(number % 4).expect("it is small")]));
                    most.fetch_max(now.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
                    assert_eq!(own.fetch_add(1, Ordering::SeqCst), 0, "another has the same blob");
                    std::thread::yield_now();
                    own.fetch_sub(1, Ordering::SeqCst);
                    now.fetch_sub(1, Ordering::SeqCst);
                });
            }
        });
        assert!((1..=3).contains(&most.into_inner()));
    }
}
