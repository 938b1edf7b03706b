//! dive's rules for continuous integration, and what dive says of them.

use std::fmt::Write as _;

use super::Figures;
use crate::layer::path::Escaped;

/// The rules of dive, as they were given: numbers, sizes, or `disabled`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rules {
    /// The lowest efficiency, from 0 to 1.
    pub lowest_efficiency: String,
    /// The most wasted bytes, as a size: `20MB`.
    pub highest_wasted_bytes: String,
    /// The largest part of all bytes but those of the lowest layer that may be wasted, from 0 to 1.
    pub highest_user_wasted_percent: String,
}

/// dive's own.
impl Default for Rules {
    fn default() -> Self {
        Self {
            lowest_efficiency: "0.9".to_owned(),
            highest_wasted_bytes: "disabled".to_owned(),
            highest_user_wasted_percent: "0.1".to_owned(),
        }
    }
}

/// What came out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verdict {
    /// Whether no rule failed, and all make sense.
    pub passes: bool,
    /// What dive prints, each line with its end.
    pub text: String,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Outcome {
    Pass,
    Fail(String),
    Skip,
    Misconfigured(String),
}

impl Rules {
    /// Judges an image.
    pub fn judge(&self, figures: &Figures) -> Verdict {
        let mut results = self.results(figures);
        let misconfigured = results.iter().any(|(_, outcome)| matches!(outcome, Outcome::Misconfigured(_)));
        let mut text = String::new();
        let efficiency = figures.efficiency * 100.0;
        let _ = writeln!(text, "  efficiency: {efficiency:.4} %");
        let _ = writeln!(text, "  wastedBytes: {} bytes ({})", figures.wasted, size(figures.wasted));
        let _ = writeln!(text, "  userWastedPercent: {} %", go_fixed(figures.user_wasted() * 100.0));
        let _ = writeln!(text, "Inefficient Files:\n{:>5}  {:>12}  File Path", "Count", "Wasted Space");
        // dive does not look further either if a rule makes no sense.
        if figures.inefficient.is_empty() || misconfigured {
            text.push_str("None\n");
        } else {
            for one in &figures.inefficient {
                let path = Escaped(&one.path);
                let _ = writeln!(text, "{:>5}  {:>12}  {path}", one.count, size(one.size));
            }
        }
        text.push_str("Results:\n");
        results.sort_by_key(|(name, _)| *name);
        for (name, outcome) in &results {
            text.push_str(&line(name, outcome, misconfigured));
        }
        let count = |is: fn(&Outcome) -> bool| results.iter().filter(|(_, outcome)| is(outcome)).count();
        let failed = count(|outcome| matches!(outcome, Outcome::Fail(_)));
        if misconfigured {
            text.push_str("CI Misconfigured");
        } else {
            let word = if failed > 0 { "FAIL" } else { "PASS" };
            let (passed, skipped) =
                (count(|outcome| *outcome == Outcome::Pass), count(|outcome| *outcome == Outcome::Skip));
            let total = results.len();
            let summary = format!(
                "Result:{word} [Total:{total}] [Passed:{passed}] [Failed:{failed}] [Warn:0] [Skipped:{skipped}]"
            );
            text.push_str(&summary);
        }
        text.push('\n');
        Verdict { passes: failed == 0 && !misconfigured, text }
    }

    fn results(&self, figures: &Figures) -> Vec<(&'static str, Outcome)> {
        let (efficiency, wasted, part) = (figures.efficiency, figures.wasted, figures.user_wasted());
        vec![
            (
                LOWEST_EFFICIENCY,
                outcome(&self.lowest_efficiency, |value| {
                    let threshold = ratio(LOWEST_EFFICIENCY, value)?;
                    let said = "image efficiency is too low";
                    Ok((threshold > efficiency)
                        .then(|| format!("{said} (efficiency={efficiency} < threshold={threshold})")))
                }),
            ),
            (
                HIGHEST_WASTED_BYTES,
                outcome(&self.highest_wasted_bytes, |value| {
                    let threshold = parse_size(value).map_err(|error| invalid(value, &error))?;
                    let said = "too many bytes wasted";
                    Ok((wasted > threshold).then(|| format!("{said} (wasted-bytes={wasted} > threshold={threshold})")))
                }),
            ),
            (
                HIGHEST_USER_WASTED_PERCENT,
                outcome(&self.highest_user_wasted_percent, |value| {
                    let threshold = ratio(HIGHEST_USER_WASTED_PERCENT, value)?;
                    let said = "too many bytes wasted, relative to the user bytes added";
                    let shown = if part.is_infinite() { "+Inf".to_owned() } else { part.to_string() };
                    Ok((threshold < part)
                        .then(|| format!("{said} (%-user-wasted-bytes={shown} > threshold={threshold})")))
                }),
            ),
        ]
    }
}

/// The names of the rules, in dive's file and as its flags.
pub const LOWEST_EFFICIENCY: &str = "lowestEfficiency";
/// See [`Rules::highest_wasted_bytes`].
pub const HIGHEST_WASTED_BYTES: &str = "highestWastedBytes";
/// See [`Rules::highest_user_wasted_percent`].
pub const HIGHEST_USER_WASTED_PERCENT: &str = "highestUserWastedPercent";

fn line(name: &str, outcome: &Outcome, misconfigured: bool) -> String {
    let (status, message) = match outcome {
        Outcome::Misconfigured(message) => ("MISCONFIGURED", message.as_str()),
        Outcome::Skip if misconfigured => ("CONFIGURED   ", "rule disabled"),
        _ if misconfigured => ("CONFIGURED   ", "test"),
        Outcome::Pass => ("PASS", ""),
        Outcome::Fail(message) => ("FAIL", message.as_str()),
        Outcome::Skip => ("SKIP", "rule disabled"),
    };
    if message.is_empty() { format!("  {status}: {name}\n") } else { format!("  {status}: {name}: {message}\n") }
}

fn outcome(value: &str, judge: impl Fn(&str) -> Result<Option<String>, String>) -> Outcome {
    if matches!(value.trim().to_ascii_lowercase().as_str(), "" | "disabled" | "off" | "false") {
        return Outcome::Skip;
    }
    match judge(value) {
        Ok(None) => Outcome::Pass,
        Ok(Some(message)) => Outcome::Fail(message),
        Err(message) => Outcome::Misconfigured(message),
    }
}

fn invalid(value: &str, error: &str) -> String {
    format!("invalid config value ('{}'): {error}", Escaped(value.as_bytes()))
}

fn ratio(name: &str, value: &str) -> Result<f64, String> {
    let shown = Escaped(value.as_bytes());
    let number = value.parse::<f64>().ok().filter(|number| number.is_finite());
    let number =
        number.ok_or_else(|| invalid(value, &format!("strconv.ParseFloat: parsing \"{shown}\": invalid syntax")))?;
    if !(0.0..=1.0).contains(&number) {
        return Err(format!("{name} config value is outside allowed range (0-1), given '{shown}'"));
    }
    Ok(number)
}

/// With four digits, as Go prints it.
fn go_fixed(value: f64) -> String {
    if value.is_infinite() { "+Inf".to_owned() } else { format!("{value:.4}") }
}

/// A size as dive prints it, in units of 1000: `32 kB`, `9.5 MB`.
#[expect(clippy::cast_precision_loss, reason = "two digits are shown")]
pub fn size(bytes: u64) -> String {
    const UNITS: [&str; 7] = ["B", "kB", "MB", "GB", "TB", "PB", "EB"];
    if bytes < 10 {
        return format!("{bytes} B");
    }
    let (mut unit, mut scale) = (0, 1_u64);
    while bytes / scale >= 1000 && unit + 1 < UNITS.len() {
        (unit, scale) = (unit + 1, scale.saturating_mul(1000));
    }
    let value = (bytes as f64 / scale as f64 * 10.0 + 0.5).floor() / 10.0;
    if value < 10.0 { format!("{value:.1} {}", UNITS[unit]) } else { format!("{value:.0} {}", UNITS[unit]) }
}

/// A size as dive reads it: `20MB`, `1.5 GiB`, `1,000`.
fn parse_size(typed: &str) -> Result<u64, String> {
    let end = typed.find(|c: char| !(c.is_ascii_digit() || c == '.' || c == ',')).unwrap_or(typed.len());
    let digits: String = typed[..end].chars().filter(|c| *c != ',').collect();
    let syntax = || format!("strconv.ParseFloat: parsing \"{digits}\": invalid syntax");
    let number: f64 = digits.parse().map_err(|_| syntax())?;
    let unit = typed[end..].trim().to_lowercase();
    let scale = match unit.as_str() {
        "" | "b" => 1.0,
        "k" | "kb" => 1e3,
        "m" | "mb" => 1e6,
        "g" | "gb" => 1e9,
        "t" | "tb" => 1e12,
        "p" | "pb" => 1e15,
        "e" | "eb" => 1e18,
        "ki" | "kib" => 1024.0,
        "mi" | "mib" => 1024.0 * 1024.0,
        "gi" | "gib" => 1024.0_f64.powi(3),
        "ti" | "tib" => 1024.0_f64.powi(4),
        "pi" | "pib" => 1024.0_f64.powi(5),
        "ei" | "eib" => 1024.0_f64.powi(6),
        _ => return Err(format!("unhandled size name: {}", Escaped(unit.as_bytes()))),
    };
    let bytes = number * scale;
    if bytes >= 18_446_744_073_709_551_616.0 {
        return Err(format!("too large: {}", Escaped(typed.as_bytes())));
    }
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "checked just above; digits only")]
    Ok(bytes as u64)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ops::analysis::Inefficient;

    fn figures(efficiency: f64, wasted: u64, user_size: u64) -> Figures {
        let inefficient = vec![Inefficient { path: b"/a\x1b".to_vec(), count: 2, size: wasted }];
        Figures { efficiency, size: 1_220_598, user_size, wasted, inefficient }
    }

    fn judge(rules: [&str; 3], figures: &Figures) -> Verdict {
        let [lowest_efficiency, highest_wasted_bytes, highest_user_wasted_percent] = rules.map(str::to_owned);
        let rules = Rules { lowest_efficiency, highest_wasted_bytes, highest_user_wasted_percent };
        rules.judge(figures)
    }

    /// The figures that dive's own tests have of its image for tests.
    #[test]
    fn what_dive_prints() {
        let figures = figures(0.984_421_213_418_430_9, 32_025, 66_237);
        let verdict = judge(["0.9", "1B", "disabled"], &figures);
        let expected = "  efficiency: 98.4421 %\n  wastedBytes: 32025 bytes (32 kB)\n  userWastedPercent: 48.3491 %\n\
            Inefficient Files:\nCount  Wasted Space  File Path\n    2         32 kB  /a\\x1b\nResults:\n  \
            SKIP: highestUserWastedPercent: rule disabled\n  \
            FAIL: highestWastedBytes: too many bytes wasted (wasted-bytes=32025 > threshold=1)\n  \
            PASS: lowestEfficiency\n\
            Result:FAIL [Total:3] [Passed:1] [Failed:1] [Warn:0] [Skipped:1]\n";
        assert_eq!((verdict.passes, &*verdict.text), (false, expected));
    }

    #[test]
    fn thresholds() {
        let figures = figures(0.984_421_213_418_430_9, 32_025, 66_237);
        let cases = [
            (["0.99", "1B", "0.01"], false, "[Failed:3]"),
            (["0.9", "50kB", "0.5"], true, "[Passed:3]"),
            (["disabled", "off", ""], true, "[Skipped:3]"),
            (["0.9", "1B", "0.5"], false, "threshold=1)"),
            (["0.9", "disabled", "0.1"], false, "%-user-wasted-bytes=0.4834911001404049 > threshold=0.1)"),
            (["1.1", "50kB", "0.5"], false, "outside allowed range (0-1), given '1.1'\nCI Misconfigured"),
            (["-0.1", "1", "0.5"], false, "MISCONFIGURED: lowestEfficiency"),
            (["x", "1", "0.5"], false, "invalid config value ('x'): strconv.ParseFloat"),
            (["0.9", "1 furlong", "0.5"], false, "unhandled size name: furlong"),
            (["0.9", "x", "0.5"], false, "MISCONFIGURED: highestWastedBytes"),
        ];
        for (rules, passes, part) in cases {
            let verdict = judge(rules, &figures);
            assert_eq!(verdict.passes, passes, "{rules:?}");
            assert!(verdict.text.contains(part), "{rules:?}: {}", verdict.text);
        }
        assert!(judge(["0.9", "disabled", "0.1"], &self::figures(1.0, 0, 0)).passes, "one layer wastes nothing");
    }

    #[test]
    fn sizes_as_dive_has_them() {
        let cases =
            [(0, "0 B"), (10, "10 B"), (999, "999 B"), (1000, "1.0 kB"), (32_025, "32 kB"), (9_540_000, "9.5 MB")];
        for (bytes, text) in cases {
            assert_eq!(size(bytes), text);
        }
        let cases = [("20MB", 20_000_000), ("1.5 KiB", 1536), ("1,000", 1000), ("19Mb", 19_000_000), ("0", 0)];
        for (text, bytes) in cases {
            assert_eq!(parse_size(text), Ok(bytes));
        }
        assert!(parse_size("99999999999EB").is_err());
    }
}
