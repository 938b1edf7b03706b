//! Progress as JSON, one object a line, for programs that show it in their own way.
//!
//! ```text
//! {"event":"total","total":5200000}
//! {"event":"start","id":1,"label":"3f4a…: loading layer","total":4200000}
//! {"event":"advance","id":1,"current":1300000,"total":4200000}
//! {"event":"finish","id":1,"label":"3f4a…: loading layer","current":4200000,"total":4200000,"note":""}
//! {"event":"message","text":"…"}
//! ```
//!
//! A `total` of null is one that nobody knows. Of blobs of an image, `start`, `advance` and `finish` also say which image,
//! which layer, and what is done; when an image is where it was to be, `done` says its digest.
//!
//! ```text
//! {"event":"start","id":1,"image":"app:1","layer":"sha256:…","action":"push","label":"3f4a…: Pushing","total":4200000}
//! {"event":"done","image":"app:1","digest":"sha256:…"}
//! ```

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use serde::Serialize;

use super::{ProgressState, Throttle};
use crate::image::{MovingBlob, Progress};
use crate::oci::Digest;
use crate::ui::output::{Stream, write_line};

/// Ten times a second is as smooth as a program needs it, for each thing.
const EVERY: Duration = Duration::from_millis(100);

/// Prints events.
pub(in crate::ui) struct Json {
    stderr: Stream,
    every: Duration,
    things: Mutex<BTreeMap<u64, Thing>>,
    total: Mutex<Option<u64>>,
}

/// What is being worked on.
struct Thing {
    state: ProgressState,
    throttle: Throttle,
    blob: Option<BlobFields>,
}

/// What is said of a blob.
#[derive(Debug, Clone, Serialize)]
struct BlobFields {
    image: String,
    layer: Digest,
    action: String,
}

/// A line; its fields in this order.
#[derive(Serialize)]
#[serde(tag = "event", rename_all = "lowercase")]
enum ProgressEvent<'a> {
    Total {
        total: Option<u64>,
    },
    Start {
        id: u64,
        #[serde(flatten)]
        blob: Option<BlobFields>,
        label: &'a str,
        total: Option<u64>,
    },
    Advance {
        id: u64,
        #[serde(flatten)]
        blob: Option<BlobFields>,
        current: u64,
        total: Option<u64>,
    },
    Finish {
        id: u64,
        #[serde(flatten)]
        blob: Option<BlobFields>,
        label: &'a str,
        current: u64,
        total: Option<u64>,
        note: &'a str,
    },
    Done {
        image: &'a str,
        digest: &'a Digest,
    },
    Message {
        text: &'a str,
    },
}

impl Json {
    pub(in crate::ui) fn new(stderr: Stream) -> Self {
        Self::every(EVERY, stderr)
    }

    fn every(every: Duration, stderr: Stream) -> Self {
        Self { stderr, every, things: Mutex::default(), total: Mutex::default() }
    }

    fn things(&self) -> MutexGuard<'_, BTreeMap<u64, Thing>> {
        self.things.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn known(&self) -> MutexGuard<'_, Option<u64>> {
        self.total.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn begin(&self, id: u64, blob: Option<BlobFields>, label: &str, total: Option<u64>) {
        self.print(&ProgressEvent::Start { id, blob: blob.clone(), label, total });
        let state = ProgressState { label: label.to_owned(), current: 0, total };
        self.things().insert(id, Thing { state, throttle: Throttle::new(self.every), blob });
    }

    fn print(&self, event: &ProgressEvent<'_>) {
        write_line(&self.stderr, &serde_json::to_string(event).expect("numbers and strings serialise"));
    }
}

impl Progress for Json {
    fn total(&self, total: Option<u64>) {
        *self.known() = total;
        self.print(&ProgressEvent::Total { total });
    }

    fn more(&self, bytes: u64) {
        let mut known = self.known();
        let total = known.unwrap_or(0).saturating_add(bytes);
        *known = Some(total);
        // Under the lock: the last that is said is the whole.
        self.print(&ProgressEvent::Total { total: *known });
    }

    fn start(&self, id: u64, label: &str, total: Option<u64>) {
        self.begin(id, None, label, total);
    }

    fn start_blob(&self, id: u64, blob: &MovingBlob<'_>, total: Option<u64>) {
        let (image, layer, action) = (blob.image.to_owned(), *blob.digest, blob.action.to_owned());
        self.begin(id, Some(BlobFields { image, layer, action }), blob.label, total);
    }

    fn advance(&self, id: u64, bytes: u64) {
        let mut things = self.things();
        let Some(Thing { state, throttle, blob }) = things.get_mut(&id) else { return };
        state.current = state.current.saturating_add(bytes);
        if throttle.is_due() {
            let blob = blob.clone();
            let event = ProgressEvent::Advance { id, blob, current: state.current, total: state.total };
            drop(things);
            self.print(&event);
        }
    }

    fn finish(&self, id: u64, note: &str) {
        let Some(Thing { state, blob, .. }) = self.things().remove(&id) else { return };
        let ProgressState { label, current, total } = state;
        self.print(&ProgressEvent::Finish { id, blob, label: &label, current, total, note });
    }

    fn done(&self, image: &str, digest: &Digest) {
        self.print(&ProgressEvent::Done { image, digest });
    }

    fn message(&self, text: &str) {
        self.print(&ProgressEvent::Message { text });
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::ui::output::tests::Memory;

    fn listener(every: Duration) -> (Memory, Json) {
        let memory = Memory::default();
        let json = Json::every(every, Arc::new(Mutex::new(Box::new(memory.clone()))));
        (memory, json)
    }

    #[test]
    fn events_are_objects_a_line() {
        let (memory, json) = listener(Duration::ZERO);
        json.total(None);
        json.start(1, "a\x1b\n: loading layer", Some(10));
        json.advance(1, 4);
        json.advance(1, 6);
        json.advance(7, 1);
        json.finish(1, "exists");
        json.message("done");
        let expected = r#"{"event":"total","total":null}
{"event":"start","id":1,"label":"a\u001b\n: loading layer","total":10}
{"event":"advance","id":1,"current":4,"total":10}
{"event":"advance","id":1,"current":10,"total":10}
{"event":"finish","id":1,"label":"a\u001b\n: loading layer","current":10,"total":10,"note":"exists"}
{"event":"message","text":"done"}
"#;
        assert_eq!(memory.text(), expected);
    }

    #[test]
    fn blobs_say_whose_they_are() {
        let (memory, json) = listener(Duration::ZERO);
        let digest = Digest::of(b"x");
        json.more(10);
        json.more(5);
        json.start_blob(
            1,
            &MovingBlob { image: "app:1", digest: &digest, action: "push", label: "3f4a: Pushing" },
            Some(9),
        );
        json.advance(1, 4);
        json.finish(1, "");
        json.done("app:1", &digest);
        let expected = format!(
            r#"{{"event":"total","total":10}}
{{"event":"total","total":15}}
{{"event":"start","id":1,"image":"app:1","layer":"{digest}","action":"push","label":"3f4a: Pushing","total":9}}
{{"event":"advance","id":1,"image":"app:1","layer":"{digest}","action":"push","current":4,"total":9}}
{{"event":"finish","id":1,"image":"app:1","layer":"{digest}","action":"push","label":"3f4a: Pushing","current":4,"total":9,"note":""}}
{{"event":"done","image":"app:1","digest":"{digest}"}}
"#
        );
        assert_eq!(memory.text(), expected);
    }

    #[test]
    fn advances_are_few() {
        let (memory, json) = listener(Duration::from_secs(3600));
        json.start(1, "layer", Some(1000));
        (0..1000).for_each(|_| json.advance(1, 1));
        assert!(!memory.text().contains("advance"));
    }

    #[test]
    fn lines_of_threads_do_not_mix() {
        let (memory, json) = listener(Duration::ZERO);
        std::thread::scope(|scope| {
            for id in 0..4 {
                let json = &json;
                scope.spawn(move || {
                    json.start(id, "layer", None);
                    (0..100).for_each(|_| json.advance(id, 1));
                    json.finish(id, "");
                });
            }
        });
        let text = memory.text();
        let lines: Vec<serde_json::Value> =
            text.lines().map(|line| serde_json::from_str(line).expect("an object a line")).collect();
        assert_eq!(lines.len(), 4 * 102);
        assert_eq!(lines.iter().filter(|line| line["event"] == "finish" && line["current"] == 100).count(), 4);
    }
}
