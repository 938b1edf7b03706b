//! A pseudo-terminal to run a command on.

use std::fs::File;
use std::io::Read as _;
use std::process::{Command, Stdio};

use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};

/// Which of the command's streams are the terminal; the others are empty or thrown away.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Streams {
    pub(crate) stdin: bool,
    pub(crate) stdout: bool,
    pub(crate) stderr: bool,
}

/// Runs a command on a terminal; gives its exit code and what appeared on the screen.
pub(crate) fn run(mut command: Command, streams: Streams) -> (i32, String) {
    let made = "a pseudo-terminal can be made";
    let master = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).expect(made);
    grantpt(&master).expect(made);
    unlockpt(&master).expect(made);
    let name = ptsname(&master, Vec::new()).expect(made).into_string().expect("terminals have plain names");
    let terminal = File::options().read(true).write(true).open(name).expect(made);
    command.env("TERM", "xterm");
    let stream = |on: bool| if on { Stdio::from(terminal.try_clone().expect(made)) } else { Stdio::null() };
    command.stdin(stream(streams.stdin)).stdout(stream(streams.stdout)).stderr(stream(streams.stderr));
    let mut child = command.spawn().expect("the binary starts");
    drop(command);
    drop(terminal);
    let screen = std::thread::spawn(move || {
        let mut bytes = Vec::new();
        // Reading from a terminal that everybody left ends in an error: that is its end.
        let _left = File::from(master).read_to_end(&mut bytes);
        String::from_utf8_lossy(&bytes).into_owned()
    });
    let status = child.wait().expect("the binary ends");
    (status.code().expect("not killed"), screen.join().expect("the reader does not panic"))
}
