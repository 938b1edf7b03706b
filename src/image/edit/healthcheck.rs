//! `HEALTHCHECK [--interval=… …] CMD …`, `HEALTHCHECK NONE`.

use super::dockerfile::DockerfileLine;
use super::{ChangeError, duration, flags, words};
use crate::oci::Healthcheck;

/// A millisecond; Docker takes no less.
const SHORTEST: i64 = 1_000_000;

/// Reads what follows the keyword.
pub(super) fn parse(line: &DockerfileLine) -> Result<Healthcheck, ChangeError> {
    let (kind, command) = line.rest.split_once(char::is_whitespace).unwrap_or((&line.rest, ""));
    let command = command.trim_start();
    match kind.to_uppercase().as_str() {
        "" => Err(ChangeError::NoArgument { instruction: "HEALTHCHECK" }),
        "NONE" if command.is_empty() => Ok(Healthcheck { test: vec!["NONE".to_owned()], ..Healthcheck::default() }),
        "NONE" => Err(ChangeError::HealthcheckNone),
        "CMD" => with_options(test(command)?, &line.flags),
        other => Err(ChangeError::HealthcheckType { kind: other.to_owned() }),
    }
}

/// The command in either form.
fn test(command: &str) -> Result<Vec<String>, ChangeError> {
    let (kind, words) = match words::json(command)? {
        Some(words) => ("CMD", words),
        None if command.is_empty() => ("CMD-SHELL", Vec::new()),
        None => ("CMD-SHELL", vec![command.to_owned()]),
    };
    if words.is_empty() {
        return Err(ChangeError::HealthcheckCommand);
    }
    Ok([kind.to_owned()].into_iter().chain(words).collect())
}

fn with_options(test: Vec<String>, flags: &[String]) -> Result<Healthcheck, ChangeError> {
    let names = ["interval", "timeout", "start-period", "start-interval", "retries"];
    let [interval, timeout, start_period, start_interval, retries] = flags::values(flags, names)?;
    Ok(Healthcheck {
        test,
        interval: time(interval, names[0])?,
        timeout: time(timeout, names[1])?,
        start_period: time(start_period, names[2])?,
        start_interval: time(start_interval, names[3])?,
        retries: count(retries)?,
        ..Healthcheck::default()
    })
}

/// Nanoseconds; 0 is Docker's default.
fn time(value: Option<String>, flag: &'static str) -> Result<i64, ChangeError> {
    let Some(text) = value.filter(|text| !text.is_empty()) else { return Ok(0) };
    match duration::parse(&text) {
        None => Err(ChangeError::Duration { text }),
        Some(0) => Ok(0),
        Some(nanoseconds) if nanoseconds < SHORTEST => Err(ChangeError::ShortInterval { flag }),
        Some(nanoseconds) => Ok(nanoseconds),
    }
}

fn count(value: Option<String>) -> Result<i64, ChangeError> {
    let Some(text) = value.filter(|text| !text.is_empty()) else { return Ok(0) };
    match text.parse::<i32>() {
        Ok(retries) if retries < 0 => Err(ChangeError::NegativeRetries { retries }),
        Ok(retries) => Ok(retries.into()),
        Err(_) => Err(ChangeError::Retries { text }),
    }
}
