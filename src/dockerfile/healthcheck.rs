//! `HEALTHCHECK [--interval=… …] CMD …`, `HEALTHCHECK NONE`.

use super::error::Fault;
use super::flags::Flags;
use super::lines::DockerfileLine;
use super::{duration, words};
use crate::oci::Healthcheck;

/// A millisecond; Docker takes no less.
const SHORTEST: i64 = 1_000_000;

/// Reads what follows the keyword.
pub(super) fn parse(line: &DockerfileLine) -> Result<Healthcheck, Fault> {
    let (kind, command) = line.rest.split_once(char::is_whitespace).unwrap_or((&line.rest, ""));
    let command = command.trim_start();
    match kind.to_uppercase().as_str() {
        "" => Err(Fault::NoArgument { instruction: "HEALTHCHECK" }),
        "NONE" if command.is_empty() => Ok(Healthcheck { test: vec!["NONE".to_owned()], ..Healthcheck::default() }),
        "NONE" => Err(Fault::HealthcheckNone),
        "CMD" => with_options(test(command)?, &line.flags),
        other => Err(Fault::HealthcheckType { kind: other.to_owned() }),
    }
}

/// The command in either form.
fn test(command: &str) -> Result<Vec<String>, Fault> {
    let (kind, words) = match words::json(command)? {
        Some(words) => ("CMD", words),
        None if command.is_empty() => ("CMD-SHELL", Vec::new()),
        None => ("CMD-SHELL", vec![command.to_owned()]),
    };
    if words.is_empty() {
        return Err(Fault::HealthcheckCommand);
    }
    Ok([kind.to_owned()].into_iter().chain(words).collect())
}

fn with_options(test: Vec<String>, flags: &[String]) -> Result<Healthcheck, Fault> {
    let mut flags = Flags::new(flags);
    let mut next = |name| flags.value(name);
    let (interval, timeout) = (next("interval")?, next("timeout")?);
    let (start_period, start_interval) = (next("start-period")?, next("start-interval")?);
    let retries = next("retries")?;
    flags.finish()?;
    Ok(Healthcheck {
        test,
        interval: time(interval, "interval")?,
        timeout: time(timeout, "timeout")?,
        start_period: time(start_period, "start-period")?,
        start_interval: time(start_interval, "start-interval")?,
        retries: count(retries)?,
        ..Healthcheck::default()
    })
}

/// Nanoseconds; 0 is Docker's default.
fn time(value: Option<String>, flag: &'static str) -> Result<i64, Fault> {
    let Some(text) = value.filter(|text| !text.is_empty()) else { return Ok(0) };
    match duration::parse(&text) {
        None => Err(Fault::Duration { text }),
        Some(0) => Ok(0),
        Some(nanoseconds) if nanoseconds < SHORTEST => Err(Fault::ShortInterval { flag }),
        Some(nanoseconds) => Ok(nanoseconds),
    }
}

fn count(value: Option<String>) -> Result<i64, Fault> {
    let Some(text) = value.filter(|text| !text.is_empty()) else { return Ok(0) };
    match text.parse::<i32>() {
        Ok(retries) if retries < 0 => Err(Fault::NegativeRetries { retries }),
        Ok(retries) => Ok(retries.into()),
        Err(_) => Err(Fault::Retries { text }),
    }
}
