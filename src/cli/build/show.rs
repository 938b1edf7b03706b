//! What is shown of a build while it works, as `docker buildx build --progress plain` shows it.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use serde_json::json;

use crate::cli::session::{Session, json_line};
use crate::ops::build::Watch;
use crate::ops::build::run::OutputLine;
use crate::ui::{ProgressMode, Ui};

/// Shows the steps on standard error.
pub(super) struct Shown<'a> {
    ui: &'a Ui,
    form: Form,
    steps: Mutex<Steps>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Form {
    Nothing,
    Plain,
    Json,
}

#[derive(Default)]
struct Steps {
    begun: HashMap<usize, Instant>,
    /// The step that the last line was about.
    last: usize,
}

impl<'a> Shown<'a> {
    pub(super) fn new(session: &'a Session, quiet: bool) -> Self {
        let form = match session.progress_mode() {
            _ if quiet => Form::Nothing,
            ProgressMode::None => Form::Nothing,
            ProgressMode::Json => Form::Json,
            ProgressMode::Auto | ProgressMode::Plain => Form::Plain,
        };
        Self { ui: &session.ui, form, steps: Mutex::default() }
    }

    fn steps(&self) -> MutexGuard<'_, Steps> {
        self.steps.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Prints a line about a step; an empty line separates steps.
    fn line(&self, steps: &mut Steps, step: usize, text: &str) {
        if self.form == Form::Plain {
            if steps.last != step && steps.last != 0 {
                self.ui.note("");
            }
            self.ui.note(&format!("#{step} {text}"));
        }
        steps.last = step;
    }

    fn event(&self, event: &serde_json::Value) {
        if self.form == Form::Json {
            self.ui.note(&json_line(event));
        }
    }
}

fn seconds(since: Option<&Instant>) -> f64 {
    since.map_or(0.0, |since| since.elapsed().as_secs_f64())
}

impl Watch for Shown<'_> {
    fn begin(&self, step: usize, name: &str) {
        let mut steps = self.steps();
        steps.begun.insert(step, Instant::now());
        self.line(&mut steps, step, &self.ui.word(name));
        self.event(&json!({"step": step, "name": name}));
    }

    fn cached(&self, step: usize) {
        self.line(&mut self.steps(), step, "CACHED");
        self.event(&json!({"step": step, "cached": true}));
    }

    fn output(&self, step: usize, line: OutputLine<'_>) {
        let text = String::from_utf8_lossy(line.bytes);
        let mut steps = self.steps();
        let after = seconds(steps.begun.get(&step));
        self.line(&mut steps, step, &format!("{after:.3} {}", self.ui.word(&text)));
        self.event(&json!({"step": step, "output": text}));
    }

    fn done(&self, step: usize) {
        let mut steps = self.steps();
        let after = seconds(steps.begun.get(&step));
        self.line(&mut steps, step, &format!("DONE {after:.1}s"));
        self.event(&json!({"step": step, "done": true}));
    }

    fn failed(&self, step: usize, why: &str) {
        self.line(&mut self.steps(), step, &format!("ERROR: {}", self.ui.word(why)));
        self.event(&json!({"step": step, "error": why}));
    }

    fn ended(&self, step: usize) {
        self.line(&mut self.steps(), step, "CANCELED");
        self.event(&json!({"step": step, "canceled": true}));
    }

    fn warn(&self, text: &str) {
        if self.form != Form::Nothing {
            self.ui.warn(text);
        }
    }
}
