//! Parallel work.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};

/// How many layers are worked on at a time.
pub fn threads() -> usize {
    /// More would only make the disk seek.
    const MOST: usize = 8;
    cores().clamp(2, MOST)
}

/// How many threads the machine runs at once.
pub fn cores() -> usize {
    std::thread::available_parallelism().map_or(2, std::num::NonZero::get)
}

/// Runs `job` for each of `things` with up to `threads` threads. The results are in the order of `things`. After an
/// error no further job is started; of several errors, that of the first thing is returned.
pub fn for_each<T, R, E>(
    things: &[T],
    threads: usize,
    job: impl Fn(usize, &T) -> Result<R, E> + Sync,
) -> Result<Vec<R>, E>
where
    T: Sync,
    R: Send,
    E: Send,
{
    let (next, results) = (AtomicUsize::new(0), Mutex::new(Vec::with_capacity(things.len())));
    let work = || {
        loop {
            let place = next.fetch_add(1, Ordering::Relaxed);
            let Some(thing) = things.get(place) else { return };
            let result = job(place, thing);
            if result.is_err() {
                next.store(things.len(), Ordering::Relaxed);
            }
            results.lock().unwrap_or_else(PoisonError::into_inner).push((place, result));
        }
    };
    std::thread::scope(|scope| {
        for _ in 0..threads.min(things.len()) {
            scope.spawn(work);
        }
    });
    let mut results = results.into_inner().unwrap_or_else(PoisonError::into_inner);
    results.sort_by_key(|(place, _)| *place);
    results.into_iter().map(|(_, result)| result).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn results_come_in_order() {
        let things: Vec<usize> = (0..100).collect();
        let doubled = for_each(&things, 7, |place, thing| Ok::<_, ()>((place, thing * 2))).expect("no job fails");
        assert_eq!(doubled, things.iter().map(|thing| (*thing, thing * 2)).collect::<Vec<_>>());
        assert_eq!(for_each(&[(); 0], 7, |_, ()| Err::<(), ()>(())), Ok(vec![]));
    }

    #[test]
    fn an_error_ends_the_work() {
        let done = AtomicUsize::new(0);
        let result = for_each(&[0; 1000], 2, |place, _| {
            done.fetch_add(1, Ordering::Relaxed);
            if place >= 3 { Err(place) } else { Ok(()) }
        });
        assert!(result.is_err_and(|place| place == 3 || place == 4));
        assert!(done.into_inner() < 10);
    }
}
