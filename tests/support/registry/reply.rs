//! Answers, and all that may be wrong with one.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::wire::{Request, Stream};

/// How many bytes are written at once; few, so that a count of what was sent is close to what arrived.
const CHUNK: usize = 16 << 10;

/// An answer: what it says, and how it is delivered.
#[derive(Clone, Debug)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Arc<Vec<u8>>,
    delivery: Delivery,
}

/// What goes wrong while an answer is sent.
#[derive(Clone, Debug, Default)]
struct Delivery {
    /// Before the first byte.
    delay: Duration,
    /// The connection ends without an answer.
    hung_up: bool,
    /// The connection ends after so many bytes of the body.
    cut: Option<usize>,
    /// After so many bytes of the body nothing comes any more, and the connection stays.
    stall: Option<usize>,
    /// So many bytes at once, with a pause after each.
    pace: Option<(usize, Duration)>,
    endless: Endless,
    /// Comes after the body.
    trailing: Vec<u8>,
}

/// What never ends.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Endless {
    #[default]
    Nothing,
    Headers,
    /// The body comes again and again, without a length.
    Body,
}

impl Reply {
    pub(crate) fn new(status: u16, body: impl Into<Vec<u8>>) -> Self {
        let body = Arc::new(body.into());
        Self { status, headers: Vec::new(), body, delivery: Delivery::default() }
    }

    pub(crate) fn json(status: u16, document: &Value) -> Self {
        Self::new(status, document.to_string()).with("Content-Type", "application/json")
    }

    /// An error as the distribution API words it.
    pub(crate) fn error(status: u16, code: &str, message: &str) -> Self {
        Self::json(status, &json!({"errors": [{"code": code, "message": message}]}))
    }

    pub(crate) fn redirect(to: &str) -> Self {
        Self::new(307, "").with("Location", to)
    }

    /// Adds a header, in place of one of that name.
    pub(crate) fn with(self, name: &str, value: impl Into<String>) -> Self {
        let mut reply = self.without(name);
        reply.headers.push((name.to_owned(), value.into()));
        reply
    }

    pub(crate) fn without(mut self, name: &str) -> Self {
        self.headers.retain(|(known, _)| !known.eq_ignore_ascii_case(name));
        self
    }

    /// Has another body.
    pub(crate) fn saying(mut self, body: impl Into<Vec<u8>>) -> Self {
        self.body = Arc::new(body.into());
        self
    }

    /// Waits before it says anything.
    pub(crate) fn delayed(mut self, delay: Duration) -> Self {
        self.delivery.delay = delay;
        self
    }

    /// The connection ends without an answer.
    pub(crate) fn hung_up(mut self) -> Self {
        self.delivery.hung_up = true;
        self
    }

    /// The connection ends after so many bytes of the body, less than it has.
    pub(crate) fn cut_after(mut self, bytes: usize) -> Self {
        self.delivery.cut = Some(bytes);
        self
    }

    /// Says no more after so many bytes of the body, and keeps the connection.
    pub(crate) fn stalled_after(mut self, bytes: usize) -> Self {
        self.delivery.stall = Some(bytes);
        self
    }

    /// Sends so many bytes of the body at once, and pauses after each.
    pub(crate) fn paced(mut self, bytes: usize, pause: Duration) -> Self {
        self.delivery.pace = Some((bytes, pause));
        self
    }

    /// Repeats its body without end, with no length.
    pub(crate) fn endless(mut self) -> Self {
        self.delivery.endless = Endless::Body;
        self
    }

    /// Headers that never end.
    pub(crate) fn endless_headers(mut self) -> Self {
        self.delivery.endless = Endless::Headers;
        self
    }

    /// Sends these bytes after the body, as if they belonged to nothing.
    pub(crate) fn trailed_by(mut self, bytes: &[u8]) -> Self {
        self.delivery.trailing = bytes.to_vec();
        self
    }

    /// Sends it; gives whether the connection can be used again. `sent` counts bytes of the body.
    pub(super) fn send(
        &self,
        request: &Request,
        stream: &mut dyn Stream,
        sent: &AtomicU64,
        closing: &AtomicBool,
    ) -> io::Result<bool> {
        pause(self.delivery.delay, closing);
        if self.delivery.hung_up {
            return Ok(false);
        }
        let is_head = request.method == "HEAD";
        let closes = request.header("connection").is_some_and(|value| value.eq_ignore_ascii_case("close"));
        stream.write_all(self.head(closes).as_bytes())?;
        if self.delivery.endless == Endless::Headers {
            for number in 0_u64.. {
                write!(stream, "X-More-{number}: {}\r\n", "x".repeat(4000))?;
                stream.flush()?;
            }
        }
        stream.write_all(b"\r\n")?;
        stream.flush()?;
        if is_head {
            return Ok(!closes);
        }
        let is_whole = self.send_body(stream, sent, closing)?;
        stream.write_all(&self.delivery.trailing)?;
        stream.flush()?;
        Ok(is_whole && !closes)
    }

    fn head(&self, closes: bool) -> String {
        use std::fmt::Write as _;
        let mut head = format!("HTTP/1.1 {} {}\r\n", self.status, reason(self.status));
        let mut add =
            |name: &str, value: &str| write!(head, "{name}: {value}\r\n").expect("writing to a String cannot fail");
        self.headers.iter().for_each(|(name, value)| add(name, value));
        let states = |name: &str| self.headers.iter().any(|(known, _)| known.eq_ignore_ascii_case(name));
        if self.delivery.endless == Endless::Body {
            add("Transfer-Encoding", "chunked");
        } else if !states("content-length") {
            add("Content-Length", &self.body.len().to_string());
        }
        if closes {
            add("Connection", "close");
        }
        head
    }

    /// Gives whether the whole body was sent.
    fn send_body(&self, stream: &mut dyn Stream, sent: &AtomicU64, closing: &AtomicBool) -> io::Result<bool> {
        let Delivery { cut, stall, pace, endless, .. } = &self.delivery;
        let end = cut.or(*stall).unwrap_or(usize::MAX).min(self.body.len());
        let (step, wait) = pace.unwrap_or((CHUNK, Duration::ZERO));
        loop {
            for chunk in self.body[..end].chunks(step.max(1)) {
                if *endless == Endless::Body {
                    write!(stream, "{:x}\r\n", chunk.len())?;
                    stream.write_all(chunk)?;
                    stream.write_all(b"\r\n")?;
                } else {
                    stream.write_all(chunk)?;
                }
                stream.flush()?;
                sent.fetch_add(chunk.len() as u64, Ordering::Relaxed);
                pause(wait, closing);
                if closing.load(Ordering::Relaxed) {
                    return Ok(false);
                }
            }
            if *endless == Endless::Nothing {
                break;
            }
        }
        if stall.is_some() {
            pause(Duration::MAX, closing);
        }
        // A length that is stated and not true: the connection cannot go on.
        let stated = self.headers.iter().find(|(name, _)| name.eq_ignore_ascii_case("content-length"));
        let is_true = stated.is_none_or(|(_, value)| *value == self.body.len().to_string());
        Ok(cut.is_none() && stall.is_none() && is_true)
    }
}

/// Waits, unless the server ends.
fn pause(time: Duration, closing: &AtomicBool) {
    let start = Instant::now();
    while start.elapsed() < time && !closing.load(Ordering::Relaxed) {
        std::thread::sleep(time.saturating_sub(start.elapsed()).min(Duration::from_millis(20)));
    }
}

fn reason(status: u16) -> &'static str {
    match status {
        200 => "OK",
        206 => "Partial Content",
        307 => "Temporary Redirect",
        401 => "Unauthorized",
        404 => "Not Found",
        416 => "Range Not Satisfiable",
        429 => "Too Many Requests",
        _ => "Whatever",
    }
}
