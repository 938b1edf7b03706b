//! What the history says of an instruction, in the words of `BuildKit`.

use std::fmt::Write as _;

use crate::dockerfile::{CommandForm, Copy, Instruction};
use crate::go;
use crate::oci::{ContainerConfig, Healthcheck};

/// The comment of all entries.
pub(super) const COMMENT: &str = "buildkit.dockerfile.v0";

/// `created_by` of an instruction whose variables are substituted; `config` is what it made of the config.
pub(super) fn created_by(instruction: &Instruction, config: &ContainerConfig) -> String {
    match instruction {
        Instruction::Add(copy) => copied("ADD", copy),
        Instruction::Copy(copy) => copied("COPY", copy),
        Instruction::Arg(pairs) => {
            let pair = |(name, value): &(String, Option<String>)| match value {
                Some(value) => format!("{name}={value}"),
                None => name.clone(),
            };
            format!("ARG {}", pairs.iter().map(pair).collect::<Vec<_>>().join(" "))
        }
        Instruction::Cmd(_) => format!("CMD {}", quoted(config.cmd.as_deref())),
        Instruction::Entrypoint(_) => format!("ENTRYPOINT {}", quoted(config.entrypoint.as_deref())),
        Instruction::Env(pairs) => named("ENV", pairs),
        Instruction::Label(pairs) => named("LABEL", pairs),
        Instruction::Expose(_) => {
            let ports = config.exposed_ports.iter().flatten().map(|port| format!("{port}:{{}}"));
            format!("EXPOSE map[{}]", ports.collect::<Vec<_>>().join(" "))
        }
        Instruction::Healthcheck(check) => format!("HEALTHCHECK {}", healthcheck(check)),
        Instruction::Maintainer(name) => format!("MAINTAINER {name}"),
        Instruction::Onbuild(trigger) => format!("ONBUILD {trigger}"),
        Instruction::Run(run) => match &run.command {
            CommandForm::Exec(words) => format!("RUN {}", words.join(" ")),
            CommandForm::Shell(text) => format!("RUN {}", text.as_deref().unwrap_or_default()),
        },
        Instruction::Shell(words) => format!("SHELL [{}]", words.join(" ")),
        Instruction::StopSignal(signal) => format!("STOPSIGNAL {signal}"),
        Instruction::User(user) => format!("USER {user}"),
        Instruction::Volume(volumes) => format!("VOLUME [{}]", volumes.join(" ")),
        Instruction::Workdir(_) => format!("WORKDIR {}", config.working_dir),
    }
}

/// The same of a `RUN`, with the `ARG`s that it sees and the words of its program.
pub(super) fn run(args: &[(String, String)], words: &[String]) -> String {
    let mut text = String::from("RUN ");
    if !args.is_empty() {
        let _ = write!(text, "|{} ", args.len());
        for (name, value) in args {
            let _ = write!(text, "{name}={value} ");
        }
    }
    text + &words.join(" ") + " # buildkit"
}

fn copied(keyword: &str, copy: &Copy) -> String {
    let mut text = keyword.to_owned();
    for (flag, value) in [("chown", &copy.chown), ("chmod", &copy.chmod)] {
        if let Some(value) = value {
            let _ = write!(text, " --{flag}={value}");
        }
    }
    if copy.link {
        text.push_str(" --link");
    }
    let names = copy.heredocs.iter().map(|file| format!("<<{}", file.name));
    for word in copy.sources.iter().cloned().chain(names).chain([copy.destination.clone()]) {
        let _ = write!(text, " {word}");
    }
    text + " # buildkit"
}

fn named(keyword: &str, pairs: &[(String, String)]) -> String {
    let pairs: Vec<String> = pairs.iter().map(|(name, value)| format!("{name}={value}")).collect();
    format!("{keyword} {}", pairs.join(" "))
}

/// Words as Go's `%q` prints a list of them.
fn quoted(words: Option<&[String]>) -> String {
    let words: Vec<String> = words.unwrap_or_default().iter().map(go::json::to_string_plain).collect();
    format!("[{}]", words.join(" "))
}

/// A healthcheck as Go's `%q` prints it.
fn healthcheck(check: &Healthcheck) -> String {
    let times = [check.interval, check.timeout, check.start_period, check.start_interval];
    let times: Vec<String> = times.iter().map(|time| format!("\"{}\"", go::time::duration(*time))).collect();
    let retries = u32::try_from(check.retries).ok().and_then(char::from_u32).unwrap_or('\u{fffd}');
    let retries = if retries.is_control() { format!("\\x{:02x}", u32::from(retries)) } else { retries.to_string() };
    format!("&{{{} {} '{retries}'}}", quoted(Some(&check.test)), times.join(" "))
}
