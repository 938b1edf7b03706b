//! Starts a program, passes on what it writes, and waits for its end.

use std::fs;
use std::io::{self, Read, Write as _};
use std::process::{Child, Command, Stdio};
use std::thread;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::{Pid, PidfdFlags, getpid, pidfd_open};
use serde::Deserialize;

use super::child::OUTSIDE;
use super::failure::Failure;
use super::lines::pass_lines;
use super::plan::LOG;
use super::{Error, Plan, Stream};

/// How long it may take until a cancelled job is noticed, in nanoseconds.
const TICK: i64 = 100_000_000;
/// The most of a runtime's log that is read.
const LONGEST_LOG: u64 = 1 << 20;

/// How a program ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ended {
    /// With this exit code; 128 and the signal's number if a signal killed it.
    Code(i32),
    /// The runtime could not start it.
    NotStarted(String),
}

/// Whether the program is still wanted; an error ends it.
pub type Wanted<'a> = &'a (dyn Fn() -> io::Result<()> + Sync);

/// Runs a program. `output` gets each line that it writes; the process is killed when it is no longer wanted.
pub fn run(plan: &Plan, output: &(dyn Fn(Stream, &[u8]) + Sync), wanted: Wanted<'_>) -> Result<Ended, Error> {
    let failed = Error::io(&plan.folder);
    let result = start(plan, output, wanted);
    let code = result.map_err(failed)?;
    if code == 0 {
        return Ok(Ended::Code(0));
    }
    if let Some(failure) = Failure::read(&plan.folder) {
        return Err(failure.into());
    }
    Ok(complaint(plan).map_or(Ended::Code(code), Ended::NotStarted))
}

fn start(plan: &Plan, output: &(dyn Fn(Stream, &[u8]) + Sync), wanted: Wanted<'_>) -> io::Result<i32> {
    let bytes = serde_json::to_vec(plan)?;
    let mut child = Command::new("/proc/self/exe")
        .args([OUTSIDE, &getpid().as_raw_nonzero().to_string()])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()?;
    let (stdin, out, error) = (child.stdin.take(), child.stdout.take(), child.stderr.take());
    thread::scope(|scope| {
        let pass = |from: Option<Box<dyn Read + Send>>, stream| {
            scope.spawn(move || from.map_or(Ok(()), |from| pass_lines(from, &|line| output(stream, line))))
        };
        let readers = [
            pass(out.map(|out| Box::new(out) as Box<dyn Read + Send>), Stream::Out),
            pass(error.map(|error| Box::new(error) as Box<dyn Read + Send>), Stream::Error),
        ];
        // One that ended already says by its exit code that it did.
        let _ = stdin.map(|mut stdin| stdin.write_all(&bytes));
        let code = wait(&mut child, wanted);
        if code.is_err() {
            let _ = child.kill();
            let _ = child.wait();
        }
        for reader in readers {
            reader.join().unwrap_or(Ok(()))?;
        }
        code
    })
}

/// Waits for the end; an error if it is no longer wanted.
fn wait(child: &mut Child, wanted: Wanted<'_>) -> io::Result<i32> {
    let pid = i32::try_from(child.id()).ok().and_then(Pid::from_raw).ok_or(io::ErrorKind::InvalidInput)?;
    let handle = pidfd_open(pid, PidfdFlags::empty())?;
    loop {
        wanted()?;
        let mut ends = [PollFd::new(&handle, PollFlags::IN)];
        match poll(&mut ends, Some(&Timespec { tv_sec: 0, tv_nsec: TICK })) {
            Ok(0) | Err(rustix::io::Errno::INTR) => {}
            Ok(_) => return Ok(child.wait()?.code().unwrap_or(1)),
            Err(error) => return Err(error.into()),
        }
    }
}

/// A line of a runtime's log.
#[derive(Deserialize)]
struct LogLine {
    /// crun writes only errors, and leaves this out.
    #[serde(default = "error_level")]
    level: String,
    msg: String,
}

fn error_level() -> String {
    "error".to_owned()
}

/// What the runtime says of an error of its own.
fn complaint(plan: &Plan) -> Option<String> {
    let mut bytes = Vec::new();
    fs::File::open(plan.folder.join(LOG)).ok()?.take(LONGEST_LOG).read_to_end(&mut bytes).ok()?;
    let text = String::from_utf8_lossy(&bytes);
    let lines = text.lines().filter_map(|line| serde_json::from_str::<LogLine>(line).ok());
    let is_error = |line: &LogLine| matches!(&*line.level, "error" | "fatal" | "ERROR");
    let last = lines.rev().find(is_error);
    last.map(|line| line.msg.trim().to_owned())
}
