//! Ctrl-C, and what else asks the program to end: it cleans up, then dies of the signal.
//!
//! A shell stops its loop only if the command in it died of the signal. A command that exits with 130 instead has, for
//! the shell, dealt with Ctrl-C itself, and the loop goes on.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use rustix::process::{Pid, getpid};
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::iterator::Signals;
use signal_hook::{flag, low_level};

use crate::cancel::{Ended, Token};
use crate::ui::Ui;

/// Shells add the number of a signal to this for the exit code of a command that died of it.
const SIGNALLED: i32 = 128;

/// The signals that this process listens to.
pub(super) struct Listener {
    ui: Ui,
    job: Token,
    /// The last signal that came; 0, if none did.
    came: Arc<AtomicUsize>,
    /// Whether the next signal ends the program at once.
    again: Arc<AtomicBool>,
}

/// Cancels the process's job when a signal asks for the end; a second one ends the program at once. Signals that were ignored when the
/// program started, as `nohup` and the `&` of a script do it, stay ignored.
pub(super) fn listen(ui: &Ui, job: &Token) -> Listener {
    let ignored = ignored_signals();
    let wanted: Vec<i32> =
        [SIGINT, SIGTERM, SIGHUP].into_iter().filter(|signal| ignored & (1 << (signal - 1)) == 0).collect();
    let listener = Listener { ui: ui.clone(), job: job.clone(), came: Arc::default(), again: Arc::default() };
    for &signal in &wanted {
        let registered = flag::register_conditional_default(signal, Arc::clone(&listener.again))
            .and_then(|_| flag::register(signal, Arc::clone(&listener.again)))
            .and_then(|_| flag::register_usize(signal, Arc::clone(&listener.came), signal.unsigned_abs() as usize));
        if registered.is_err() {
            return listener;
        }
    }
    let Ok(mut signals) = Signals::new(wanted) else { return listener };
    let (ui, job) = (ui.clone(), job.clone());
    std::thread::spawn(move || {
        for signal in signals.forever() {
            if job.cancel() == Ended::Clean {
                ui.end(|| die(signal));
            }
        }
    });
    listener
}

impl Listener {
    /// To be called when the work is over: if a signal came meanwhile, even too late to stop it, dies of it.
    pub(super) fn end(&self) {
        self.again.store(true, Ordering::SeqCst);
        let Ok(signal @ 1..) = i32::try_from(self.came.load(Ordering::SeqCst)) else { return };
        // Returns when everything is cleaned up, whoever began it.
        self.job.cancel();
        self.ui.end(|| die(signal));
    }
}

/// Ends the process as the signal would have without us.
fn die(signal: i32) {
    // The kernel spares the first process of a container from dying of its own signals.
    if getpid() != Pid::INIT {
        let _ = low_level::emulate_default_handler(signal);
    }
    low_level::exit(SIGNALLED + signal);
}

/// The signals that this process was told to ignore, as bits from 0 for signal 1.
fn ignored_signals() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    line.and_then(|bits| u64::from_str_radix(bits.trim(), 16).ok()).unwrap_or(0)
}
