//! Lines with names from an image: as they are for scripts, escaped on a terminal.

use crate::layer::path::Escaped;
use crate::ui::text::escape_lines;
use crate::ui::{OutputError, Ui};

/// Lines that are gathered and written in large pieces.
pub(super) struct Out<'a> {
    ui: &'a Ui,
    buffer: Vec<u8>,
    escapes: bool,
    end: u8,
}

/// So much is gathered.
const FULL: usize = 64 << 10;

impl<'a> Out<'a> {
    /// Lines that end with a line feed, or with a NUL byte.
    pub(super) fn new(ui: &'a Ui, ends_with_nul: bool) -> Self {
        let end = if ends_with_nul { 0 } else { b'\n' };
        Self { ui, buffer: Vec::new(), escapes: ui.stdout_is_terminal(), end }
    }

    /// Adds a name or other bytes from the image.
    pub(super) fn name(&mut self, name: &[u8]) {
        if self.escapes {
            self.buffer.extend_from_slice(Escaped(name).to_string().as_bytes());
        } else {
            self.buffer.extend_from_slice(name);
        }
    }

    /// Adds a line of a file; on a terminal its tabs stay.
    pub(super) fn line_of_file(&mut self, line: &[u8]) {
        if self.escapes {
            self.buffer.extend_from_slice(escape_lines(&String::from_utf8_lossy(line)).as_bytes());
        } else {
            self.buffer.extend_from_slice(line);
        }
    }

    /// Adds a text of ours; in JSON there may be names of the image.
    pub(super) fn text(&mut self, text: &str) {
        if self.escapes {
            self.buffer.extend_from_slice(escape_lines(text).as_bytes());
        } else {
            self.buffer.extend_from_slice(text.as_bytes());
        }
    }

    /// Ends the line.
    pub(super) fn end(&mut self) -> Result<(), OutputError> {
        self.buffer.push(self.end);
        self.settle()
    }

    /// Writes what was gathered if that is much.
    pub(super) fn settle(&mut self) -> Result<(), OutputError> {
        if self.buffer.len() >= FULL { self.flush() } else { Ok(()) }
    }

    /// Writes what is left.
    pub(super) fn flush(&mut self) -> Result<(), OutputError> {
        if self.buffer.is_empty() {
            return Ok(());
        }
        self.ui.bytes(&std::mem::take(&mut self.buffer))
    }
}
