//! Progress as bars on a terminal: one for each thing that is being worked on, and a line for everything.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use indicatif::{MultiProgress, ProgressBar, ProgressState, ProgressStyle};

use crate::image::Progress;
use crate::ui::human::size;
use crate::ui::text::escape;

/// Often enough to look alive when no bytes move.
const TICK: Duration = Duration::from_millis(250);

const LAYER: &str = "{msg} [{bar:32}] {done}/{all} {percent}%";
const LAYER_OF_UNKNOWN_SIZE: &str = "{msg} {spinner} {done}";
const TOTAL: &str = "total {done}/{all} {percent}%  {rate}/s  ETA {eta}";
const TOTAL_OF_UNKNOWN_SIZE: &str = "total {done}  {rate}/s  {elapsed}";

/// Draws bars.
pub(in crate::ui) struct Bars {
    multi: MultiProgress,
    total: ProgressBar,
    layers: Mutex<BTreeMap<u64, ProgressBar>>,
}

impl Bars {
    pub(in crate::ui) fn new(multi: MultiProgress) -> Self {
        let total = ProgressBar::no_length().with_style(style(TOTAL_OF_UNKNOWN_SIZE));
        let total = multi.add(total);
        total.enable_steady_tick(TICK);
        Self { multi, total, layers: Mutex::default() }
    }

    fn layers(&self) -> MutexGuard<'_, BTreeMap<u64, ProgressBar>> {
        self.layers.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn style(template: &str) -> ProgressStyle {
    ProgressStyle::with_template(template)
        .expect("the templates above are valid")
        .progress_chars("=> ")
        .with_key("done", |state: &ProgressState, to: &mut dyn std::fmt::Write| {
            let _ = to.write_str(&size(state.pos(), 4));
        })
        .with_key("all", |state: &ProgressState, to: &mut dyn std::fmt::Write| {
            let _ = to.write_str(&size(state.len().unwrap_or(0), 4));
        })
        .with_key("rate", |state: &ProgressState, to: &mut dyn std::fmt::Write| {
            #[expect(
                clippy::cast_possible_truncation,
                clippy::cast_sign_loss,
                reason = "a rate is shown by four digits"
            )]
            let rate = state.per_sec() as u64;
            let _ = to.write_str(&size(rate, 4));
        })
}

impl Progress for Bars {
    fn total(&self, bytes: Option<u64>) {
        if let Some(bytes) = bytes {
            // A job of several steps says for each of them how much it is.
            self.total.reset();
            self.total.set_style(style(TOTAL));
            self.total.set_length(bytes);
        }
    }

    fn more(&self, bytes: u64) {
        self.total.set_style(style(TOTAL));
        self.total.set_length(self.total.length().unwrap_or(0).saturating_add(bytes));
    }

    fn start(&self, id: u64, label: &str, bytes: Option<u64>) {
        let (bar, template) = match bytes {
            Some(bytes) => (ProgressBar::new(bytes), LAYER),
            None => (ProgressBar::no_length(), LAYER_OF_UNKNOWN_SIZE),
        };
        let bar = self.multi.insert_before(&self.total, bar.with_style(style(template)));
        bar.set_message(escape(label).into_owned());
        if let Some(unfinished) = self.layers().insert(id, bar) {
            // What has moved is moved once more. In an earlier step more may have moved than in this one.
            self.total.dec(unfinished.position().min(self.total.position()));
            unfinished.finish_and_clear();
        }
    }

    fn advance(&self, id: u64, bytes: u64) {
        self.total.inc(bytes);
        if let Some(bar) = self.layers().get(&id) {
            bar.inc(bytes);
        }
    }

    fn finish(&self, id: u64, note: &str) {
        let Some(bar) = self.layers().remove(&id) else { return };
        if note.is_empty() {
            bar.finish_and_clear();
        } else {
            let message = format!("{} {}", bar.message(), escape(note));
            bar.set_style(style("{msg}"));
            bar.finish_with_message(message);
        }
    }

    fn message(&self, text: &str) {
        // Drawing fails only if the terminal is gone, and then nobody reads this.
        let _ = self.multi.println(escape(text));
    }
}

impl Drop for Bars {
    /// Leaves the terminal without half-drawn bars, whatever ended the work.
    fn drop(&mut self) {
        self.layers().values().for_each(ProgressBar::finish_and_clear);
        self.total.finish_and_clear();
    }
}

#[cfg(test)]
mod tests {
    use std::io;
    use std::sync::Arc;

    use indicatif::{ProgressDrawTarget, TermLike};

    use super::*;

    /// Remembers all that was ever written to it.
    #[derive(Debug, Clone, Default)]
    struct Tape(Arc<Mutex<String>>);

    impl Tape {
        fn take(&self) -> String {
            std::mem::take(&mut self.0.lock().expect("no thread panicked"))
        }
    }

    impl TermLike for Tape {
        fn width(&self) -> u16 {
            100
        }
        fn move_cursor_up(&self, _: usize) -> io::Result<()> {
            Ok(())
        }
        fn move_cursor_down(&self, _: usize) -> io::Result<()> {
            Ok(())
        }
        fn move_cursor_right(&self, _: usize) -> io::Result<()> {
            Ok(())
        }
        fn move_cursor_left(&self, _: usize) -> io::Result<()> {
            Ok(())
        }
        fn write_line(&self, line: &str) -> io::Result<()> {
            self.write_str(&format!("{line}\n"))
        }
        fn write_str(&self, text: &str) -> io::Result<()> {
            self.0.lock().expect("no thread panicked").push_str(text);
            Ok(())
        }
        fn clear_line(&self) -> io::Result<()> {
            Ok(())
        }
        fn flush(&self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn a_bar_a_layer_and_a_total() {
        let tape = Tape::default();
        let target = ProgressDrawTarget::term_like_with_hz(Box::new(tape.clone()), 255);
        let bars = Bars::new(MultiProgress::with_draw_target(target));
        bars.total(Some(5_200_000));
        bars.start(1, "3f4a\x1b: loading layer", Some(4_200_000));
        bars.start(2, "5e6f: loading layer", None);
        bars.advance(1, 1_300_000);
        tape.take();
        bars.total.force_draw();
        let shown = tape.take();
        assert!(shown.contains("3f4a\\x1b: loading layer [=========>"), "{shown}");
        assert!(shown.contains("] 1.3MB/4.2MB"), "{shown}");
        assert!(shown.contains("4.2MB 31%"), "{shown}");
        assert!(shown.contains("total 1.3MB/5.2MB 25%") && shown.contains("/s  ETA "), "{shown}");

        bars.total(Some(2_000_000));
        bars.advance(1, 1_000_000);
        bars.total.force_draw();
        let shown = tape.take();
        assert!(shown.contains("total 1MB/2MB 50%"), "the second step begins at nothing: {shown}");

        bars.more(3_000_000);
        bars.start(1, "3f4a: loading layer", Some(4_200_000));
        bars.total.force_draw();
        let shown = tape.take();
        let last = shown.rsplit("total ").next().unwrap_or_default();
        assert!(last.starts_with("0B/5MB 0%"), "what begins anew counts once: {shown}");

        bars.finish(1, "");
        bars.finish(2, "exists");
        bars.message("loaded");
        let shown = tape.take();
        assert!(shown.contains("5e6f: loading layer exists"), "{shown}");
        assert!(shown.contains("loaded"), "{shown}");
        bars.total.force_draw();
        assert!(!tape.take().contains("loading"), "no bar is left");
    }
}
