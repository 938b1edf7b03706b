//! The processes between imgtool and the runtime. Each is killed when the one before it ends.

use std::io::{self, Read as _, Write as _};
use std::os::unix::process::{CommandExt as _, ExitStatusExt as _};
use std::process::{Command, ExitStatus, Stdio};

use nix::sched::{CloneFlags, unshare};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fs::Mode;
use rustix::process::{Signal, getppid, set_parent_process_death_signal, umask};

use super::failure::Failure;
use super::{Plan, inside};

/// The word by which imgtool calls itself to make the namespaces.
pub(super) const OUTSIDE: &str = "--imgtool-run";
/// The word by which it calls itself as the first process in them.
pub(super) const INSIDE: &str = "--imgtool-run-inside";

/// Makes new namespaces, and is told by standard input what to start there. Returns the exit code.
pub(super) fn outside(words: &[String]) -> u8 {
    let parent = words.first().and_then(|pid| pid.parse().ok());
    if bind_to_parent().is_err() || getppid().map(|pid| pid.as_raw_nonzero().get()) != parent {
        return 1;
    }
    match start() {
        Ok(status) => code(status),
        Err((folder, failure)) => {
            if let Some(folder) = folder {
                failure.write(&folder);
            }
            1
        }
    }
}

type Problem = (Option<std::path::PathBuf>, Failure);

fn start() -> Result<ExitStatus, Problem> {
    let mut bytes = Vec::new();
    io::stdin().read_to_end(&mut bytes).map_err(|error| (None, Failure::of("reading the plan")(error)))?;
    let plan: Plan = serde_json::from_slice(&bytes).map_err(|error| (None, Failure::of("reading the plan")(error)))?;
    let failed = |failure| (Some(plan.folder.clone()), failure);
    unshare(CloneFlags::CLONE_NEWPID | CloneFlags::CLONE_NEWNS)
        .map_err(|error| failed(Failure::of("making namespaces")(error)))?;
    let spawned = Command::new("/proc/self/exe").arg(INSIDE).stdin(Stdio::piped()).spawn();
    let mut child = spawned.map_err(|error| failed(Failure::of("starting a process in new namespaces")(error)))?;
    // It stays open: as long as it is, the child knows that this process lives.
    let mut pipe = child.stdin.take();
    if let Some(pipe) = &mut pipe {
        let length = (bytes.len() as u64).to_le_bytes();
        // A child that ended says why itself.
        let _ = pipe.write_all(&length).and_then(|()| pipe.write_all(&bytes));
    }
    let status = child.wait().map_err(|error| failed(Failure::of("waiting for the program")(error)));
    drop(pipe);
    status
}

/// Mounts everything and becomes the runtime; only if that fails, it returns.
pub(super) fn inside() -> u8 {
    let Some(plan) = told() else { return 1 };
    let failure = match inside::prepare(&plan) {
        Ok(mut runtime) => Failure::of("starting the runtime")(runtime.stdin(Stdio::null()).exec()),
        Err(failure) => failure,
    };
    failure.write(&plan.folder);
    1
}

/// What this process is to do, if the one that started it still lives.
fn told() -> Option<Plan> {
    bind_to_parent().ok()?;
    let mut pipe = io::stdin();
    let mut length = [0; 8];
    pipe.read_exact(&mut length).ok()?;
    let mut bytes = Vec::new();
    pipe.lock().take(u64::from_le_bytes(length)).read_to_end(&mut bytes).ok()?;
    let plan = serde_json::from_slice(&bytes).ok()?;
    let mut ends = [PollFd::new(&pipe, PollFlags::IN)];
    poll(&mut ends, Some(&Timespec { tv_sec: 0, tv_nsec: 0 })).ok()?;
    // The other end is closed if the parent ended before this process asked to be killed with it.
    (!ends[0].revents().contains(PollFlags::HUP)).then_some(plan)
}

fn bind_to_parent() -> io::Result<()> {
    umask(Mode::WGRP | Mode::WOTH);
    Ok(set_parent_process_death_signal(Some(Signal::KILL))?)
}

/// The exit code as a shell counts it.
fn code(status: ExitStatus) -> u8 {
    let code = status.code().unwrap_or_else(|| 128 + status.signal().unwrap_or(0));
    u8::try_from(code).unwrap_or(u8::MAX)
}
