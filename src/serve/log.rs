//! What a server says of itself: a line for each request, and what went wrong.
//!
//! ```text
//! requests ─▶ Log ─▶ a queue of MAX_WAITING lines ─▶ one thread ─▶ the caller's `say`
//! ```
//!
//! No request waits for a reader of the log: a line for which the queue has no room is dropped and counted. Of a request
//! only the path is told, never its query, its headers or its body: credentials are in those.

use std::fmt::{self, Write as _};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::thread;
use std::time::{Duration, Instant};

use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde_json::{Value, json};

use crate::go::fmt::is_invisible;

/// How many lines wait for their reader.
const MAX_WAITING: usize = 8192;
/// The longest text of a client in a line, in bytes.
const MAX_TEXT: usize = 1024;
/// How often it is told that lines were dropped.
const PAUSE: Duration = Duration::from_secs(1);

/// How requests are told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum LogFormat {
    /// A line in the combined format of web servers, and four fields behind it.
    #[default]
    Plain,
    /// One JSON object a line.
    Json,
    /// Not at all.
    None,
}

/// What a line of the log is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Level {
    /// A request that was answered.
    Request,
    /// What is good to know.
    Note,
    /// What may become an error.
    Warning,
    /// Something went wrong here, not at a client.
    Error,
}

impl Level {
    fn as_str(self) -> &'static str {
        match self {
            Self::Request | Self::Note => "info",
            Self::Warning => "warning",
            Self::Error => "error",
        }
    }
}

/// Where a server says what it has to say. Clones say it in the same place.
#[derive(Clone)]
pub struct Log {
    format: LogFormat,
    sender: Option<SyncSender<Message>>,
    dropped: Arc<AtomicU64>,
}

enum Message {
    Line(Level, String),
    /// To be told when all lines before it are written.
    Flush(SyncSender<()>),
}

/// A request that was answered.
#[derive(Debug, Clone)]
pub(super) struct Record<'a> {
    pub(super) time: Timestamp,
    pub(super) client: &'a str,
    pub(super) user: Option<&'a str>,
    pub(super) method: &'a str,
    pub(super) path: &'a str,
    pub(super) status: u16,
    pub(super) received: u64,
    pub(super) sent: u64,
    pub(super) took: Duration,
    pub(super) agent: &'a [u8],
    pub(super) id: &'a str,
}

impl Log {
    /// Says nothing.
    pub fn silent() -> Self {
        Self { format: LogFormat::None, sender: None, dropped: Arc::default() }
    }

    /// Hands each line to `say` on a thread of its own, which may block. `say` returns whether the line was taken.
    pub fn start(format: LogFormat, say: impl FnMut(Level, &str) -> bool + Send + 'static) -> Self {
        let (sender, receiver) = sync_channel(MAX_WAITING);
        let log = Self { format, sender: Some(sender), dropped: Arc::default() };
        let dropped = Arc::clone(&log.dropped);
        thread::spawn(move || write_all(format, &receiver, &dropped, say));
        log
    }

    /// What is good to know.
    pub fn note(&self, text: &str) {
        self.say(Level::Note, text);
    }

    /// What may become an error.
    pub fn warn(&self, text: &str) {
        self.say(Level::Warning, text);
    }

    /// Something went wrong here, not at a client.
    pub fn error(&self, text: &str) {
        self.say(Level::Error, text);
    }

    /// Waits until all that was said is written, but not longer than that.
    pub fn flush(&self, patience: Duration) {
        let (done, told) = sync_channel(1);
        if let Some(sender) = &self.sender
            && sender.try_send(Message::Flush(done)).is_ok()
        {
            let _ = told.recv_timeout(patience);
        }
    }

    /// How many lines were dropped because nobody read them fast enough, or at all.
    pub(super) fn dropped(&self) -> u64 {
        self.dropped.load(Ordering::Relaxed)
    }

    /// Tells a request.
    pub(super) fn request(&self, record: &Record<'_>) {
        match self.format {
            LogFormat::Plain => self.send(Level::Request, record.plain()),
            LogFormat::Json => self.send(Level::Request, record.json()),
            LogFormat::None => {}
        }
    }

    /// What went wrong here while a request was answered.
    pub(super) fn failure(&self, method: &str, path: &str, id: &str, why: &str) {
        match self.format {
            LogFormat::Json => {
                let event = json!({
                    "time": Timestamp::now().to_string(), "level": "error", "message": cut(why),
                    "method": cut(method), "path": cut(path), "id": id,
                });
                self.send(Level::Error, on_one_line(&event));
            }
            _ => self.error(&format!("{} {}: {why} (request {id})", plain(method), plain(path))),
        }
    }

    fn say(&self, level: Level, text: &str) {
        self.send(level, spoken(self.format, level, text));
    }

    fn send(&self, level: Level, line: String) {
        let Some(sender) = &self.sender else { return };
        if let Err(TrySendError::Full(_) | TrySendError::Disconnected(_)) = sender.try_send(Message::Line(level, line))
        {
            self.dropped.fetch_add(1, Ordering::Relaxed);
        }
    }
}

impl Default for Log {
    fn default() -> Self {
        Self::silent()
    }
}

impl fmt::Debug for Log {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Log").field("format", &self.format).finish_non_exhaustive()
    }
}

/// Writes what comes until nobody can say anything any more.
fn write_all(
    format: LogFormat,
    receiver: &Receiver<Message>,
    dropped: &AtomicU64,
    mut say: impl FnMut(Level, &str) -> bool,
) {
    let (mut told, mut told_at, mut is_closed) = (0, None::<Instant>, false);
    for message in receiver {
        match message {
            Message::Line(level, line) if !say(level, &line) => {
                told += 1;
                dropped.fetch_add(1, Ordering::Relaxed);
                if level == Level::Request && !is_closed {
                    is_closed = true;
                    let text = "requests are not logged any more: standard output takes nothing";
                    say(Level::Error, &spoken(format, Level::Error, text));
                }
            }
            Message::Line(..) => {}
            Message::Flush(done) => {
                let _ = done.try_send(());
            }
        }
        let now = dropped.load(Ordering::Relaxed);
        if now > told && told_at.is_none_or(|at| at.elapsed() >= PAUSE) {
            told_at = Some(Instant::now());
            let text = format!("{} lines of the log were dropped: they are read too slowly", now - told);
            told = now;
            say(Level::Warning, &spoken(format, Level::Warning, &text));
        }
    }
}

/// A text that is no request, as it is written.
fn spoken(format: LogFormat, level: Level, text: &str) -> String {
    match format {
        LogFormat::Json => on_one_line(&json!({
            "time": Timestamp::now().to_string(), "level": level.as_str(), "message": cut(text),
        })),
        LogFormat::Plain | LogFormat::None => {
            let line = text.lines().collect::<Vec<_>>().join(" ");
            match level {
                Level::Request | Level::Note => line,
                // When something went wrong is half of what one wants to know.
                Level::Warning | Level::Error => format!("{} {line}", Timestamp::now().strftime("%Y-%m-%dT%H:%M:%SZ")),
            }
        }
    }
}

impl Record<'_> {
    /// As nginx's `combined`, with the bytes received, the seconds that it took and the request's ID behind it.
    fn plain(&self) -> String {
        let time = self.time.to_zoned(TimeZone::UTC).strftime("%d/%b/%Y:%H:%M:%S %z").to_string();
        format!(
            "{} - {} [{time}] \"{} {} HTTP/1.1\" {} {} \"-\" \"{}\" {} {:.3} {}",
            plain(self.client).replace(' ', "\\x20"),
            plain(self.user.unwrap_or("-")).replace(' ', "\\x20"),
            plain(self.method),
            plain(self.path),
            self.status,
            self.sent,
            if self.agent.is_empty() { "-".to_owned() } else { escaped(self.agent) },
            self.received,
            self.took.as_secs_f64(),
            self.id,
        )
    }

    fn json(&self) -> String {
        on_one_line(&json!({
            "time": self.time.to_string(), "level": "info", "client": self.client, "user": self.user.map(cut),
            "method": cut(self.method), "path": cut(self.path), "status": self.status, "received": self.received,
            "sent": self.sent, "seconds": (self.took.as_secs_f64() * 1e6).round() / 1e6,
            "agent": cut(&String::from_utf8_lossy(self.agent)), "id": self.id,
        }))
    }
}

fn plain(text: &str) -> String {
    escaped(text.as_bytes())
}

/// Printable ASCII as it is, all else as web servers write it: `\x22`.
fn escaped(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len().min(MAX_TEXT));
    for byte in bytes.iter().take(MAX_TEXT) {
        match byte {
            b' '..=b'~' if !matches!(byte, b'"' | b'\\') => text.push(char::from(*byte)),
            _ => {
                let _ = write!(text, "\\x{byte:02X}");
            }
        }
    }
    if bytes.len() > MAX_TEXT {
        text.push_str("...");
    }
    text
}

fn cut(text: &str) -> String {
    if text.len() <= MAX_TEXT {
        return text.to_owned();
    }
    let mut end = MAX_TEXT;
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    format!("{}...", &text[..end])
}

/// JSON in which everything that a terminal acts upon is escaped, too.
fn on_one_line(value: &Value) -> String {
    let text = value.to_string();
    if !text.contains(is_invisible) {
        return text;
    }
    let mut safe = String::with_capacity(text.len() + 16);
    for c in text.chars() {
        if is_invisible(c) {
            for unit in c.encode_utf16(&mut [0; 2]) {
                let _ = write!(safe, "\\u{unit:04x}");
            }
        } else {
            safe.push(c);
        }
    }
    safe
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use super::*;

    fn record() -> Record<'static> {
        Record {
            time: Timestamp::from_second(1_795_740_765).expect("a time"),
            client: "10.0.0.7",
            user: Some("ada l"),
            method: "GET",
            path: "/v2/a\"b/\u{202e}x",
            status: 200,
            received: 3,
            sent: 42,
            took: Duration::from_micros(1500),
            agent: b"docker/29 \x1b[31m\\ \xff",
            id: "0001",
        }
    }

    #[test]
    fn a_request_in_plain_words() {
        assert_eq!(
            record().plain(),
            r#"10.0.0.7 - ada\x20l [27/Nov/2026:00:52:45 +0000] "GET /v2/a\x22b/\xE2\x80\xAEx HTTP/1.1" 200 42 "-" "docker/29 \x1B[31m\x5C \xFF" 3 0.002 0001"#
        );
    }

    #[test]
    fn a_request_in_json() {
        let line = record().json();
        assert!(!line.contains(is_invisible), "{line}");
        let value: Value = serde_json::from_str(&line).expect("JSON");
        assert_eq!(value["path"], "/v2/a\"b/\u{202e}x");
        assert_eq!((&value["status"], &value["sent"], &value["seconds"]), (&json!(200), &json!(42), &json!(0.0015)));
        assert_eq!(value["agent"], "docker/29 \u{1b}[31m\\ \u{fffd}");
        assert_eq!(value["time"], "2026-11-27T00:52:45Z");
    }

    #[test]
    fn a_long_text_is_cut() {
        let path = "ä".repeat(10_000);
        let record = Record { path: &path, ..record() };
        assert!(record.plain().len() < 5000);
        assert!(record.json().len() < 5000);
    }

    #[test]
    fn a_reader_that_stands_still_stops_nobody_and_is_told_what_it_missed() {
        let (go, stand) = sync_channel::<()>(0);
        let lines = Arc::new(Mutex::new(Vec::new()));
        let seen = Arc::clone(&lines);
        let log = Log::start(LogFormat::Plain, move |level, line| {
            // The first line waits; when the sender is gone, all go on.
            let _ = stand.recv();
            seen.lock().expect("no panic").push((level, line.to_owned()));
            true
        });
        for _ in 0..MAX_WAITING + 100 {
            log.request(&record());
        }
        let dropped = log.dropped();
        assert!((99..=100).contains(&dropped), "{dropped}");
        drop(go);
        while !lines.lock().expect("no panic").iter().any(|(level, _)| *level == Level::Warning) {
            thread::yield_now();
        }
        let told = lines.lock().expect("no panic").iter().find(|(level, _)| *level == Level::Warning).cloned();
        let told = told.expect("found").1;
        let words = format!("Z {dropped} lines of the log were dropped: they are read too slowly");
        assert!(told.ends_with(&words), "{told}");
    }

    #[test]
    fn an_output_that_is_gone_is_told_once() {
        let errors = Arc::new(Mutex::new(Vec::new()));
        let seen = Arc::clone(&errors);
        let log = Log::start(LogFormat::Json, move |level, line| {
            if level == Level::Error {
                seen.lock().expect("no panic").push(line.to_owned());
            }
            level != Level::Request
        });
        for _ in 0..10 {
            log.request(&record());
        }
        log.flush(Duration::from_secs(60));
        assert_eq!((errors.lock().expect("no panic").len(), log.dropped()), (1, 10));
    }
}
