//! `STOPSIGNAL`'s signals: the names that Linux has, or any number but 0.

/// The names without `SIG`; real-time signals are counted from `RTMIN` or `RTMAX`.
const NAMES: [&str; 36] = [
    "ABRT", "ALRM", "BUS", "CHLD", "CLD", "CONT", "FPE", "HUP", "ILL", "INT", "IO", "IOT", "KILL", "PIPE", "POLL",
    "PROF", "PWR", "QUIT", "SEGV", "STKFLT", "STOP", "SYS", "TERM", "TRAP", "TSTP", "TTIN", "TTOU", "URG", "USR1",
    "USR2", "VTALRM", "WINCH", "XCPU", "XFSZ", "RTMIN", "RTMAX",
];

/// Whether Docker would take it.
pub(super) fn is_signal(text: &str) -> bool {
    if let Ok(number) = text.parse::<i64>() {
        return number != 0;
    }
    let name = text.to_uppercase();
    let name = name.strip_prefix("SIG").unwrap_or(&name);
    let counted = |from: &str, most| {
        let digits = name.strip_prefix(from).filter(|digits| !digits.starts_with('0') && !digits.starts_with('+'));
        digits.and_then(|digits| digits.parse::<u8>().ok()).is_some_and(|number| number <= most)
    };
    NAMES.contains(&name) || counted("RTMIN+", 15) || counted("RTMAX-", 14)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn signals() {
        for text in ["9", "-1", "TERM", "sigterm", "SIGRTMIN", "RTMIN+1", "SIGRTMIN+15", "rtmax-14"] {
            assert!(is_signal(text), "{text}");
        }
        for text in ["", "0", "SIG", "TERMS", "SIGSIGTERM", "RTMIN+0", "RTMIN+16", "RTMAX-15", "RTMIN++1", "9x", " 9"] {
            assert!(!is_signal(text), "{text}");
        }
    }
}
