//! Makes the stages that a build needs, side by side where they do not need each other.

use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;

use super::error::{BuildError, Why};
use super::made::MadeStage;
use super::maker::Maker;
use super::stage::Making;

/// What is still to be done.
struct Board {
    /// The stages that nobody makes yet, each behind what it needs.
    waiting: Vec<usize>,
    /// The first error; those that follow from it are not kept.
    failed: Option<BuildError>,
}

/// Makes what the target needs, and gives the target.
pub(super) fn make(maker: &Maker<'_>) -> Result<MadeStage, BuildError> {
    let board = Mutex::new(Board { waiting: maker.plan.order.clone(), failed: None });
    let changed = Condvar::new();
    let workers = maker.options.jobs.clamp(1, maker.plan.order.len());
    if workers == 1 {
        work(maker, &board, &changed);
    } else {
        thread::scope(|scope| {
            for _ in 0..workers {
                scope.spawn(|| work(maker, &board, &changed));
            }
        });
    }
    let board = board.into_inner().unwrap_or_else(PoisonError::into_inner);
    match (board.failed, maker.made(maker.plan.target)) {
        (None, Some(stage)) => Ok((*stage).clone()),
        (Some(error), _) => Err(error),
        (None, None) => Err(BuildError::plain(&maker.opened.dockerfile.name, Why::Ended)),
    }
}

fn work(maker: &Maker<'_>, board: &Mutex<Board>, changed: &Condvar) {
    while let Some(place) = next(maker, board, changed) {
        let made = Making::make(maker, place);
        let mut board = lock(board);
        match made {
            Ok(stage) => maker.keep(place, stage),
            Err(error) => {
                maker.fail();
                let is_first = board.failed.as_ref().is_none_or(|known| matches!(known.why, Why::Ended));
                if is_first {
                    board.failed = Some(error);
                }
            }
        }
        changed.notify_all();
    }
}

/// A stage that can be made; none if there is nothing left to do.
fn next(maker: &Maker<'_>, board: &Mutex<Board>, changed: &Condvar) -> Option<usize> {
    let mut board = lock(board);
    loop {
        if board.failed.is_some() || board.waiting.is_empty() {
            return None;
        }
        let is_ready = |place: &usize| maker.plan.stages[*place].needs.iter().all(|need| maker.made(*need).is_some());
        if let Some(at) = board.waiting.iter().position(is_ready) {
            return Some(board.waiting.remove(at));
        }
        board = changed.wait(board).unwrap_or_else(PoisonError::into_inner);
    }
}

fn lock(board: &Mutex<Board>) -> MutexGuard<'_, Board> {
    board.lock().unwrap_or_else(PoisonError::into_inner)
}
