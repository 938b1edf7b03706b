//! The one value that writes: data to standard output, talk to standard error.
//!
//! Data that goes to a file or a pipe is passed on byte for byte; data that goes to a terminal is escaped first, since it
//! may hold text from an untrusted image. Talk is always escaped.

use std::borrow::Cow;
use std::io::{self, IsTerminal as _, Write};
use std::sync::{Arc, Mutex, PoisonError};

use indicatif::{MultiProgress, ProgressDrawTarget};

use super::progress::{self, ProgressMode};
use super::text::{escape, escape_lines};
use crate::image::{Progress, Silent};

/// Why data did not arrive.
#[derive(Debug, thiserror::Error)]
pub enum OutputError {
    /// The reader went away, as `head` does: nothing to talk about.
    #[error("the reader of standard output is gone")]
    Closed,
    /// The system did not take it.
    #[error("standard output")]
    Io {
        /// What the system said.
        source: io::Error,
    },
}

impl From<io::Error> for OutputError {
    fn from(source: io::Error) -> Self {
        if source.kind() == io::ErrorKind::BrokenPipe { Self::Closed } else { Self::Io { source } }
    }
}

/// Wider texts are hard to read.
const MOST_COLUMNS: usize = 100;

/// A stream, shared by all who write to it.
pub(super) type Stream = Arc<Mutex<Box<dyn Write + Send>>>;

/// What is known of a stream when the program starts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Terminals {
    /// Whether standard output is a terminal.
    pub stdout: bool,
    /// Whether standard error is a terminal.
    pub stderr: bool,
}

/// Standard output and standard error. Clones write to the same streams.
#[derive(Clone)]
pub struct Ui {
    stdout: Stream,
    stderr: Stream,
    terminals: Terminals,
    colour: bool,
    bars: MultiProgress,
}

impl Ui {
    /// The process's own streams; `colour` says whether what goes to a terminal may have colours.
    pub fn stdio(colour: bool) -> Self {
        let terminals = Terminals { stdout: io::stdout().is_terminal(), stderr: io::stderr().is_terminal() };
        let mut ui = Self::new(Box::new(io::stdout()), Box::new(io::stderr()), terminals, colour);
        if terminals.stderr {
            ui.bars = MultiProgress::with_draw_target(ProgressDrawTarget::stderr());
        }
        ui
    }

    /// Any two streams, for tests. Bars are drawn only on the process's own standard error.
    pub fn new(
        stdout: Box<dyn Write + Send>,
        stderr: Box<dyn Write + Send>,
        terminals: Terminals,
        colour: bool,
    ) -> Self {
        Self {
            stdout: Arc::new(Mutex::new(stdout)),
            stderr: Arc::new(Mutex::new(stderr)),
            terminals,
            colour,
            bars: MultiProgress::with_draw_target(ProgressDrawTarget::hidden()),
        }
    }

    /// Whether standard output is a terminal.
    pub fn stdout_is_terminal(&self) -> bool {
        self.terminals.stdout
    }

    /// Whether standard error is a terminal.
    pub fn stderr_is_terminal(&self) -> bool {
        self.terminals.stderr
    }

    /// How wide a text on standard output may be.
    pub fn columns(&self) -> usize {
        let size = if self.terminals.stdout { rustix::termios::tcgetwinsize(io::stdout()).ok() } else { None };
        // A terminal that does not know its width says 0.
        size.map(|size| usize::from(size.ws_col))
            .filter(|columns| *columns > 0)
            .unwrap_or(MOST_COLUMNS)
            .min(MOST_COLUMNS)
    }

    /// Whether talk on standard error has colours.
    pub fn colour(&self) -> bool {
        self.colour && self.terminals.stderr
    }

    /// `text` as a cell or a word among data may be shown: on a terminal escaped, also its line ends and tabs.
    pub fn word<'a>(&self, text: &'a str) -> Cow<'a, str> {
        if self.terminals.stdout { escape(text) } else { Cow::Borrowed(text) }
    }

    /// Writes data as it is, line ends included; on a terminal all but line ends and tabs is escaped.
    pub fn data(&self, text: &str) -> Result<(), OutputError> {
        let shown = if self.terminals.stdout { escape_lines(text) } else { Cow::Borrowed(text) };
        self.write_data(shown.as_bytes())
    }

    /// Writes data and a line end.
    pub fn line(&self, text: &str) -> Result<(), OutputError> {
        self.data(&format!("{text}\n"))
    }

    /// Writes bytes as they are, wherever they go: an archive, a file out of an image. The caller sees to it that a
    /// terminal gets none.
    pub fn bytes(&self, bytes: &[u8]) -> Result<(), OutputError> {
        self.write_data(bytes)
    }

    /// Standard output for bytes that are written piece by piece, as they are. The caller sees to it that a terminal gets
    /// none.
    pub fn raw(&self) -> impl Write + use<> {
        Raw(Arc::clone(&self.stdout))
    }

    fn write_data(&self, bytes: &[u8]) -> Result<(), OutputError> {
        let write = || {
            let mut stdout = self.stdout.lock().unwrap_or_else(PoisonError::into_inner);
            stdout.write_all(bytes)?;
            Ok(stdout.flush()?)
        };
        // Bars stay where the data goes elsewhere: a reader that is slow keeps nobody from removing them.
        if self.terminals.stdout { self.bars.suspend(write) } else { write() }
    }

    /// Says something on standard error.
    pub fn note(&self, text: &str) {
        self.talk(&escape_lines(text));
    }

    /// Says something on standard error that the answer follows in the same line.
    pub fn ask(&self, question: &str) {
        self.bars.suspend(|| write(&self.stderr, &escape_lines(question)));
    }

    /// Warns on standard error: `warning: …`.
    pub fn warn(&self, text: &str) {
        self.labelled("warning", "33", text);
    }

    /// Tells an error on standard error: `error: …`.
    pub fn error(&self, text: &str) {
        self.labelled("error", "31", text);
    }

    fn labelled(&self, label: &str, colour: &str, text: &str) {
        let text = escape_lines(text);
        if self.colour() {
            self.talk(&format!("\x1b[1;{colour}m{label}\x1b[0m: {text}"));
        } else {
            self.talk(&format!("{label}: {text}"));
        }
    }

    /// Writes a line of talk. Nobody can be told that standard error is gone.
    fn talk(&self, line: &str) {
        self.bars.suspend(|| write_line(&self.stderr, line));
    }

    /// Removes unfinished bars from the terminal, lets `end` end the program, and draws none meanwhile.
    pub fn end(&self, end: impl FnOnce()) {
        // `suspend` panics where nothing can be drawn because the terminal is gone.
        if self.bars.clear().is_err() {
            self.bars.set_draw_target(ProgressDrawTarget::hidden());
        }
        self.bars.suspend(end);
    }

    /// Shows progress on standard error as `mode` says. `quiet` silences all but what was asked for by name.
    pub fn progress(&self, mode: ProgressMode, quiet: bool) -> Box<dyn Progress> {
        match mode {
            ProgressMode::Auto if self.terminals.stderr && !quiet => Box::new(progress::Bars::new(self.bars.clone())),
            ProgressMode::Plain => Box::new(progress::Plain::new(Arc::clone(&self.stderr))),
            ProgressMode::Json => Box::new(progress::Json::new(Arc::clone(&self.stderr))),
            ProgressMode::Auto | ProgressMode::None => Box::new(Silent),
        }
    }
}

/// Standard output without a word about what goes there.
struct Raw(Stream);

impl Write for Raw {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).flush()
    }
}

/// Writes a line at once, so that lines of different threads do not mix.
pub(super) fn write_line(stream: &Stream, line: &str) {
    write(stream, &format!("{line}\n"));
}

fn write(stream: &Stream, text: &str) {
    let mut stream = stream.lock().unwrap_or_else(PoisonError::into_inner);
    let _ = stream.write_all(text.as_bytes()).and_then(|()| stream.flush());
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// A stream that can be read afterwards.
    #[derive(Clone, Default)]
    pub(in crate::ui) struct Memory(Arc<Mutex<Vec<u8>>>);

    impl Memory {
        pub(in crate::ui) fn text(&self) -> String {
            String::from_utf8(self.0.lock().expect("no thread panicked").clone()).expect("UTF-8")
        }
    }

    impl Write for Memory {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().expect("no thread panicked").write(bytes)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    struct Refuses(io::ErrorKind);

    impl Write for Refuses {
        fn write(&mut self, _: &[u8]) -> io::Result<usize> {
            Err(self.0.into())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    /// What lands on the two streams.
    fn written(terminals: Terminals, colour: bool, use_it: impl FnOnce(&Ui)) -> (String, String) {
        let (stdout, stderr) = (Memory::default(), Memory::default());
        use_it(&Ui::new(Box::new(stdout.clone()), Box::new(stderr.clone()), terminals, colour));
        (stdout.text(), stderr.text())
    }

    fn say_everything(ui: &Ui) {
        ui.data("a\t\x1b[31m\r\n").expect("memory takes all");
        ui.line(&ui.word("b\tc\n")).expect("memory takes all");
        ui.ask("q\x1b ");
        ui.note("n\x1b");
        ui.warn("w\r");
        ui.error("e");
    }

    #[test]
    fn data_is_raw_in_a_pipe_and_escaped_on_a_terminal() {
        let neither = Terminals::default();
        let talk = "q\\x1b n\\x1b\nwarning: w\\r\nerror: e\n".to_owned();
        assert_eq!(written(neither, true, say_everything), ("a\t\x1b[31m\r\nb\tc\n\n".to_owned(), talk.clone()));

        let both = Terminals { stdout: true, stderr: true };
        assert_eq!(written(both, false, say_everything), ("a\t\\x1b[31m\\r\nb\\tc\\n\n".to_owned(), talk));
    }

    #[test]
    fn colours_are_for_terminals() {
        let both = Terminals { stdout: true, stderr: true };
        let (_, talk) = written(both, true, say_everything);
        assert_eq!(talk, "q\\x1b n\\x1b\n\x1b[1;33mwarning\x1b[0m: w\\r\n\x1b[1;31merror\x1b[0m: e\n");
    }

    #[test]
    fn bytes_are_never_touched() {
        let both = Terminals { stdout: true, stderr: true };
        let (data, _) = written(both, false, |ui| ui.bytes(b"\x1b\0").expect("memory takes all"));
        assert_eq!(data, "\x1b\0");
    }

    #[test]
    fn a_reader_that_is_gone_is_no_failure() {
        let refusing = |kind| Ui::new(Box::new(Refuses(kind)), Box::new(Refuses(kind)), Terminals::default(), false);
        assert!(matches!(refusing(io::ErrorKind::BrokenPipe).data("x"), Err(OutputError::Closed)));
        let full = refusing(io::ErrorKind::StorageFull);
        assert!(
            matches!(full.line("x"), Err(OutputError::Io { source }) if source.kind() == io::ErrorKind::StorageFull)
        );
        full.note("nobody hears this");
    }
}
