//! Durations as Go writes them: `1h2m3.5s`.

/// Nanoseconds, or `None` if the text is not a duration or is too large. A sign may precede it.
pub(super) fn parse(text: &str) -> Option<i64> {
    let (negative, mut rest) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    };
    if rest == "0" {
        return Some(0);
    }
    let mut sum: i64 = 0;
    loop {
        let (nanoseconds, more) = part(rest)?;
        sum = sum.checked_add(nanoseconds)?;
        rest = more;
        if rest.is_empty() {
            return Some(if negative { -sum } else { sum });
        }
    }
}

/// A number with its unit at the start of the text, and what follows.
fn part(text: &str) -> Option<(i64, &str)> {
    let (whole, rest) = digits(text);
    let (fraction, rest) = rest.strip_prefix('.').map_or(("", rest), digits);
    if whole.is_empty() && fraction.is_empty() {
        return None;
    }
    let end = rest.find(|next: char| next == '.' || next.is_ascii_digit()).unwrap_or(rest.len());
    let (unit, rest) = rest.split_at(end);
    let unit: i64 = match unit {
        "ns" => 1,
        "us" | "µs" | "μs" => 1_000,
        "ms" => 1_000_000,
        "s" => 1_000_000_000,
        "m" => 60_000_000_000,
        "h" => 3_600_000_000_000,
        _ => return None,
    };
    let whole: i64 = if whole.is_empty() { 0 } else { whole.parse().ok()? };
    Some((whole.checked_mul(unit)?.checked_add(of_fraction(fraction, unit))?, rest))
}

/// That fraction of a unit, rounded down.
fn of_fraction(digits: &str, unit: i64) -> i64 {
    // Eighteen digits are more than a nanosecond's part of an hour.
    let digits = &digits[..digits.len().min(18)];
    let scale = 10_i128.pow(u32::try_from(digits.len()).unwrap_or(0));
    let value: i128 = digits.parse().unwrap_or(0);
    i64::try_from(value * i128::from(unit) / scale).unwrap_or(0)
}

fn digits(text: &str) -> (&str, &str) {
    text.split_at(text.find(|next: char| !next.is_ascii_digit()).unwrap_or(text.len()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations() {
        let cases = [
            ("0", Some(0)),
            ("-0", Some(0)),
            ("1ns", Some(1)),
            ("1us", Some(1_000)),
            ("1µs", Some(1_000)),
            ("1h2m3s4ms", Some(3_723_004_000_000)),
            ("1.5h", Some(5_400_000_000_000)),
            (".5s", Some(500_000_000)),
            ("1.s", Some(1_000_000_000)),
            ("-2s", Some(-2_000_000_000)),
            ("0.3333333333333333333333h", Some(1_200_000_000_000 - 1)),
            ("2540400h10m10.000000000s", Some(9_145_440_610_000_000_000)),
            ("2562048h", None),
            ("9223372036854775808ns", None),
            ("", None),
            ("-", None),
            ("5", None),
            (".s", None),
            ("1x", None),
            ("1s ", None),
            ("s", None),
            ("1s2", None),
            ("é", None),
        ];
        for (text, nanoseconds) in cases {
            assert_eq!(parse(text), nanoseconds, "{text:?}");
        }
    }
}
