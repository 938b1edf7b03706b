//! Runs a program that may do anything: never end, print without end, leave others behind.

use std::io::{self, Read, Write as _};
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{self, Receiver};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process_group};

use super::HelperProblem;
use crate::cancel::{Token, Undo};

/// The most that is read of standard output; of standard error, the rest is thrown away.
const MAX_OUTPUT: usize = 1 << 20;
/// The most that is kept of standard error.
const MAX_TALK: usize = 8 << 10;
/// How often is looked whether the program has ended.
const STEP: Duration = Duration::from_millis(5);
/// How long a program's output is waited for when it has ended: it may have left another one that holds the pipe.
const GRACE: Duration = Duration::from_secs(1);

/// How a program ended.
pub(super) struct Outcome {
    pub(super) status: ExitStatus,
    pub(super) stdout: Vec<u8>,
    pub(super) stderr: Vec<u8>,
}

/// How programs are run.
#[derive(Debug, Clone)]
pub(super) struct Limits {
    /// How long one may take.
    pub(super) time: Duration,
    /// When the job is cancelled, its programs end.
    pub(super) job: Token,
}

impl Limits {
    /// Runs a program with one argument, and waits for its end. `input` is what it reads.
    pub(super) fn run(&self, program: &Path, argument: &str, input: Vec<u8>) -> Result<Outcome, HelperProblem> {
        // Cancelling waits until the program is killed.
        let _undo = Undo::begin(&self.job).map_err(|_| HelperProblem::Cancelled)?;
        let mut command = Command::new(program);
        command.arg(argument).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        // A group of its own, so that what it starts is killed with it.
        let mut child = command.process_group(0).spawn().map_err(HelperProblem::Start)?;
        if let Some(mut stdin) = child.stdin.take() {
            // A program that does not read what it gets is no failure.
            thread::spawn(move || drop(stdin.write_all(&input)));
        }
        let stdout = Pipe::read(child.stdout.take(), MAX_OUTPUT);
        let stderr = Pipe::read(child.stderr.take(), MAX_TALK);
        let status = self.wait(&mut child, &stdout)?;
        let stdout = stdout.finish();
        if stdout.len() > MAX_OUTPUT {
            return Err(HelperProblem::Endless(MAX_OUTPUT));
        }
        Ok(Outcome { status, stdout, stderr: stderr.finish() })
    }

    fn wait(&self, child: &mut Child, stdout: &Pipe) -> Result<ExitStatus, HelperProblem> {
        let started = Instant::now();
        loop {
            let problem = match child.try_wait() {
                Ok(Some(status)) => return Ok(status),
                Err(error) => HelperProblem::Start(error),
                _ if self.job.is_cancelled() => HelperProblem::Cancelled,
                _ if stdout.len() > MAX_OUTPUT => HelperProblem::Endless(MAX_OUTPUT),
                _ if started.elapsed() >= self.time => HelperProblem::Hanging(self.time),
                Ok(None) => {
                    thread::sleep(STEP);
                    continue;
                }
            };
            kill(child);
            return Err(problem);
        }
    }
}

/// Kills a program and all of its group.
fn kill(child: &mut Child) {
    if let Some(group) = i32::try_from(child.id()).ok().and_then(Pid::from_raw) {
        let _ = kill_process_group(group, Signal::KILL);
    }
    let _ = child.wait();
}

/// What comes out of a program, up to a limit and one byte.
struct Pipe {
    bytes: Arc<Mutex<Vec<u8>>>,
    ended: Receiver<()>,
}

impl Pipe {
    fn read(stream: Option<impl Read + Send + 'static>, limit: usize) -> Self {
        let (end, ended) = mpsc::channel();
        let bytes = Arc::<Mutex<Vec<u8>>>::default();
        let to = Arc::clone(&bytes);
        thread::spawn(move || {
            if let Some(stream) = stream {
                copy(stream, &to, limit);
            }
            // Nobody waits for the end of what was given up.
            let _ = end.send(());
        });
        Self { bytes, ended }
    }

    fn len(&self) -> usize {
        self.bytes.lock().unwrap_or_else(PoisonError::into_inner).len()
    }

    fn finish(self) -> Vec<u8> {
        let _ = self.ended.recv_timeout(GRACE);
        std::mem::take(&mut self.bytes.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// Keeps the first bytes of a stream and reads it to its end, so that its writer is not stopped.
fn copy(mut stream: impl Read, to: &Mutex<Vec<u8>>, limit: usize) {
    let mut buffer = [0; 4096];
    loop {
        match stream.read(&mut buffer) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(_) | Ok(0) => return,
            Ok(got) => {
                let mut to = to.lock().unwrap_or_else(PoisonError::into_inner);
                let room = (limit + 1).saturating_sub(to.len());
                to.extend(&buffer[..got.min(room)]);
            }
        }
    }
}
