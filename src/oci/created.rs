//! Times, as Go writes them into configs.

use std::cmp::Ordering;
use std::fmt::{self, Write as _};
use std::hash::{Hash, Hasher};
use std::str::FromStr;

use jiff::civil::DateTime;
use jiff::tz::Offset;
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// The seconds of Go's zero time, 0001-01-01T00:00:00Z, since the epoch.
const GO_ZERO_SECONDS: i64 = -62_135_596_800;

const EPOCH: DateTime = DateTime::constant(1970, 1, 1, 0, 0, 0, 0);

/// Why a text is not a time.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("invalid time {text:?}: expected RFC 3339, such as 2006-01-02T15:04:05Z")]
pub struct CreatedError {
    /// The text.
    pub text: String,
}

/// A moment to the nanosecond, between the years 0 and 9999.
///
/// It is displayed in UTC. In JSON it keeps its original offset, as Go's `time.Time` does: v1 image IDs depend on that.
/// Two moments are equal whatever their offsets.
#[derive(Clone, Copy)]
pub struct Created {
    /// The date and time in UTC. jiff's `Timestamp` ends a day before the year 9999 does, which many use for "never".
    utc: DateTime,
    offset: Offset,
}

impl Created {
    /// The moment, written in UTC.
    pub fn new(moment: Timestamp) -> Self {
        Self { utc: Offset::UTC.to_datetime(moment), offset: Offset::UTC }
    }

    /// The moment this many seconds after the epoch; `None` from the year 10000 on.
    pub fn from_unix_seconds(seconds: i64) -> Option<Self> {
        Timestamp::from_second(seconds).ok().map(Self::new)
    }

    /// Go's zero time, 0001-01-01T00:00:00Z, which stands for an unset time.
    pub fn go_zero() -> Self {
        Self::from_unix_seconds(GO_ZERO_SECONDS).expect("the year 1 is a year")
    }

    /// The moment; on the last day of the year 9999, the latest possible timestamp.
    pub fn timestamp(&self) -> Timestamp {
        Offset::UTC.to_timestamp(self.utc).unwrap_or(Timestamp::MAX)
    }

    /// Nanoseconds since the epoch.
    fn unix_nanoseconds(&self) -> i128 {
        self.utc.duration_since(EPOCH).as_nanos()
    }

    /// Whole seconds since the epoch, rounded down.
    pub fn unix_seconds(&self) -> i64 {
        self.unix_nanoseconds().div_euclid(1_000_000_000).try_into().expect("ten thousand years fit in 64 bits")
    }

    /// The nanoseconds after [`Created::unix_seconds`], below 10⁹.
    pub fn nanoseconds(&self) -> u32 {
        self.unix_nanoseconds().rem_euclid(1_000_000_000).try_into().expect("a second has 10^9 nanoseconds")
    }

    /// Whether this is Go's zero time: unset.
    pub fn is_go_zero(&self) -> bool {
        self.unix_seconds() == GO_ZERO_SECONDS && self.nanoseconds() == 0
    }

    /// The time at its original offset, as in JSON and in `docker inspect`: `2013-06-13T14:03:50.821769-07:00`.
    pub fn written(&self) -> String {
        self.text_at(self.offset)
    }

    /// The text that Go's `time.RFC3339Nano` gives at that offset.
    fn text_at(self, offset: Offset) -> String {
        let civil = self.utc.saturating_add(SignedDuration::from_secs(offset.seconds().into()));
        let mut text = format!(
            "{:04}-{:02}-{:02}T{:02}:{:02}:{:02}",
            civil.year(),
            civil.month(),
            civil.day(),
            civil.hour(),
            civil.minute(),
            civil.second()
        );
        if civil.subsec_nanosecond() != 0 {
            let digits = format!(".{:09}", civil.subsec_nanosecond());
            text.push_str(digits.trim_end_matches('0'));
        }
        let minutes = offset.seconds() / 60;
        if minutes == 0 {
            text.push('Z');
        } else {
            let sign = if minutes < 0 { '-' } else { '+' };
            let _ = write!(text, "{sign}{:02}:{:02}", minutes.abs() / 60, minutes.abs() % 60);
        }
        text
    }
}

impl FromStr for Created {
    type Err = CreatedError;

    /// Accepts what Go's `time.Time` accepts in JSON: capital `T` and `Z`, two digits for each part, any number of
    /// decimals.
    fn from_str(text: &str) -> Result<Self, CreatedError> {
        parse(text).ok_or_else(|| CreatedError { text: text.to_owned() })
    }
}

/// Splits `2006-01-02T15:04:05[.999][Z|+07:00]` at its fixed columns.
fn parse(text: &str) -> Option<Created> {
    let (date_time, rest) = text.split_at_checked(19)?;
    let (decimals, zone) = rest.split_at(rest.find(['Z', '+', '-'])?);
    let offset = parse_offset(zone)?;
    let bytes = date_time.as_bytes();
    let marks = [(4, b'-'), (7, b'-'), (10, b'T'), (13, b':'), (16, b':')];
    if marks.iter().any(|&(at, mark)| bytes[at] != mark) {
        return None;
    }
    let two = |at: usize| date_time.get(at..at + 2).and_then(number).and_then(|n| i8::try_from(n).ok());
    let year = i16::try_from(number(date_time.get(..4)?)?).ok()?;
    let civil = DateTime::new(year, two(5)?, two(8)?, two(11)?, two(14)?, two(17)?, parse_decimals(decimals)?).ok()?;
    // The first hours of the year 0 and the last of 9999 may fall outside that range in UTC.
    let utc = civil.checked_sub(SignedDuration::from_secs(offset.seconds().into())).ok()?;
    (utc.year() >= 0).then_some(Created { utc, offset })
}

/// The nanoseconds in `.123…`; digits after the ninth are dropped, as Go drops them.
fn parse_decimals(text: &str) -> Option<i32> {
    if text.is_empty() {
        return Some(0);
    }
    let digits = text.strip_prefix('.')?;
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    format!("{:0<9}", &digits[..digits.len().min(9)]).parse().ok()
}

/// The offset in `Z` or `+07:00`.
fn parse_offset(text: &str) -> Option<Offset> {
    if text == "Z" {
        return Some(Offset::UTC);
    }
    let (hours, minutes) = text.get(1..)?.split_once(':')?;
    if hours.len() != 2 || minutes.len() != 2 {
        return None;
    }
    let (hours, minutes) = (number(hours)?, number(minutes)?);
    if hours > 23 || minutes > 59 {
        return None;
    }
    let seconds = (hours * 60 + minutes) * 60;
    Offset::from_seconds(if text.starts_with('-') { -seconds } else { seconds }).ok()
}

/// A number of digits only: `parse` would accept a sign.
fn number(text: &str) -> Option<i32> {
    if !text.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    text.parse().ok()
}

impl fmt::Display for Created {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.text_at(Offset::UTC))
    }
}

impl fmt::Debug for Created {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl PartialEq for Created {
    fn eq(&self, other: &Self) -> bool {
        self.utc == other.utc
    }
}

impl Eq for Created {}

impl PartialOrd for Created {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Created {
    fn cmp(&self, other: &Self) -> Ordering {
        self.utc.cmp(&other.utc)
    }
}

impl Hash for Created {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.utc.hash(state);
    }
}

impl From<Timestamp> for Created {
    fn from(moment: Timestamp) -> Self {
        Self::new(moment)
    }
}

impl Serialize for Created {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(&self.written())
    }
}

impl<'de> Deserialize<'de> for Created {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        String::deserialize(from)?.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn times_are_shown_in_utc_and_written_as_they_were_read() {
        for (text, shown, written) in [
            ("2015-03-04T21:38:56.769279623Z", "2015-03-04T21:38:56.769279623Z", "2015-03-04T21:38:56.769279623Z"),
            ("2014-10-01T20:46:13.510900410Z", "2014-10-01T20:46:13.51090041Z", "2014-10-01T20:46:13.51090041Z"),
            ("2013-06-13T14:03:50.821769-07:00", "2013-06-13T21:03:50.821769Z", "2013-06-13T14:03:50.821769-07:00"),
            ("2020-01-01T00:00:00+05:30", "2019-12-31T18:30:00Z", "2020-01-01T00:00:00+05:30"),
            ("2020-01-01T00:00:00+00:00", "2020-01-01T00:00:00Z", "2020-01-01T00:00:00Z"),
            ("0001-01-01T00:00:00Z", "0001-01-01T00:00:00Z", "0001-01-01T00:00:00Z"),
            ("9999-12-31T23:59:59.9Z", "9999-12-31T23:59:59.9Z", "9999-12-31T23:59:59.9Z"),
            ("1969-12-31T23:59:59.5Z", "1969-12-31T23:59:59.5Z", "1969-12-31T23:59:59.5Z"),
            ("2024-02-29T12:00:00.1234567891Z", "2024-02-29T12:00:00.123456789Z", "2024-02-29T12:00:00.123456789Z"),
        ] {
            let created: Created = text.parse().unwrap_or_else(|error| panic!("{error}"));
            assert_eq!(created.to_string(), shown, "{text}");
            assert_eq!(serde_json::to_string(&created).expect("a string"), format!("\"{written}\""), "{text}");
        }
    }

    #[test]
    fn what_go_refuses_is_refused() {
        for text in [
            "",
            "2015-03-04",
            "2015-03-04T21:38:56",
            "2015-03-04t21:38:56Z",
            "2015-03-04T21:38:56z",
            "2015-03-04 21:38:56Z",
            "2015-03-04T21:38:56,5Z",
            "2015-03-04T21:38:56.Z",
            "2015-03-04T1:38:56Z",
            "2015-02-29T21:38:56Z",
            "2015-13-01T21:38:56Z",
            "2015-03-04T24:00:00Z",
            "2015-03-04T21:38:60Z",
            "2015-03-04T21:38:56+24:00",
            "2015-03-04T21:38:56+01:60",
            "2015-03-04T21:38:56+0100",
            "2015-03-04T21:38:56+1:00",
            "2015-03-04T21:38:56ZZ",
            "-015-03-04T21:38:56Z",
            "2015-03-04T21:38:+1Z",
            "é015-03-04T21:38:56Z",
            "99999-03-04T21:38:56Z",
            "2015-03-04T21:38:56+é1:00",
            "0000-01-01T00:00:00+05:00",
            "9999-12-31T23:00:00-05:00",
        ] {
            assert_eq!(text.parse::<Created>(), Err(CreatedError { text: text.to_owned() }));
        }
    }

    #[test]
    fn nobody_set_the_zero_time() {
        assert!(Created::go_zero().is_go_zero());
        assert_eq!(Created::go_zero().to_string(), "0001-01-01T00:00:00Z");
        assert!("0001-01-01T01:00:00+01:00".parse::<Created>().expect("a time").is_go_zero());
        assert!(!"0001-01-01T00:00:00.1Z".parse::<Created>().expect("a time").is_go_zero());
    }

    #[test]
    fn seconds_are_rounded_down_and_nanoseconds_count_up() {
        let created: Created = "1969-12-31T23:59:59.25Z".parse().expect("a time");
        assert_eq!((created.unix_seconds(), created.nanoseconds()), (-1, 250_000_000));
        assert_eq!(
            Created::from_unix_seconds(86_400).map(|day| day.to_string()),
            Some("1970-01-02T00:00:00Z".to_owned())
        );
        assert_eq!(Created::from_unix_seconds(i64::MAX), None);
    }

    #[test]
    fn one_moment_equals_itself_at_another_offset() {
        let [west, utc, later] = ["2020-01-01T00:00:00-01:00", "2020-01-01T01:00:00Z", "2020-01-01T00:00:00-02:00"]
            .map(|text| text.parse::<Created>().expect("a time"));
        assert_eq!(west, utc);
        assert!(utc < later);
    }

    proptest! {
        #[test]
        fn every_time_reads_back(
            seconds in GO_ZERO_SECONDS..253_000_000_000, nanoseconds in 0..1_000_000_000, minutes in -1439..1439_i32
        ) {
            let moment = Timestamp::new(seconds, 0).expect("a time").checked_add(jiff::Span::new().nanoseconds(i64::from(nanoseconds)));
            let offset = Offset::from_seconds(minutes * 60).expect("less than a day");
            let created = Created { offset, ..Created::new(moment.expect("a time")) };
            prop_assert_eq!(created.to_string().parse::<Created>(), Ok(created));
            let read: Result<Created, _> = created.written().parse();
            prop_assert_eq!(read.as_ref().map(Created::written), Ok(created.written()));
            prop_assert_eq!(read, Ok(created));
        }

        #[test]
        fn nothing_makes_it_panic(text in r"[0-9TZ:+.é-]{0,40}|\PC*") {
            if let Ok(created) = text.parse::<Created>() {
                prop_assert_eq!(created.to_string().parse::<Created>(), Ok(created));
            }
        }
    }
}
