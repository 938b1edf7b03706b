//! Sizes and ages in the words of docker's client (`docker/go-units`).

use jiff::Timestamp;

use crate::go::fmt::general;

const UNITS: [&str; 9] = ["B", "kB", "MB", "GB", "TB", "PB", "EB", "ZB", "YB"];

/// Seconds in the longest span that Go's `time.Duration` holds; a longer one is cut to it, as docker prints it.
const LONGEST: i64 = i64::MAX / 1_000_000_000;

/// `bytes` in units of 1000 with `precision` significant digits, as go-units' `HumanSizeWithPrecision`: `6.01kB`.
///
/// The digits are C's `%.*g`, so 999,999 bytes at three digits are `1e+03kB`, which docker prints too.
pub fn size(bytes: u64, precision: usize) -> String {
    #[expect(clippy::cast_precision_loss, reason = "only a few digits are shown")]
    let mut value = bytes as f64;
    let mut unit = 0;
    while value >= 1000.0 && unit < UNITS.len() - 1 {
        value /= 1000.0;
        unit += 1;
    }
    format!("{}{}", general(value, precision), UNITS[unit])
}

/// A span of time in words, as go-units' `HumanDuration`: `About an hour`, `3 weeks`.
pub fn duration(seconds: i64) -> String {
    let minutes = seconds / 60;
    let hours = (seconds.saturating_add(1800)) / 3600;
    match () {
        () if seconds < 1 => "Less than a second".to_owned(),
        () if seconds == 1 => "1 second".to_owned(),
        () if seconds < 60 => format!("{seconds} seconds"),
        () if minutes == 1 => "About a minute".to_owned(),
        () if minutes < 60 => format!("{minutes} minutes"),
        () if hours == 1 => "About an hour".to_owned(),
        () if hours < 48 => format!("{hours} hours"),
        () if hours < 24 * 7 * 2 => format!("{} days", hours / 24),
        () if hours < 24 * 30 * 2 => format!("{} weeks", hours / 24 / 7),
        () if hours < 24 * 365 * 2 => format!("{} months", hours / 24 / 30),
        () => format!("{} years", seconds / 3600 / 24 / 365),
    }
}

/// How long `then` lies before `now`: `3 weeks ago`. What lies in the future is `Less than a second ago`.
pub fn ago(now: Timestamp, then: Timestamp) -> String {
    let seconds = now.duration_since(then).as_secs();
    format!("{} ago", duration(seconds.clamp(0, LONGEST)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_as_docker_prints_them() {
        let cases = [
            (0, 3, "0B"),
            (3, 3, "3B"),
            (999, 3, "999B"),
            (1000, 3, "1kB"),
            (6010, 3, "6.01kB"),
            (77_825_000, 3, "77.8MB"),
            (999_999, 3, "1e+03kB"),
            (999_999, 4, "1000kB"),
            (1_234_567, 4, "1.235MB"),
            (2_100_000_000, 4, "2.1GB"),
            (u64::MAX, 3, "18.4EB"),
        ];
        for (bytes, precision, expected) in cases {
            assert_eq!(size(bytes, precision), expected, "{bytes} at {precision}");
        }
    }

    #[test]
    fn durations_are_as_docker_prints_them() {
        const HOUR: i64 = 3600;
        const DAY: i64 = 24 * HOUR;
        let cases = [
            (-5, "Less than a second"),
            (0, "Less than a second"),
            (1, "1 second"),
            (59, "59 seconds"),
            (60, "About a minute"),
            (119, "About a minute"),
            (120, "2 minutes"),
            (HOUR - 1, "59 minutes"),
            (HOUR, "About an hour"),
            (HOUR + 1799, "About an hour"),
            (HOUR + 1800, "2 hours"),
            (48 * HOUR - 1801, "47 hours"),
            (2 * DAY, "2 days"),
            (14 * DAY - 1801, "13 days"),
            (14 * DAY, "2 weeks"),
            (60 * DAY - 1801, "8 weeks"),
            (60 * DAY, "2 months"),
            (730 * DAY - 1801, "24 months"),
            (730 * DAY, "2 years"),
            (LONGEST, "292 years"),
        ];
        for (seconds, expected) in cases {
            assert_eq!(duration(seconds), expected, "{seconds} seconds");
        }
    }

    #[test]
    fn ages_are_cut_to_what_go_can_hold() {
        let now: Timestamp = "2026-11-21T09:03:51Z".parse().expect("a timestamp");
        let cases = [
            ("2026-11-21T09:03:50.9Z", "Less than a second ago"),
            ("2026-11-22T00:00:00Z", "Less than a second ago"),
            ("2026-10-28T00:00:00Z", "3 weeks ago"),
            ("1970-01-01T00:00:00Z", "56 years ago"),
            ("0001-01-01T00:00:00Z", "292 years ago"),
        ];
        for (then, expected) in cases {
            assert_eq!(ago(now, then.parse().expect("a timestamp")), expected, "{then}");
        }
    }
}
