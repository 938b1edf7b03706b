//! Go's `time`: how durations and times print.

/// Prints a time in RFC 3339 as `time.Time` prints itself: `2026-11-21 09:03:51 +0000 UTC`.
///
/// At an offset other than UTC's Go prints the name of the zone, which is not known here: the offset stands for it. Any
/// other text is returned unchanged.
pub fn time(rfc3339: &str) -> String {
    let parts = rfc3339.split_once('T').and_then(|(date, rest)| {
        let zone = rest.find(['Z', '+', '-'])?;
        Some((date, &rest[..zone], &rest[zone..]))
    });
    match parts {
        Some((date, clock, "Z")) => format!("{date} {clock} +0000 UTC"),
        Some((date, clock, zone)) => {
            let zone = zone.replace(':', "");
            format!("{date} {clock} {zone} {zone}")
        }
        None => rfc3339.to_owned(),
    }
}

/// Prints a `time.Duration`, in nanoseconds, as Go does: `1h2m3.5s`, `1.5ms`, `0s`.
pub fn duration(nanoseconds: i64) -> String {
    let sign = if nanoseconds < 0 { "-" } else { "" };
    let size = nanoseconds.unsigned_abs();
    let decimal = |unit: u64| {
        let digits = unit.ilog10() as usize;
        let text = format!("{}.{:0digits$}", size / unit, size % unit);
        text.trim_end_matches('0').trim_end_matches('.').to_owned()
    };
    let text = match size {
        0 => "0s".to_owned(),
        1..1_000 => format!("{size}ns"),
        1_000..1_000_000 => decimal(1_000) + "µs",
        1_000_000..1_000_000_000 => decimal(1_000_000) + "ms",
        _ => {
            let minutes = size / 60_000_000_000;
            let seconds = format!("{}.{:09}", size / 1_000_000_000 % 60, size % 1_000_000_000);
            let seconds = seconds.trim_end_matches('0').trim_end_matches('.');
            match (minutes / 60, minutes % 60) {
                (0, 0) => format!("{seconds}s"),
                (0, minutes) => format!("{minutes}m{seconds}s"),
                (hours, minutes) => format!("{hours}h{minutes}m{seconds}s"),
            }
        }
    };
    sign.to_owned() + &text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_print_as_go_prints_them() {
        for (text, expected) in [
            ("0001-01-01T00:00:00Z", "0001-01-01 00:00:00 +0000 UTC"),
            ("2026-11-21T09:03:51.5Z", "2026-11-21 09:03:51.5 +0000 UTC"),
            ("2026-11-21T09:03:51+01:00", "2026-11-21 09:03:51 +0100 +0100"),
            ("never", "never"),
        ] {
            assert_eq!(time(text), expected);
        }
    }

    #[test]
    fn durations_print_as_go_prints_them() {
        for (nanoseconds, expected) in
            [(0, "0s"), (1_500_000, "1.5ms"), (90_500_000_000, "1m30.5s"), (-3_600_000_000_000, "-1h0m0s"), (7, "7ns")]
        {
            assert_eq!(duration(nanoseconds), expected);
        }
    }
}
