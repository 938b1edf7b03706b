//! Times as `find` reads and writes them, in UTC, which is the zone of containers.

use jiff::Timestamp;
use jiff::civil::{Date, DateTime};
use jiff::tz::TimeZone;

use crate::layer::Mtime;

/// A time in words: `@SECONDS`, `2024-05-01`, `2024-05-01 12:30`, RFC 3339.
pub(super) fn read(text: &str) -> Option<Mtime> {
    let text = text.trim();
    if let Some(seconds) = text.strip_prefix('@') {
        let (whole, fraction) = seconds.split_once('.').unwrap_or((seconds, ""));
        let digits: String = fraction.chars().chain("000000000".chars()).take(9).collect();
        return Some(Mtime { seconds: whole.parse().ok()?, nanos: digits.parse().ok()? });
    }
    let in_utc = |time: DateTime| time.to_zoned(TimeZone::UTC).ok().map(|zoned| zoned.timestamp());
    let timestamp = text.parse::<Timestamp>().ok();
    let timestamp = timestamp.or_else(|| text.parse::<DateTime>().ok().and_then(in_utc));
    let timestamp = timestamp.or_else(|| text.parse::<Date>().ok().map(|date| date.at(0, 0, 0, 0)).and_then(in_utc))?;
    Some(Mtime {
        seconds: timestamp.as_second(),
        nanos: u32::try_from(timestamp.subsec_nanosecond()).unwrap_or_default(),
    })
}

/// What `%Tk` and `%t` write.
pub(super) fn write(mtime: Mtime, letter: char) -> Option<String> {
    let fraction = format!("{:09}0", mtime.nanos);
    let edge = if mtime.seconds < 0 { Timestamp::MIN } else { Timestamp::MAX };
    let zoned = Timestamp::from_second(mtime.seconds).unwrap_or(edge).to_zoned(TimeZone::UTC);
    let pattern = match letter {
        '@' => return Some(format!("{}.{fraction}", mtime.seconds)),
        'S' => format!("%S.{fraction}"),
        'T' | 'X' => format!("%H:%M:%S.{fraction}"),
        '+' => format!("%Y-%m-%d+%H:%M:%S.{fraction}"),
        't' => format!("%a %b %e %H:%M:%S.{fraction} %Y"),
        'c' => "%a %b %e %H:%M:%S %Y".to_owned(),
        'r' => "%I:%M:%S %p".to_owned(),
        'D' | 'x' => "%m/%d/%y".to_owned(),
        'h' => "%b".to_owned(),
        'Z' => "UTC".to_owned(),
        'H' | 'I' | 'k' | 'l' | 'M' | 'p' | 'a' | 'A' | 'b' | 'B' | 'd' | 'j' | 'm' | 'U' | 'w' | 'W' | 'y' | 'Y' => {
            format!("%{letter}")
        }
        _ => return None,
    };
    Some(zoned.strftime(&pattern).to_string())
}

/// The time in the lines of `-ls`.
pub(super) fn listed(mtime: Mtime, now: Mtime) -> String {
    /// Files of the last half year are shown with their hour.
    const HALF_A_YEAR: i64 = 31_556_952 / 2;
    let edge = if mtime.seconds < 0 { Timestamp::MIN } else { Timestamp::MAX };
    let zoned = Timestamp::from_second(mtime.seconds).unwrap_or(edge).to_zoned(TimeZone::UTC);
    let recent = (0..HALF_A_YEAR).contains(&now.seconds.saturating_sub(mtime.seconds));
    zoned.strftime(if recent { "%b %e %H:%M" } else { "%b %e  %Y" }).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_in_words() {
        let cases = [
            ("@5", Some((5, 0))),
            ("@5.25", Some((5, 250_000_000))),
            ("1970-01-02", Some((86_400, 0))),
            ("1970-01-01 00:01", Some((60, 0))),
            ("1970-01-01T00:00:01.5Z", Some((1, 500_000_000))),
            ("1970-01-01T01:00:00+01:00", Some((0, 0))),
            ("yesterday", None),
        ];
        for (text, expected) in cases {
            let found = read(text).map(|time| (time.seconds, time.nanos));
            assert_eq!(found, expected, "{text}");
        }
    }

    #[test]
    fn as_find_writes_them() {
        let time = Mtime { seconds: 1_600_000_000, nanos: 5 };
        let cases = [
            ('@', "1600000000.0000000050"),
            ('S', "40.0000000050"),
            ('+', "2020-09-13+12:26:40.0000000050"),
            ('t', "Sun Sep 13 12:26:40.0000000050 2020"),
            ('Y', "2020"),
            ('D', "09/13/20"),
            ('j', "257"),
        ];
        for (letter, expected) in cases {
            assert_eq!(write(time, letter).as_deref(), Some(expected), "{letter}");
        }
        assert_eq!(write(time, 'Q'), None);
    }
}
