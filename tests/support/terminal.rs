//! A pseudo-terminal to run a command on.

use std::fs::File;
use std::io::{Read as _, Write as _};
use std::process::{Command, Stdio};
use std::str::Chars;
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};

/// Which of the command's streams are the terminal; the others are empty or thrown away.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Streams {
    pub(crate) stdin: bool,
    pub(crate) stdout: bool,
    pub(crate) stderr: bool,
}

/// A terminal, and what appears on it.
pub(crate) struct Screen {
    terminal: File,
    keyboard: File,
    reader: JoinHandle<()>,
    seen: Arc<Mutex<Vec<u8>>>,
}

impl Screen {
    pub(crate) fn open() -> Self {
        let made = "a pseudo-terminal can be made";
        let master = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).expect(made);
        grantpt(&master).expect(made);
        unlockpt(&master).expect(made);
        let name = ptsname(&master, Vec::new()).expect(made).into_string().expect("terminals have plain names");
        let terminal = File::options().read(true).write(true).open(name).expect(made);
        let seen = Arc::<Mutex<Vec<u8>>>::default();
        let (mut master, all) = (File::from(master), Arc::clone(&seen));
        let keyboard = master.try_clone().expect("an open file");
        let reader = std::thread::spawn(move || {
            let mut buffer = [0; 4096];
            // Reading from a terminal that everybody left ends in an error: that is its end.
            while let Ok(got @ 1..) = master.read(&mut buffer) {
                all.lock().expect("no thread panicked").extend(&buffer[..got]);
            }
        });
        Self { terminal, keyboard, reader, seen }
    }

    /// The terminal as a stream of a command.
    pub(crate) fn stream(&self) -> Stdio {
        Stdio::from(self.terminal.try_clone().expect("an open file"))
    }

    /// Types a text.
    pub(crate) fn type_in(&self, text: &str) {
        (&self.keyboard).write_all(text.as_bytes()).expect("the terminal is there");
    }

    /// Whether the terminal shows what is typed.
    pub(crate) fn echoes(&self) -> bool {
        let modes = rustix::termios::tcgetattr(&self.terminal).expect("a terminal").local_modes;
        modes.contains(rustix::termios::LocalModes::ECHO)
    }

    /// Waits until this text has appeared.
    pub(crate) fn wait_for(&self, text: &str) {
        let deadline = Instant::now() + Duration::from_secs(30);
        while !String::from_utf8_lossy(&self.seen.lock().expect("no thread panicked")).contains(text) {
            assert!(Instant::now() < deadline, "{text:?} does not appear");
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    /// All that ever appeared, once everybody has left the terminal.
    pub(crate) fn end(self) -> String {
        drop(self.terminal);
        self.reader.join().expect("the reader does not panic");
        String::from_utf8_lossy(&self.seen.lock().expect("no thread panicked")).into_owned()
    }
}

/// Runs a command on a terminal; gives its exit code and what appeared on the screen.
pub(crate) fn run(mut command: Command, streams: Streams) -> (i32, String) {
    let screen = Screen::open();
    command.env("TERM", "xterm");
    let stream = |on: bool| if on { screen.stream() } else { Stdio::null() };
    command.stdin(stream(streams.stdin)).stdout(stream(streams.stdout)).stderr(stream(streams.stderr));
    let mut child = command.spawn().expect("the binary starts");
    drop(command);
    let status = child.wait().expect("the binary ends");
    (status.code().expect("not killed"), screen.end())
}

/// The lines that a terminal shows after all this was written to it, without blank ones at the end.
pub(crate) fn shown(written: &str) -> Vec<String> {
    let mut rows: Vec<Vec<char>> = vec![Vec::new()];
    let (mut row, mut column) = (0_usize, 0_usize);
    let mut rest = written.chars();
    while let Some(next) = rest.next() {
        match next {
            '\r' => column = 0,
            '\n' => row += 1,
            '\x1b' => {
                let sequence = sequence(&mut rest);
                let count = sequence.trim_end_matches(char::is_alphabetic).parse().unwrap_or(1);
                match sequence.chars().last() {
                    Some('A') => row = row.saturating_sub(count),
                    Some('B') => row += count,
                    Some('C') => column += count,
                    Some('D') => column = column.saturating_sub(count),
                    Some('K') => rows[row].clear(),
                    _ => {}
                }
            }
            letter => {
                let line = &mut rows[row];
                line.resize(line.len().max(column + 1), ' ');
                line[column] = letter;
                column += 1;
            }
        }
        rows.resize(rows.len().max(row + 1), Vec::new());
    }
    let mut lines: Vec<String> =
        rows.into_iter().map(|row| row.iter().collect::<String>().trim_end().to_owned()).collect();
    lines.truncate(lines.iter().rposition(|line| !line.is_empty()).map_or(0, |last| last + 1));
    lines
}

/// The rest of an escape sequence, up to the letter that ends it.
fn sequence(rest: &mut Chars<'_>) -> String {
    let mut sequence = String::new();
    for next in rest.by_ref().skip_while(|c| *c == '[') {
        sequence.push(next);
        if next.is_ascii_alphabetic() {
            break;
        }
    }
    sequence
}
