//! Each instruction that changes a config: what it is given, and what is wrong with that.

use super::dockerfile::DockerfileLine;
use super::words::{self, Pair};
use super::{ChangeError, flags, healthcheck};
use crate::oci::Healthcheck;

/// A change, before variables are substituted.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Instruction {
    Cmd(InstructionCommand),
    Entrypoint(InstructionCommand),
    Env(Vec<Pair>),
    Expose(Vec<String>),
    Healthcheck(Healthcheck),
    Label(Vec<Pair>),
    Onbuild(String),
    StopSignal(String),
    User(String),
    Volume(Vec<String>),
    Workdir(String),
}

/// A command in either form.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum InstructionCommand {
    /// A JSON array: the words themselves.
    Exec(Vec<String>),
    /// Text for the shell; `None` if there was none.
    Shell(Option<String>),
}

impl Instruction {
    /// Reads one line.
    pub(super) fn parse(line: &DockerfileLine) -> Result<Self, ChangeError> {
        let rest = line.rest.as_str();
        let keyword = line.keyword.to_ascii_uppercase();
        // These two ignore their flags.
        if !matches!(keyword.as_str(), "HEALTHCHECK" | "STOPSIGNAL") && is_change(&keyword) {
            flags::values(&line.flags, [])?;
        }
        match keyword.as_str() {
            "CMD" => command(rest).map(Self::Cmd),
            "ENTRYPOINT" => command(rest).map(Self::Entrypoint),
            "ENV" => words::pairs(rest, line.escape, "ENV").map(Self::Env),
            "EXPOSE" => some(words::plain(rest), "EXPOSE").map(Self::Expose),
            "HEALTHCHECK" => healthcheck::parse(line).map(Self::Healthcheck),
            "LABEL" => words::pairs(rest, line.escape, "LABEL").map(Self::Label),
            "ONBUILD" => onbuild(line).map(Self::Onbuild),
            "STOPSIGNAL" => one(rest, "STOPSIGNAL").map(Self::StopSignal),
            "USER" => one(rest, "USER").map(Self::User),
            "VOLUME" => volumes(rest).map(Self::Volume),
            "WORKDIR" => one(rest, "WORKDIR").map(Self::Workdir),
            _ => Err(ChangeError::NotAChange { instruction: line.keyword.clone() }),
        }
    }
}

/// Docker's `validCommitCommands`.
fn is_change(keyword: &str) -> bool {
    let changes =
        "CMD ENTRYPOINT ENV EXPOSE HEALTHCHECK LABEL ONBUILD STOPSIGNAL USER VOLUME WORKDIR".split_ascii_whitespace();
    changes.into_iter().any(|change| change == keyword)
}

fn command(rest: &str) -> Result<InstructionCommand, ChangeError> {
    Ok(match words::json(rest)? {
        Some(words) => InstructionCommand::Exec(words),
        None => InstructionCommand::Shell((!rest.is_empty()).then(|| rest.to_owned())),
    })
}

fn one(rest: &str, instruction: &'static str) -> Result<String, ChangeError> {
    if rest.is_empty() { Err(ChangeError::NotOneArgument { instruction }) } else { Ok(rest.to_owned()) }
}

fn some(words: Vec<String>, instruction: &'static str) -> Result<Vec<String>, ChangeError> {
    if words.is_empty() { Err(ChangeError::NoArgument { instruction }) } else { Ok(words) }
}

fn volumes(rest: &str) -> Result<Vec<String>, ChangeError> {
    let volumes = some(words::list(rest)?, "VOLUME")?;
    let trimmed = volumes.iter().map(|volume| match volume.trim() {
        "" => Err(ChangeError::EmptyVolume),
        volume => Ok(volume.to_owned()),
    });
    trimmed.collect()
}

/// The deferred instruction as it was typed. Only its form is checked; its meaning is up to the later build.
fn onbuild(line: &DockerfileLine) -> Result<String, ChangeError> {
    if line.rest.is_empty() {
        return Err(ChangeError::NoArgument { instruction: "ONBUILD" });
    }
    let trigger = DockerfileLine::new(&line.rest, line.escape);
    let keyword = trigger.keyword.to_ascii_uppercase();
    match keyword.as_str() {
        "ONBUILD" => return Err(ChangeError::ChainedOnbuild),
        "MAINTAINER" | "FROM" => return Err(ChangeError::Trigger { instruction: keyword }),
        "ENV" if !trigger.rest.is_empty() => drop(words::pairs(&trigger.rest, line.escape, "ENV")?),
        "LABEL" if !trigger.rest.is_empty() => drop(words::pairs(&trigger.rest, line.escape, "LABEL")?),
        "ADD" | "CMD" | "COPY" | "ENTRYPOINT" | "RUN" | "SHELL" | "VOLUME" => drop(words::json(&trigger.rest)?),
        _ => {}
    }
    let original = line.original.trim_start();
    Ok(original.get("ONBUILD".len()..).unwrap_or_default().trim_start().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<Instruction, String> {
        Instruction::parse(&DockerfileLine::new(text, '\\')).map_err(|error| error.to_string())
    }

    #[test]
    fn triggers_are_kept_as_typed() {
        let cases = [
            ("ONBUILD RUN x", "RUN x"),
            ("onbuild   RUN  x  ", "RUN  x  "),
            ("ONBUILD foo", "foo"),
            ("ONBUILD ENV", "ENV"),
            ("ONBUILD -- RUN x", "-- RUN x"),
        ];
        for (text, trigger) in cases {
            assert_eq!(parse(text), Ok(Instruction::Onbuild(trigger.to_owned())), "{text}");
        }
    }

    #[test]
    fn other_instructions_are_named_as_typed() {
        for text in ["RUN x", "run x", "Foo", "SHELL [\"x\"]", "COPY --from=x a b", "y' z", "CMDS x"] {
            let keyword = text.split(' ').next().unwrap_or_default();
            assert_eq!(parse(text), Err(format!("{keyword} is not a valid change command")), "{text}");
        }
    }
}
