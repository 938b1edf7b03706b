//! Questions to the user: on standard error, answered on standard input.

use std::io::{self, IsTerminal as _};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;
use rustix::termios::{LocalModes, OptionalActions, Termios, tcgetattr, tcsetattr};

use super::error::CliError;
use crate::cancel::{Token, Undo};
use crate::registry::Secret;
use crate::ui::Ui;

/// Longer answers are none.
const MAX_ANSWER: usize = 64 << 10;
/// How soon an answer that is waited for is given up when the job is cancelled.
const STEP: Timespec = Timespec { tv_sec: 0, tv_nsec: 20_000_000 };

/// Asks the user.
pub(super) struct Prompt<'a> {
    ui: &'a Ui,
    job: &'a Token,
}

impl<'a> Prompt<'a> {
    /// Somebody who can be asked, if there is a terminal to type on.
    pub(super) fn open(ui: &'a Ui, job: &'a Token) -> Option<Self> {
        io::stdin().is_terminal().then_some(Self { ui, job })
    }

    /// Asks for a line.
    pub(super) fn ask(&self, question: &str) -> Result<String, CliError> {
        self.ui.ask(question);
        self.line()
    }

    /// Asks for a line that is not shown while it is typed.
    pub(super) fn ask_secretly(&self, question: &str) -> Result<Secret, CliError> {
        self.ui.ask(question);
        // Ctrl-C waits until the terminal is as it was.
        let _undo = Undo::begin(self.job).map_err(CliError::Terminal)?;
        let hidden = Hidden::begin().map_err(|error| CliError::Terminal(error.into()))?;
        let line = self.line();
        drop(hidden);
        self.ui.note("");
        line.map(Secret::new)
    }

    /// The next line, without its end.
    fn line(&self) -> Result<String, CliError> {
        let stdin = io::stdin();
        let (mut line, mut byte) = (Vec::new(), [0]);
        loop {
            let ready = poll(&mut [PollFd::new(&stdin, PollFlags::IN)], Some(&STEP));
            self.job.check().map_err(CliError::Terminal)?;
            if matches!(ready, Ok(0) | Err(Errno::INTR)) {
                continue;
            }
            // Byte by byte: what follows the line is the answer to the next question.
            match rustix::io::read(&stdin, &mut byte) {
                Ok(0) => break,
                Ok(_) if byte == *b"\n" => break,
                Ok(_) if line.len() < MAX_ANSWER => line.push(byte[0]),
                Ok(_) => return Err(CliError::Plain(format!("the answer has more than {MAX_ANSWER} bytes"))),
                Err(Errno::INTR) => {}
                Err(error) => return Err(CliError::Terminal(error.into())),
            }
        }
        String::from_utf8(line).map_err(|_| CliError::Plain("the answer is not UTF-8".to_owned()))
    }
}

/// As long as this lives, what is typed is not shown.
struct Hidden(Termios);

impl Hidden {
    fn begin() -> Result<Self, Errno> {
        let before = tcgetattr(io::stdin())?;
        let mut hidden = before.clone();
        hidden.local_modes.remove(LocalModes::ECHO);
        tcsetattr(io::stdin(), OptionalActions::Now, &hidden)?;
        Ok(Self(before))
    }
}

impl Drop for Hidden {
    fn drop(&mut self) {
        // A terminal that is gone shows nothing.
        let _ = tcsetattr(io::stdin(), OptionalActions::Now, &self.0);
    }
}
