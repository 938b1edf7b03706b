//! dive's file of rules, `.dive-ci`.
//!
//! ```yaml
//! rules:
//!   lowestEfficiency: 0.95
//!   highestWastedBytes: 20MB
//!   highestUserWastedPercent: disabled
//! ```
//!
//! Of YAML this much is read: one mapping in one mapping, comments, quotes. The longer names of newer versions of dive
//! (`lowest-efficiency-threshold`) are read, too, with or without `rules:`.

use super::ci::{HIGHEST_USER_WASTED_PERCENT, HIGHEST_WASTED_BYTES, LOWEST_EFFICIENCY, Rules};
use crate::layer::path::Escaped;

/// Larger files are no rules.
pub const MOST_BYTES: u64 = 1 << 20;

/// Why a file of rules cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {what}")]
pub struct RulesError {
    line: usize,
    what: String,
}

/// Reads a file of rules; what it does not say is as dive has it.
pub fn parse(text: &str) -> Result<Rules, RulesError> {
    let mut rules = Rules::default();
    let mut in_rules = true;
    for (number, line) in text.lines().enumerate() {
        let failed = |what: String| RulesError { line: number + 1, what };
        let line = without_comment(line).trim_end();
        let trimmed = line.trim_start();
        if trimmed.is_empty() || trimmed == "---" || trimmed == "{}" {
            continue;
        }
        let Some((key, value)) = trimmed.split_once(':') else {
            return Err(failed(format!("expected NAME: VALUE, not {}", Escaped(trimmed.as_bytes()))));
        };
        let (key, value) = (key.trim().trim_matches(['"', '\'']), unquoted(value.trim()));
        let is_top = line.len() == trimmed.len();
        if is_top && value.is_empty() {
            in_rules = key.eq_ignore_ascii_case("rules");
            continue;
        }
        if is_top {
            in_rules = true;
        }
        if !in_rules {
            continue;
        }
        if value.starts_with(['{', '[', '|', '>', '&', '*']) {
            return Err(failed(format!("write the value of {} on one line, as it is", Escaped(key.as_bytes()))));
        }
        match key.to_ascii_lowercase().as_str() {
            "lowestefficiency" | "lowest-efficiency" | "lowest-efficiency-threshold" => {
                value.clone_into(&mut rules.lowest_efficiency);
            }
            "highestwastedbytes" | "highest-wasted-bytes" => value.clone_into(&mut rules.highest_wasted_bytes),
            "highestuserwastedpercent" | "highest-user-wasted-percent" => {
                value.clone_into(&mut rules.highest_user_wasted_percent);
            }
            _ if is_top => {}
            _ => {
                let known = [LOWEST_EFFICIENCY, HIGHEST_WASTED_BYTES, HIGHEST_USER_WASTED_PERCENT].join(", ");
                return Err(failed(format!("unknown rule {}: the rules are {known}", Escaped(key.as_bytes()))));
            }
        }
    }
    Ok(rules)
}

/// The line up to a `#` that begins a word outside quotes.
fn without_comment(line: &str) -> &str {
    let (mut quote, mut before) = (None, ' ');
    for (at, c) in line.char_indices() {
        match quote {
            Some(open) if c == open => quote = None,
            None if c == '#' && before.is_whitespace() => return &line[..at],
            None if (c == '"' || c == '\'') && !before.is_alphanumeric() => quote = Some(c),
            Some(_) | None => {}
        }
        before = c;
    }
    line
}

fn unquoted(value: &str) -> &str {
    for quote in ['"', '\''] {
        if let Some(inside) = value.strip_prefix(quote).and_then(|value| value.strip_suffix(quote)) {
            return inside;
        }
    }
    value
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rules(text: &str) -> [String; 3] {
        let rules = parse(text).unwrap_or_else(|error| panic!("{text}: {error}"));
        [rules.lowest_efficiency, rules.highest_wasted_bytes, rules.highest_user_wasted_percent]
    }

    #[test]
    fn files_of_all_versions_of_dive() {
        let dive = "rules:\n  # If it is less (a ratio)\n  lowestEfficiency: 0.96\n\n  highestWastedBytes: 19Mb # at most\n  \
            highestUserWastedPercent: \"0.6\"\n";
        assert_eq!(rules(dive), ["0.96", "19Mb", "0.6"]);
        assert_eq!(rules("rules:\n  highestWastedBytes: 'disabled'\n"), ["0.9", "disabled", "0.1"]);
        assert_eq!(rules("---\nlowest-efficiency-threshold: 0.5\nhighest-wasted-bytes: 1MB\n"), ["0.5", "1MB", "0.1"]);
        assert_eq!(rules("log:\n  level: debug\nrules:\n  lowestefficiency: 1\n"), ["1", "disabled", "0.1"]);
        assert_eq!(rules(""), ["0.9", "disabled", "0.1"]);
    }

    #[test]
    fn what_is_not_understood_is_refused() {
        let cases = [
            (
                "rules:\n  lowestEffciency: 1\n",
                "line 2: unknown rule lowestEffciency: the rules are lowestEfficiency, ",
            ),
            ("rules:\n  lowestEfficiency\n", "line 2: expected NAME: VALUE, not lowestEfficiency"),
            ("rules:\n  lowestEfficiency: |\n    1\n", "line 2: write the value of lowestEfficiency on one line"),
        ];
        for (text, expected) in cases {
            let error = parse(text).expect_err(expected).to_string();
            assert!(error.starts_with(expected), "{error}");
        }
    }
}
