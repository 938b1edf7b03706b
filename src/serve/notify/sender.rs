//! The thread that delivers the events of one endpoint.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use ring::hmac;
use serde_json::Value;

use super::endpoint::Endpoint;
use super::reader::{Reader, Waiting};
use super::spool::Waited;
use super::webhook::{Webhook, read_secret};
use crate::http::{Method, Request, Response};
use crate::registry::Registries;
use crate::serve::causes::with_causes;

/// The wait before an event is sent again for the first time; it is doubled each time, and shortened at random by up to
/// a half.
const FIRST_WAIT: Duration = Duration::from_millis(200);
/// The longest wait, also if the endpoint asks for more.
const LONGEST_WAIT: Duration = Duration::from_secs(120);
/// How often it is looked for servers that have ended, if nothing happens.
const IDLE: Duration = Duration::from_secs(60);
/// How much of an answer is read, so that the connection can be used again.
const MAX_ANSWER: u64 = 64 << 10;
/// The header with the signature, as GitHub's webhooks have it: `sha256=` and the HMAC-SHA256 of the body in hex.
const SIGNATURE: &str = "X-Hub-Signature-256";
/// The header with the event's ID, in the form of a string of structured fields.
const KEY: &str = "Idempotency-Key";

/// An endpoint, and the thread that delivers its events.
#[derive(Debug)]
pub(super) struct Sender {
    endpoint: Arc<Endpoint>,
    thread: Mutex<Option<JoinHandle<()>>>,
}

impl Sender {
    /// Begins to deliver, first what earlier runs have left.
    pub(super) fn start(endpoint: Endpoint, folder: PathBuf, registries: Registries) -> io::Result<Self> {
        let endpoint = Arc::new(endpoint);
        let own = endpoint.spool.reader()?;
        let worker = Worker { endpoint: Arc::clone(&endpoint), registries };
        let thread = thread::Builder::new().name("notify".to_owned()).spawn(move || worker.run(&folder, own))?;
        Ok(Self { endpoint, thread: Mutex::new(Some(thread)) })
    }

    pub(super) fn endpoint(&self) -> &Endpoint {
        &self.endpoint
    }

    /// Delivers nothing more. Returns when it is known what came of the event that is on its way.
    pub(super) fn end(&self) {
        self.endpoint.spool.end();
        let thread = self.thread.lock().unwrap_or_else(PoisonError::into_inner).take();
        let _ = thread.map(JoinHandle::join);
    }
}

struct Worker {
    endpoint: Arc<Endpoint>,
    registries: Registries,
}

/// Why an event is not delivered.
struct Failure {
    why: String,
    /// How long the endpoint asks to wait.
    wait: Option<Duration>,
}

impl From<String> for Failure {
    fn from(why: String) -> Self {
        Self { why, wait: None }
    }
}

impl Worker {
    fn run(&self, folder: &Path, mut own: Reader) {
        let spool = &self.endpoint.spool;
        loop {
            match Reader::adopt(folder, spool.folder()) {
                Ok(old) => {
                    for reader in &old {
                        self.endpoint.inherit(reader.left().unwrap_or_default());
                    }
                    for mut reader in old {
                        if !self.drain(&mut reader, true) {
                            return;
                        }
                        reader.finish();
                    }
                }
                Err(error) => self.endpoint.failed(error.to_string(), IDLE),
            }
            loop {
                match spool.wait(own.at(), IDLE) {
                    Waited::Idle => break,
                    Waited::Ready if self.drain(&mut own, false) => {}
                    Waited::Ready | Waited::Ended => return,
                }
            }
        }
    }

    /// Delivers all events of a run. Returns false if the server ends first.
    fn drain(&self, reader: &mut Reader, is_inherited: bool) -> bool {
        loop {
            match reader.next() {
                Ok(None) => return true,
                Ok(Some(event)) => {
                    let parsed = serde_json::from_slice::<Value>(&event.line);
                    if let Ok(parsed) = &parsed
                        && !self.deliver(parsed)
                    {
                        return false;
                    }
                    self.done(reader, &event, is_inherited, parsed.is_ok());
                }
                Err(error) => {
                    self.endpoint.failed(error.to_string(), LONGEST_WAIT);
                    if !self.endpoint.spool.pause(LONGEST_WAIT) {
                        return false;
                    }
                }
            }
        }
    }

    fn done(&self, reader: &mut Reader, event: &Waiting, is_inherited: bool, is_event: bool) {
        let noted = reader.advance(event);
        self.endpoint.delivered(event.line.len() as u64 + 1, is_inherited, is_event);
        if let Err(error) = noted {
            self.endpoint.failed(format!("{error}: events may come twice"), Duration::ZERO);
        }
    }

    /// Delivers an event, however often that has to be tried. Returns false if the server ends first.
    fn deliver(&self, event: &Value) -> bool {
        let mut wait = FIRST_WAIT;
        while let Err(failure) = self.attempt(event) {
            let now = failure.wait.map_or(wait.mul_f64(1.0 - fastrand::f64() / 2.0), |asked| asked.min(LONGEST_WAIT));
            self.endpoint.failed(failure.why, now);
            wait = wait.saturating_mul(2).min(LONGEST_WAIT);
            if !self.endpoint.spool.pause(now) {
                return false;
            }
        }
        true
    }

    fn attempt(&self, event: &Value) -> Result<(), Failure> {
        let Webhook { url, form, secret_file } = &self.endpoint.webhook;
        let body = form.body(event);
        let mut request = Request::new(Method::Post, url)
            .once()
            .header("content-type", form.media_type())
            .header(KEY, format!("\"{}\"", event["id"].as_str().unwrap_or_default()))
            .bytes(&body);
        if let Some(path) = secret_file {
            let secret = read_secret(path).map_err(|error| format!("{}: {error}", path.display()))?;
            request = request.header(SIGNATURE, signature(&secret, &body));
        }
        // A URL may have a secret in it, and errors have the URL.
        let shown = self.endpoint.webhook.shown();
        let hide = |text: String| text.replace(&url.to_string(), &shown);
        let client = self.registries.client(url).map_err(|error| hide(error.to_string()))?;
        let response = client.send(request).map_err(|error| hide(with_causes(&error)))?;
        let (status, reason, wait) = (response.status(), response.reason(), response.retry_after());
        let is_redirect = response.redirect().is_ok_and(|to| to.is_some());
        discard(response);
        match status {
            200..300 => Ok(()),
            _ if is_redirect => {
                Err(format!("the endpoint answers {status} {reason}: redirects are not followed").into())
            }
            _ => Err(Failure { why: format!("the endpoint answers {status} {reason}"), wait }),
        }
    }
}

/// Reads a short answer to its end. What comes of it says nothing: the status has come.
fn discard(response: Response) {
    let _ = response.bytes(MAX_ANSWER);
}

/// The value of the signature's header.
fn signature(secret: &[u8], body: &[u8]) -> String {
    let tag = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, secret), body);
    tag.as_ref().iter().fold("sha256=".to_owned(), |text, byte| format!("{text}{byte:02x}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_signature_is_that_of_github() {
        // The example of GitHub's documentation of webhooks.
        assert_eq!(
            signature(b"It's a Secret to Everybody", b"Hello, World!"),
            "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17"
        );
    }
}
