//! Times as docker's client prints them, in the zone of whoever reads.

use jiff::Timestamp;
use jiff::tz::TimeZone;

use crate::oci::Created;
use crate::ui::human;

/// As Go's `time.Time` prints itself, for `images`: `2026-11-21 09:03:51 +0000 UTC`.
pub(super) fn go_string(time: Timestamp) -> String {
    let zoned = time.to_zoned(TimeZone::system());
    zoned.strftime("%Y-%m-%d %H:%M:%S %z %Z").to_string()
}

/// RFC 3339 to the second, for `history`: `2026-11-21T09:03:51Z`.
pub(super) fn rfc3339(time: Timestamp) -> String {
    let zoned = time.to_zoned(TimeZone::system());
    if zoned.offset().is_zero() {
        return zoned.strftime("%Y-%m-%dT%H:%M:%SZ").to_string();
    }
    zoned.strftime("%Y-%m-%dT%H:%M:%S%:z").to_string()
}

/// A time to the second: docker's API has no more for lists.
pub(super) fn seconds(created: Option<Created>) -> Timestamp {
    let created = created.unwrap_or_else(Created::go_zero);
    Timestamp::from_second(created.unix_seconds()).unwrap_or_else(|_| created.timestamp())
}

/// How long ago that was, for lists: `3 weeks ago`; nothing if nobody set the time.
pub(super) fn since(now: Timestamp, created: Option<Created>) -> String {
    match created.filter(|created| !created.is_go_zero()) {
        Some(_) => human::ago(now, seconds(created)),
        None => String::new(),
    }
}
