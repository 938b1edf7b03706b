//! How much memory a command takes.

use std::process::Child;
use std::time::{Duration, Instant};

/// The highest resident memory of a process until it ended, in KiB. One that takes longer than `patience` is killed.
pub(crate) fn peak(child: &mut Child, patience: Duration) -> u64 {
    let [program, status] = ["exe", "status"].map(|name| format!("/proc/{}/{name}", child.id()));
    let ours = std::fs::read_link("/proc/self/exe").expect("Linux");
    let (start, mut peak) = (Instant::now(), 0);
    while child.try_wait().expect("a child of ours").is_none() {
        // For a moment the child shares the memory of the tests themselves.
        let is_itself = std::fs::read_link(&program).is_ok_and(|program| program != ours);
        let text = if is_itself { std::fs::read_to_string(&status).unwrap_or_default() } else { String::new() };
        let high =
            text.lines().find_map(|line| line.strip_prefix("VmHWM:")).and_then(|line| line.trim().strip_suffix(" kB"));
        peak = peak.max(high.and_then(|n| n.parse().ok()).unwrap_or(0));
        std::thread::sleep(Duration::from_millis(2));
        if start.elapsed() > patience {
            child.kill().expect("a child of ours");
        }
    }
    peak
}
