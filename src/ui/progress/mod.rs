//! Progress on standard error: bars for people, lines for logs, JSON for programs.

mod bars;
mod json;
mod plain;

pub(super) use bars::Bars;
pub(super) use json::Json;
pub(super) use plain::Plain;

use std::time::{Duration, Instant};

/// How progress is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, clap::ValueEnum)]
pub enum ProgressMode {
    /// Bars if standard error is a terminal, else nothing.
    #[default]
    Auto,
    /// A line when a layer begins and ends, and one every few seconds.
    Plain,
    /// One JSON object a line: total, start, advance, finish, done, message; README has their fields.
    Json,
    /// Nothing.
    None,
}

impl std::str::FromStr for ProgressMode {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        clap::ValueEnum::from_str(text, false)
    }
}

/// Lets something through at most once in a while.
#[derive(Debug, Clone, Copy)]
struct Throttle {
    every: Duration,
    last: Instant,
}

impl Throttle {
    /// Lets nothing through before `every` has passed from now.
    fn new(every: Duration) -> Self {
        Self { every, last: Instant::now() }
    }

    fn is_due(&mut self) -> bool {
        let due = self.last.elapsed() >= self.every;
        if due {
            self.last = Instant::now();
        }
        due
    }
}

/// How far a thing is.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct ProgressState {
    label: String,
    current: u64,
    total: Option<u64>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn modes_are_read_by_their_names() {
        assert_eq!("plain".parse(), Ok(ProgressMode::Plain));
        assert_eq!("auto".parse(), Ok(ProgressMode::Auto));
        assert!("loud".parse::<ProgressMode>().is_err());
    }

    #[test]
    fn a_throttle_waits() {
        let mut never = Throttle::new(Duration::from_secs(3600));
        assert!(!never.is_due());
        let mut always = Throttle::new(Duration::ZERO);
        assert!(always.is_due() && always.is_due());
    }
}
