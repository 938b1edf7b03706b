//! Cancelling a job midway without leaving anything behind.
//!
//! Each job has a [`Token`], and everything that works for the job holds a clone of it. The command line runs one job,
//! cancelled by Ctrl-C; a server would run one per request and cancel it when its client disconnects. Anything that
//! must not outlive its job is made in one of three ways:
//!
//! ```text
//! Draft   an unfinished file or folder               [`Token::cancel`] deletes it, whatever its threads are doing
//! Undo    a tree that many threads write             they poll [`Token::check`], fail, clean up; [`Token::cancel`] waits
//! finish  the step that makes the result visible     once it has begun it is too late to cancel: the job completes,
//!                                                    or goes on with the next part ([`Token::go_on`])
//! ```
//!
//! Invariant: after [`Token::cancel`] returns [`Ended::Clean`], the job has no drafts, can create none, and publishes
//! nothing. It holds because drafts are created, published and cancelled under one lock. Other jobs are not affected.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

/// The outcome of a cancellation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ended {
    /// The job was cancelled and everything it had begun is removed.
    Clean,
    /// The result was already being published; the job runs to completion.
    TooLate,
}

/// A cancellable job. Clones refer to the same job.
#[derive(Debug, Clone, Default)]
pub struct Token(Arc<Job>);

#[derive(Debug, Default)]
struct Job {
    state: Mutex<JobState>,
    /// Polled often, so readable without the lock.
    cancelled: AtomicBool,
    /// Notified when an [`Undo`] is dropped.
    undone: Condvar,
}

#[derive(Debug, Default)]
struct JobState {
    drafts: BTreeMap<u64, PathBuf>,
    next: u64,
    undoing: usize,
    /// How many results are being published, or were.
    finishing: usize,
    /// Whether it was to be cancelled when that was too late.
    is_asked: bool,
    cancelled: bool,
}

impl JobState {
    fn alive(&self) -> io::Result<()> {
        if self.cancelled { Err(interrupted()) } else { Ok(()) }
    }
}

/// Not `ErrorKind::Interrupted`: that means "try again".
fn interrupted() -> io::Error {
    io::Error::other("interrupted")
}

impl Token {
    /// A new job.
    pub fn new() -> Self {
        Self::default()
    }

    /// Whether the job has been cancelled.
    pub fn is_cancelled(&self) -> bool {
        self.0.cancelled.load(Ordering::Relaxed)
    }

    /// Fails once the job has been cancelled; for use in loops.
    pub fn check(&self) -> io::Result<()> {
        if self.is_cancelled() { Err(interrupted()) } else { Ok(()) }
    }

    /// Cancels the job: deletes its drafts and waits until every [`Undo`] has cleaned up.
    pub fn cancel(&self) -> Ended {
        let mut state = self.state();
        if state.finishing > 0 {
            state.is_asked = true;
            return Ended::TooLate;
        }
        state.cancelled = true;
        self.0.cancelled.store(true, Ordering::Relaxed);
        while state.undoing > 0 {
            state = self.0.undone.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
        for path in std::mem::take(&mut state.drafts).into_values() {
            remove(&path);
        }
        Ended::Clean
    }

    /// Begins publishing the result: from now on the job can no longer be cancelled.
    pub fn finish(&self) -> io::Result<()> {
        let mut state = self.state();
        state.alive()?;
        state.finishing += 1;
        Ok(())
    }

    /// A part of the result is published, and more is to come: the job can be cancelled again. If that was asked for
    /// meanwhile, it is cancelled now, and what it has begun is cleaned up as it fails.
    pub fn go_on(&self) {
        let mut state = self.state();
        state.finishing = state.finishing.saturating_sub(1);
        if state.finishing == 0 && state.is_asked {
            state.cancelled = true;
            self.0.cancelled.store(true, Ordering::Relaxed);
        }
    }

    fn state(&self) -> MutexGuard<'_, JobState> {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// How often deleting a folder is retried, since its owner may be deleting it at the same time.
const ATTEMPTS: usize = 10;

fn remove(path: &Path) {
    for _ in 0..ATTEMPTS {
        let is_folder = path.symlink_metadata().map(|metadata| metadata.is_dir());
        let removed = match is_folder {
            Ok(true) => fs::remove_dir_all(path),
            Ok(false) => fs::remove_file(path),
            Err(_) => return,
        };
        if removed.is_ok() {
            return;
        }
    }
}

/// A file or folder that is deleted if the job is cancelled. In all other cases its owner deletes it.
#[must_use = "a draft that is not held is not deleted"]
#[derive(Debug)]
pub struct Draft {
    job: Token,
    id: u64,
}

impl Draft {
    /// Calls `make` to create it; `make` returns its path.
    pub fn create<T>(job: &Token, make: impl FnOnce() -> io::Result<(T, PathBuf)>) -> io::Result<(T, Self)> {
        let mut state = job.state();
        state.alive()?;
        let (thing, path) = make()?;
        let id = state.next;
        state.next += 1;
        state.drafts.insert(id, path);
        Ok((thing, Self { job: job.clone(), id }))
    }

    /// Calls `rename` to move it to its final place. If that fails it remains a draft.
    pub fn publish<T>(&self, rename: impl FnOnce() -> io::Result<T>) -> io::Result<T> {
        let mut state = self.job.state();
        state.alive()?;
        let renamed = rename()?;
        state.drafts.remove(&self.id);
        Ok(renamed)
    }
}

impl Drop for Draft {
    fn drop(&mut self) {
        self.job.state().drafts.remove(&self.id);
    }
}

/// Held by code that deletes what it made when [`Token::check`] fails; [`Token::cancel`] waits until it is dropped.
#[must_use = "nobody waits for what is not held"]
#[derive(Debug)]
pub struct Undo(Token);

impl Undo {
    /// Call this before anything is made.
    pub fn begin(job: &Token) -> io::Result<Self> {
        let mut state = job.state();
        state.alive()?;
        state.undoing += 1;
        Ok(Self(job.clone()))
    }
}

impl Drop for Undo {
    fn drop(&mut self) {
        self.0.state().undoing -= 1;
        self.0.0.undone.notify_all();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn draft(job: &Token, path: &Path) -> Draft {
        let make = || Ok(((), path.to_owned()));
        fs::write(path, "half").expect("a writable folder");
        Draft::create(job, make).expect("a job that goes on").1
    }

    #[test]
    fn one_job_is_cancelled_and_the_other_goes_on() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let path = |name: &str| folder.path().join(name);
        let (one, other) = (Token::new(), Token::new());
        let (first, second) = (draft(&one, &path("first")), draft(&other, &path("second")));
        assert_eq!(one.clone().cancel(), Ended::Clean);
        assert!(!path("first").exists(), "its draft is deleted");
        assert!(one.check().is_err() && one.finish().is_err() && Undo::begin(&one).is_err());
        assert!(Draft::create(&one, || Ok(((), path("third")))).is_err(), "it can make none");
        assert!(first.publish(|| Ok(())).is_err(), "nothing of it becomes visible");

        assert!(path("second").exists() && other.check().is_ok());
        second.publish(|| fs::rename(path("second"), path("done"))).expect("the other goes on");
        other.finish().expect("the other goes on");
        assert_eq!(other.cancel(), Ended::TooLate);
        assert!(path("done").exists() && !other.is_cancelled());
    }

    #[test]
    fn a_job_of_several_parts_can_be_cancelled_between_them() {
        let job = Token::new();
        job.finish().expect("a job that goes on");
        job.go_on();
        job.finish().expect("the next part");
        assert_eq!(job.cancel(), Ended::TooLate);
        assert!(job.check().is_ok(), "the part is published whole");
        job.go_on();
        assert!(job.check().is_err() && job.finish().is_err(), "what follows is not begun");
        assert_eq!(job.cancel(), Ended::Clean);
    }

    #[test]
    fn what_is_being_undone_is_waited_for() {
        let job = Token::new();
        let undone = AtomicBool::new(false);
        let undo = Undo::begin(&job).expect("a job that goes on");
        std::thread::scope(|scope| {
            scope.spawn(|| {
                while job.check().is_ok() {
                    std::thread::yield_now();
                }
                undone.store(true, Ordering::SeqCst);
                drop(undo);
            });
            assert_eq!(job.cancel(), Ended::Clean);
            assert!(undone.load(Ordering::SeqCst));
        });
    }
}
