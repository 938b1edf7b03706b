//! Progress as lines of text, few enough for a log.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::{ProgressState, Throttle};
use crate::image::Progress;
use crate::ui::human::size;
use crate::ui::output::{Stream, write_line};
use crate::ui::text::escape;

/// A log is read afterwards: more often tells nothing new.
const EVERY: Duration = Duration::from_secs(5);

/// Prints a line when something begins and ends, and how far everything is every few seconds.
pub(in crate::ui) struct Plain {
    stderr: Stream,
    shared: Mutex<Shared>,
}

struct Shared {
    things: BTreeMap<u64, ProgressState>,
    done: u64,
    total: Option<u64>,
    throttle: Throttle,
}

impl Plain {
    pub(in crate::ui) fn new(stderr: Stream) -> Self {
        Self::every(EVERY, stderr)
    }

    fn every(every: Duration, stderr: Stream) -> Self {
        let shared = Shared { things: BTreeMap::new(), done: 0, total: None, throttle: Throttle::new(every) };
        Self { stderr, shared: Mutex::new(shared) }
    }

    fn shared(&self) -> MutexGuard<'_, Shared> {
        self.shared.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// `1.3MB/4.2MB`, or `1.3MB` if nobody knows how much there is.
fn of(current: u64, total: Option<u64>) -> String {
    match total {
        Some(total) => format!("{}/{}", size(current, 4), size(total, 4)),
        None => size(current, 4),
    }
}

impl Progress for Plain {
    fn total(&self, bytes: Option<u64>) {
        let mut shared = self.shared();
        (shared.total, shared.done) = (bytes, 0);
    }

    fn more(&self, bytes: u64) {
        let mut shared = self.shared();
        shared.total = Some(shared.total.unwrap_or(0).saturating_add(bytes));
    }

    fn start(&self, id: u64, label: &str, bytes: Option<u64>) {
        let label = escape(label).into_owned();
        let of_size = bytes.map(|bytes| format!(" ({})", size(bytes, 4))).unwrap_or_default();
        write_line(&self.stderr, &format!("{label}: started{of_size}"));
        let mut shared = self.shared();
        if let Some(unfinished) = shared.things.insert(id, ProgressState { label, current: 0, total: bytes }) {
            // What has moved is moved once more.
            shared.done = shared.done.saturating_sub(unfinished.current);
        }
    }

    fn advance(&self, id: u64, bytes: u64) {
        let mut shared = self.shared();
        shared.done = shared.done.saturating_add(bytes);
        if let Some(thing) = shared.things.get_mut(&id) {
            thing.current = thing.current.saturating_add(bytes);
        }
        if shared.throttle.is_due() {
            let things =
                shared.things.values().map(|thing| format!("{} {}", thing.label, of(thing.current, thing.total)));
            let things: Vec<String> = things.collect();
            let line = format!("total {}: {}", of(shared.done, shared.total), things.join(", "));
            drop(shared);
            write_line(&self.stderr, &line);
        }
    }

    fn finish(&self, id: u64, note: &str) {
        let Some(thing) = self.shared().things.remove(&id) else { return };
        let note = if note.is_empty() { "done" } else { note };
        write_line(&self.stderr, &format!("{}: {}", thing.label, escape(note)));
    }

    fn message(&self, text: &str) {
        write_line(&self.stderr, &escape(text));
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::ui::output::tests::Memory;

    fn printed(every: Duration) -> String {
        let memory = Memory::default();
        let plain = Plain::every(every, Arc::new(Mutex::new(Box::new(memory.clone()))));
        plain.total(Some(5_200_000));
        plain.start(1, "3f4a\x1b: loading layer", Some(4_200_000));
        plain.start(2, "5e6f: loading layer", None);
        plain.advance(1, 1_300_000);
        plain.finish(2, "exists");
        plain.finish(1, "");
        plain.finish(9, "never started");
        plain.message("loaded");
        memory.text()
    }

    #[test]
    fn a_line_when_things_begin_and_end() {
        let expected = "\
3f4a\\x1b: loading layer: started (4.2MB)
5e6f: loading layer: started
5e6f: loading layer: exists
3f4a\\x1b: loading layer: done
loaded
";
        assert_eq!(printed(Duration::from_secs(3600)), expected);
    }

    #[test]
    fn what_begins_anew_counts_once() {
        let memory = Memory::default();
        let plain = Plain::every(Duration::ZERO, Arc::new(Mutex::new(Box::new(memory.clone()))));
        plain.more(1000);
        plain.more(500);
        plain.start(1, "3f4a", Some(1500));
        plain.advance(1, 900);
        plain.start(1, "3f4a", Some(1500));
        plain.advance(1, 100);
        assert!(memory.text().ends_with("total 100B/1.5kB: 3f4a 100B/1.5kB\n"), "{}", memory.text());
    }

    #[test]
    fn now_and_then_how_far_everything_is() {
        let line = "total 1.3MB/5.2MB: 3f4a\\x1b: loading layer 1.3MB/4.2MB, 5e6f: loading layer 0B\n";
        assert!(printed(Duration::ZERO).contains(line));
    }
}
