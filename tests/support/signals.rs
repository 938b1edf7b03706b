//! Signals that end a command, and the tests' own.

use std::fs;
use std::sync::{Arc, Once};

use rustix::process::Signal;

/// What asks a command to end.
pub(crate) const ENDING: [Signal; 3] = [Signal::INT, Signal::TERM, Signal::HUP];

/// Lets commands listen to signals that the tests themselves were told to ignore, as `nohup` and `&` in a script do it:
/// what is ignored is inherited, what is handled is not.
pub(crate) fn listen_again() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let status = fs::read_to_string("/proc/self/status").expect("Linux");
        let line = status.lines().find_map(|line| line.strip_prefix("SigIgn:")).expect("every process has this line");
        let ignored = u64::from_str_radix(line.trim(), 16).expect("hex digits");
        for signal in ENDING.map(Signal::as_raw).into_iter().filter(|signal| ignored & (1 << (signal - 1)) != 0) {
            signal_hook::flag::register(signal, Arc::default()).expect("a signal that can be handled");
        }
    });
}
