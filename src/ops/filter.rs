//! `--filter`: selecting images.

use jiff::{SignedDuration, Timestamp};

use super::records::ImageRecord;
use super::{Context, Error, glob};
use crate::oci::Created;

/// The conditions that images have to meet.
#[derive(Debug, Clone, Default)]
pub struct Filters {
    dangling: Option<bool>,
    labels: Vec<Label>,
    without_labels: Vec<Label>,
    before: Option<Created>,
    since: Option<Created>,
    until: Option<Timestamp>,
    references: Vec<String>,
}

#[derive(Debug, Clone)]
struct Label {
    name: String,
    value: Option<String>,
}

impl Label {
    fn parse(text: &str) -> Self {
        match text.split_once('=') {
            Some((name, value)) => Self { name: name.to_owned(), value: Some(value.to_owned()) },
            None => Self { name: text.to_owned(), value: None },
        }
    }

    fn is_on(&self, record: &ImageRecord) -> bool {
        let found = record.labels.get(&self.name);
        found.is_some_and(|found| self.value.as_ref().is_none_or(|value| value == found))
    }
}

impl Filters {
    /// Reads docker's `key=value` filters. `before` and `since` name images of the store; `until` is a time, or how long
    /// before `now`.
    pub fn parse(context: &Context, typed: &[String], now: Timestamp) -> Result<Self, Error> {
        Self::parse_among(typed, now, &|name| {
            let found = context.find_in_store(&*context.store.catalog()?, name)?;
            Ok(found.image(None, &context.host)?.config.value().created)
        })
    }

    /// The same where `before` and `since` name images of another place, whose creation times `created` gives.
    pub fn parse_among(
        typed: &[String],
        now: Timestamp,
        created: &dyn Fn(&str) -> Result<Option<Created>, Error>,
    ) -> Result<Self, Error> {
        let mut filters = Self::default();
        for text in typed {
            let (key, value) = text.split_once('=').ok_or_else(|| Error::InvalidFilter(text.clone()))?;
            let (key, value) = (key.trim().to_lowercase(), value.trim());
            let invalid = || Error::InvalidFilter(key.clone());
            let (key, negated) = key.strip_suffix('!').map_or((key.as_str(), false), |key| (key, true));
            let created = |name: &str| created(name).map(|created| created.unwrap_or_else(Created::go_zero));
            match (key, negated) {
                ("label", true) => filters.without_labels.push(Label::parse(value)),
                ("label", false) => filters.labels.push(Label::parse(value)),
                ("dangling", false) => filters.set_dangling(value)?,
                ("before", false) => filters.before = Some(created(value)?),
                ("since", false) => filters.since = Some(created(value)?),
                ("until", false) if filters.until.is_some() => return Err(Error::SeveralUntil),
                ("until", false) => {
                    let time = moment(value, now).ok_or_else(|| Error::NoTime(value.to_owned()))?;
                    filters.until = Some(time);
                }
                ("reference", false) => filters.add_reference(value)?,
                _ => return Err(invalid()),
            }
        }
        Ok(filters)
    }

    /// Adds a pattern for names; one of the patterns has to match.
    pub fn add_reference(&mut self, pattern: &str) -> Result<(), Error> {
        if !glob::is_pattern(pattern) {
            return Err(Error::Pattern);
        }
        self.references.push(pattern.to_owned());
        Ok(())
    }

    /// Docker accepts fewer words for true and false here than for flags.
    fn set_dangling(&mut self, value: &str) -> Result<(), Error> {
        let wanted = match value {
            "1" | "true" => true,
            "0" | "false" => false,
            _ => return Err(Error::InvalidFilter(format!("dangling=[{value}]"))),
        };
        if self.dangling.is_some_and(|other| other != wanted) {
            return Err(Error::InvalidFilter("dangling=[true false]".to_owned()));
        }
        self.dangling = Some(wanted);
        Ok(())
    }

    /// Whether only images without a name, or only those with one, are meant.
    pub fn dangling(&self) -> Option<bool> {
        self.dangling
    }

    /// Whether there is no condition.
    pub fn is_empty(&self) -> bool {
        let labels = self.labels.len() + self.without_labels.len() + self.references.len();
        let times = [self.before.is_some(), self.since.is_some(), self.until.is_some()];
        labels == 0 && !times.contains(&true) && self.dangling.is_none()
    }

    /// Whether only some of an image's names may be meant.
    pub fn has_references(&self) -> bool {
        !self.references.is_empty()
    }

    /// The image with those of its names that match; none if it does not match.
    pub fn apply(&self, mut record: ImageRecord) -> Option<ImageRecord> {
        let created = record.created.unwrap_or_else(Created::go_zero);
        // An image with children is in use, and never dangling.
        let is_dangling = record.is_dangling() && !(record.is_intermediate && self.dangling == Some(true));
        let meant = self.dangling.is_none_or(|dangling| dangling == is_dangling)
            && self.labels.iter().all(|label| label.is_on(&record))
            && !self.without_labels.iter().any(|label| label.is_on(&record))
            && self.before.is_none_or(|before| created < before)
            && self.since.is_none_or(|since| created > since)
            && self.until.is_none_or(|until| created.timestamp() < until);
        if !meant {
            return None;
        }
        if !self.references.is_empty() {
            record
                .names
                .retain(|(name, _)| self.references.iter().any(|pattern| glob::matches_reference(pattern, name)));
            return (!record.names.is_empty()).then_some(record);
        }
        Some(record)
    }
}

/// Go's words for true and false.
pub fn boolean(text: &str) -> Option<bool> {
    match text {
        "1" | "t" | "T" | "true" | "TRUE" | "True" => Some(true),
        "0" | "f" | "F" | "false" | "FALSE" | "False" => Some(false),
        _ => None,
    }
}

/// Seconds since 1970, a date, a time, or how long ago.
fn moment(text: &str, now: Timestamp) -> Option<Timestamp> {
    if let Some(ago) = duration(text) {
        return now.checked_sub(ago).ok();
    }
    if let Ok(seconds) = text.parse::<i64>() {
        return Timestamp::from_second(seconds).ok();
    }
    let as_date = || format!("{text}T00:00:00Z").parse::<Timestamp>().ok();
    text.parse::<Timestamp>().ok().or_else(as_date).or_else(|| format!("{text}Z").parse().ok())
}

/// Go's durations: `1h30m`, `10s`, `1.5h`; none if the text is not one.
pub fn duration(text: &str) -> Option<SignedDuration> {
    let (sign, mut rest) = match text.as_bytes().first() {
        Some(b'-') => (-1.0, &text[1..]),
        Some(b'+') => (1.0, &text[1..]),
        _ => (1.0, text),
    };
    if rest.is_empty() {
        return None;
    }
    let mut seconds = 0.0;
    while !rest.is_empty() {
        let digits = rest.find(|letter: char| !letter.is_ascii_digit() && letter != '.')?;
        let (number, more) = rest.split_at(digits);
        let unit = more.find(|letter: char| letter.is_ascii_digit() || letter == '.').unwrap_or(more.len());
        let factor = match &more[..unit] {
            "h" => 3600.0,
            "m" => 60.0,
            "s" => 1.0,
            "ms" => 1e-3,
            "us" | "µs" => 1e-6,
            "ns" => 1e-9,
            _ => return None,
        };
        seconds += number.parse::<f64>().ok()? * factor;
        rest = &more[unit..];
    }
    SignedDuration::try_from_secs_f64(sign * seconds).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments() {
        let now: Timestamp = "2026-01-02T12:00:00Z".parse().expect("a time");
        let cases = [
            ("24h", "2026-01-01T12:00:00Z"),
            ("1h30m", "2026-01-02T10:30:00Z"),
            ("1.5h", "2026-01-02T10:30:00Z"),
            ("-1h", "2026-01-02T13:00:00Z"),
            ("+1h", "2026-01-02T11:00:00Z"),
            ("0", "1970-01-01T00:00:00Z"),
            ("2026-01-01", "2026-01-01T00:00:00Z"),
            ("2026-01-01T10:00:00", "2026-01-01T10:00:00Z"),
            ("2026-01-01T10:00:00+01:00", "2026-01-01T09:00:00Z"),
        ];
        for (text, expected) in cases {
            assert_eq!(moment(text, now), expected.parse().ok(), "{text}");
        }
        for text in ["", "h", "1", "1x", "yesterday", "1h-", "-", "+"] {
            assert!(duration(text).is_none(), "{text}");
        }
    }
}
