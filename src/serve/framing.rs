//! Where requests begin and end in the bytes of a connection, read strictly.
//!
//! hyper is lenient: of a length and a chunked body it takes the one and drops the other, and a line may end without a
//! carriage return. A proxy in front that reads the same bytes otherwise would take the rest of one request for the next
//! ([RFC 9112, section 11.2](https://www.rfc-editor.org/rfc/rfc9112#section-11.2)). So each byte passes here first, and
//! what two readers could take differently is not passed on.

/// How much of a line is looked at. Lines that say how long a body is are shorter.
const LOOKED_AT: usize = 64;

/// How far a connection is.
#[derive(Debug)]
pub(super) struct Framing {
    state: State,
    /// The beginning of the line that is being read, without its end.
    line: Vec<u8>,
    /// Whether the line is longer than that.
    is_cut: bool,
    /// Whether the last byte was a carriage return.
    after_return: bool,
    head: Head,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Head,
    /// So many bytes of a body.
    Body(u64),
    ChunkSize,
    /// So many bytes of a chunk.
    Chunk(u64),
    ChunkEnd,
    Trailer,
}

#[derive(Debug, Default)]
struct Head {
    /// Its bytes so far.
    size: usize,
    has_request_line: bool,
    length: Option<u64>,
    is_chunked: bool,
}

/// At which byte it went wrong.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Wrong(pub(super) usize);

impl Framing {
    pub(super) fn new() -> Self {
        Self { state: State::Head, line: Vec::new(), is_cut: false, after_return: false, head: Head::default() }
    }

    /// Whether a body is being read.
    pub(super) fn in_body(&self) -> bool {
        self.state != State::Head
    }

    /// How many bytes of the head of a request have come, if it has not ended.
    pub(super) fn head_size(&self) -> usize {
        if self.state == State::Head { self.head.size } else { 0 }
    }

    /// Takes the next bytes.
    pub(super) fn feed(&mut self, bytes: &[u8]) -> Result<(), Wrong> {
        let mut at = 0;
        while at < bytes.len() {
            if let State::Body(left) | State::Chunk(left) = &mut self.state {
                let taken = (bytes.len() - at).min(usize::try_from(*left).unwrap_or(usize::MAX));
                *left -= taken as u64;
                at += taken;
                self.state = match self.state {
                    State::Body(0) => State::Head,
                    State::Chunk(0) => State::ChunkEnd,
                    state => state,
                };
                continue;
            }
            let byte = bytes[at];
            self.byte(byte).ok_or(Wrong(at))?;
            at += 1;
        }
        Ok(())
    }

    /// A byte of a line.
    fn byte(&mut self, byte: u8) -> Option<()> {
        let is_first = self.line.is_empty() && !self.after_return;
        if self.state == State::Head {
            self.head.size += 1;
        }
        match (byte, self.after_return) {
            (b'\n', true) => {
                self.after_return = false;
                let (line, is_cut) = (std::mem::take(&mut self.line), std::mem::take(&mut self.is_cut));
                self.end_of_line(&line, is_cut)?;
                // Its memory is used again.
                self.line = line;
                self.line.clear();
            }
            // A line ends with both.
            (b'\n', false) | (_, true) => return None,
            (b'\r', false) => self.after_return = true,
            // A line that continues the one before.
            (b' ' | b'\t', false) if is_first => return None,
            (byte, false) if self.line.len() < LOOKED_AT => self.line.push(byte),
            (_, false) => self.is_cut = true,
        }
        Some(())
    }

    fn end_of_line(&mut self, line: &[u8], is_cut: bool) -> Option<()> {
        match self.state {
            State::ChunkSize => (!is_cut).then(|| self.chunk(line))?,
            State::ChunkEnd => {
                self.state = State::ChunkSize;
                line.is_empty().then_some(())
            }
            State::Trailer => {
                if line.is_empty() {
                    self.state = State::Head;
                }
                Some(())
            }
            _ => self.head_line(line, is_cut),
        }
    }

    fn head_line(&mut self, line: &[u8], is_cut: bool) -> Option<()> {
        if !self.head.has_request_line {
            // Empty lines before a request are allowed.
            self.head.has_request_line = !line.is_empty();
            if line.is_empty() {
                self.head.size = 0;
            }
            return Some(());
        }
        if line.is_empty() {
            let Head { length, is_chunked, .. } = std::mem::take(&mut self.head);
            self.state = match (length, is_chunked) {
                (Some(_), true) => return None,
                (None, true) => State::ChunkSize,
                (Some(0) | None, false) => State::Head,
                (Some(length), false) => State::Body(length),
            };
            return Some(());
        }
        let Some(colon) = line.iter().position(|byte| *byte == b':') else { return is_cut.then_some(()) };
        let (name, value) = (&line[..colon], line[colon + 1..].trim_ascii());
        if name.eq_ignore_ascii_case(b"content-length") {
            let is_number = !is_cut && !value.is_empty() && value.len() <= 18 && value.iter().all(u8::is_ascii_digit);
            let number = std::str::from_utf8(value).ok().filter(|_| is_number)?.parse().ok()?;
            self.head.length.replace(number).is_none().then_some(())?;
        }
        if name.eq_ignore_ascii_case(b"transfer-encoding") {
            let is_first = !std::mem::replace(&mut self.head.is_chunked, true);
            (is_first && !is_cut && value.eq_ignore_ascii_case(b"chunked")).then_some(())?;
        }
        Some(())
    }

    fn chunk(&mut self, line: &[u8]) -> Option<()> {
        let digits = line.split(|byte| *byte == b';').next()?.trim_ascii_end();
        let is_number = !digits.is_empty() && digits.len() <= 15 && digits.iter().all(u8::is_ascii_hexdigit);
        let text = std::str::from_utf8(digits).ok().filter(|_| is_number)?;
        self.state = match u64::from_str_radix(text, 16).ok()? {
            0 => State::Trailer,
            size => State::Chunk(size),
        };
        Some(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What comes of bytes, however they are cut.
    fn feed(text: &str) -> Result<Framing, Wrong> {
        let mut whole = Framing::new();
        let result = whole.feed(text.as_bytes());
        let mut cut = Framing::new();
        let wrong = text.bytes().enumerate().find_map(|(at, byte)| cut.feed(&[byte]).err().map(|_| Wrong(at)));
        assert_eq!(result.as_ref().err(), wrong.as_ref(), "{text:?}");
        result.map(|()| whole)
    }

    #[test]
    fn requests_that_everybody_reads_the_same() {
        for text in [
            "GET / HTTP/1.1\r\nHost: x\r\n\r\n",
            "\r\nGET / HTTP/1.1\r\nHost: x\r\n\r\nGET / HTTP/1.1\r\n\r\n",
            "PUT / HTTP/1.1\r\nContent-Length: 5\r\n\r\n12\n45GET / HTTP/1.1\r\n\r\n",
            "PUT / HTTP/1.1\r\ncontent-length:0\r\n\r\n",
            "PUT / HTTP/1.1\r\nTransfer-Encoding: Chunked\r\n\r\n3\r\n\n\n\n\r\nA;x=y\r\n0123456789\r\n0\r\n\r\nGET / HTTP/1.1\r\n\r\n",
            "PUT / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nX: y\r\n\r\n",
        ] {
            let framing = feed(text).unwrap_or_else(|wrong| panic!("{text:?} {wrong:?}"));
            assert!(!framing.in_body() && framing.head_size() == 0, "{text:?}");
        }
        assert!(feed("PUT / HTTP/1.1\r\nContent-Length: 5\r\n\r\n12").expect("it is valid").in_body());
        assert!(feed("PUT / HTTP/1.1\r\nContent-Le").expect("it is valid").head_size() > 0);
    }

    #[test]
    fn what_two_readers_could_take_differently_is_refused() {
        let chunked = "PUT / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n";
        for text in [
            "GET / HTTP/1.1\nHost: x\n\n".to_owned(),
            "GET / HTTP/1.1\r\nHost: x\n\r\n".to_owned(),
            "GET / HTTP/1.1\r\nHost: x\r\n\tfolded\r\n\r\n".to_owned(),
            "GET / HTTP/1.1\r\nX: a\rb\r\n\r\n".to_owned(),
            "GET / HTTP/1.1\r\n Host: x\r\n\r\n".to_owned(),
            "PUT / HTTP/1.1\r\nContent-Length: 5\r\nContent-Length: 5\r\n\r\n".to_owned(),
            "PUT / HTTP/1.1\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\n".to_owned(),
            "PUT / HTTP/1.1\r\nContent-Length: 5, 5\r\n\r\n".to_owned(),
            "PUT / HTTP/1.1\r\nContent-Length: +5\r\n\r\n".to_owned(),
            "PUT / HTTP/1.1\r\nContent-Length: -1\r\n\r\n".to_owned(),
            "PUT / HTTP/1.1\r\nContent-Length: 99999999999999999999\r\n\r\n".to_owned(),
            "PUT / HTTP/1.1\r\nContent-Length:\r\n\r\n".to_owned(),
            format!("{chunked}Content-Length: 5\r\n\r\n"),
            "PUT / HTTP/1.1\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n".to_owned(),
            format!("{chunked}Transfer-Encoding: chunked\r\n\r\n"),
            "PUT / HTTP/1.1\r\nTransfer-Encoding: xchunked\r\n\r\n".to_owned(),
            "PUT / HTTP/1.1\r\nTransfer-Encoding: gzip, chunked\r\n\r\n".to_owned(),
            "PUT / HTTP/1.1\r\nTransfer-Encoding: identity\r\n\r\n".to_owned(),
            format!("{chunked}\r\n3\nabc\r\n"),
            format!("{chunked}\r\n0x3\r\nabc\r\n"),
            format!("{chunked}\r\n-3\r\nabc\r\n"),
            format!("{chunked}\r\n3\r\nabcd\r\n"),
            format!("{chunked}\r\n3\r\nabc3\r\nabc"),
            format!("{chunked}\r\n\r\n"),
            format!("PUT / HTTP/1.1\r\nContent-Length: {}5\r\n\r\n", " ".repeat(100)),
            format!("{chunked}\r\nfffffffffffffffff\r\n"),
            format!("{chunked}\r\n3;{}\r\n", "x".repeat(10_000)),
        ] {
            assert!(feed(&text).is_err(), "{text:?}");
        }
    }
}
