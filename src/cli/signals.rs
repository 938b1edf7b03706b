//! Ctrl-C, and what else asks the program to end: nothing half-done stays, and the exit code says which signal it was.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::iterator::Signals;
use signal_hook::{flag, low_level};

use crate::cancel::{self, Ended};
use crate::ui::Ui;

/// Shells and docker say so of a command that a signal ended.
const SIGNALLED: i32 = 128;

/// Clears up when a signal asks for the end; a second one ends the program at once.
pub(super) fn listen(ui: &Ui) {
    let ignored = ignored_signals();
    // What `nohup` and shells that start something in the background ignore stays ignored.
    let wanted: Vec<i32> =
        [SIGINT, SIGTERM, SIGHUP].into_iter().filter(|signal| ignored & (1 << (signal - 1)) == 0).collect();
    let again = Arc::new(AtomicBool::new(false));
    for &signal in &wanted {
        let registered = flag::register_conditional_shutdown(signal, SIGNALLED + signal, Arc::clone(&again))
            .and_then(|_| flag::register(signal, Arc::clone(&again)));
        if registered.is_err() {
            return;
        }
    }
    let Ok(mut signals) = Signals::new(wanted) else { return };
    let ui = ui.clone();
    std::thread::spawn(move || {
        for signal in signals.forever() {
            if cancel::cancel() == Ended::Clean {
                ui.clear();
                low_level::exit(SIGNALLED + signal);
            }
        }
    });
}

/// For a thread whose work was cancelled: the one that cancelled it ends the program.
pub(super) fn wait_for_the_end() -> ! {
    loop {
        std::thread::park();
    }
}

/// The signals that this process was told to ignore, as bits from 0 for signal 1.
fn ignored_signals() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    line.and_then(|bits| u64::from_str_radix(bits.trim(), 16).ok()).unwrap_or(0)
}
