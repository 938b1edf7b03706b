//! Each instruction: what it is given, and what is wrong with that.

use std::collections::HashMap;

use super::error::Fault;
use super::flags::Flags;
use super::instruction::{ArgPair, CommandForm, Copy, Heredoc, Instruction, Run};
use super::lines::DockerfileLine;
use super::words::{self, json};
use super::{healthcheck, near};

/// All instructions.
pub(super) const KEYWORDS: [&str; 18] = [
    "ADD",
    "ARG",
    "CMD",
    "COPY",
    "ENTRYPOINT",
    "ENV",
    "EXPOSE",
    "FROM",
    "HEALTHCHECK",
    "LABEL",
    "MAINTAINER",
    "ONBUILD",
    "RUN",
    "SHELL",
    "STOPSIGNAL",
    "USER",
    "VOLUME",
    "WORKDIR",
];

impl Instruction {
    /// Reads one line that is not a `FROM`.
    pub(super) fn parse(line: &DockerfileLine) -> Result<Self, Fault> {
        let rest = line.rest.as_str();
        let keyword = line.keyword.to_ascii_uppercase();
        let mut flags = Flags::new(&line.flags);
        let read = match keyword.as_str() {
            "ADD" => copy(line, &mut flags, "ADD").map(Self::Add)?,
            "ARG" => arguments(rest, line.escape).map(Self::Arg)?,
            "CMD" => command(rest).map(Self::Cmd)?,
            "COPY" => copy(line, &mut flags, "COPY").map(Self::Copy)?,
            "ENTRYPOINT" => command(rest).map(Self::Entrypoint)?,
            "ENV" => words::pairs(rest, line.escape, "ENV").map(Self::Env)?,
            "EXPOSE" => some(words::plain(rest), "EXPOSE").map(Self::Expose)?,
            // This one has its own flags, and STOPSIGNAL ignores them, as docker does.
            "HEALTHCHECK" => return healthcheck::parse(line).map(Self::Healthcheck),
            "STOPSIGNAL" => return one(rest, "STOPSIGNAL").map(Self::StopSignal),
            "LABEL" => words::pairs(rest, line.escape, "LABEL").map(Self::Label)?,
            "MAINTAINER" => one(rest, "MAINTAINER").map(Self::Maintainer)?,
            "ONBUILD" => onbuild(line).map(Self::Onbuild)?,
            "RUN" => run(line, &mut flags).map(|run| Self::Run(Box::new(run)))?,
            "SHELL" => shell(rest).map(Self::Shell)?,
            "USER" => one(rest, "USER").map(Self::User)?,
            "VOLUME" => volumes(rest).map(Self::Volume)?,
            "WORKDIR" => one(rest, "WORKDIR").map(Self::Workdir)?,
            _ => return Err(unknown(&line.keyword)),
        };
        flags.finish()?;
        Ok(read)
    }
}

/// An instruction that is none.
pub(super) fn unknown(keyword: &str) -> Fault {
    let suggestion = near::nearest(&keyword.to_ascii_uppercase(), &KEYWORDS).map(str::to_owned);
    Fault::Unknown { instruction: keyword.to_owned(), suggestion }
}

fn command(rest: &str) -> Result<CommandForm, Fault> {
    Ok(match json(rest)? {
        Some(words) => CommandForm::Exec(words),
        None => CommandForm::Shell((!rest.is_empty()).then(|| rest.to_owned())),
    })
}

fn one(rest: &str, instruction: &'static str) -> Result<String, Fault> {
    if rest.is_empty() { Err(Fault::NotOneArgument { instruction }) } else { Ok(rest.to_owned()) }
}

fn some(words: Vec<String>, instruction: &'static str) -> Result<Vec<String>, Fault> {
    if words.is_empty() { Err(Fault::NoArgument { instruction }) } else { Ok(words) }
}

fn arguments(rest: &str, escape: char) -> Result<Vec<ArgPair>, Fault> {
    let words = some(words::quoted(rest, escape), "ARG")?;
    let pairs = words.into_iter().map(|word| match word.split_once('=') {
        Some(("", _)) => Err(Fault::BlankName { instruction: "ARG" }),
        Some((name, value)) => Ok((name.to_owned(), Some(value.to_owned()))),
        None => Ok((word, None)),
    });
    pairs.collect()
}

fn shell(rest: &str) -> Result<Vec<String>, Fault> {
    match json(rest)? {
        Some(words) if words.is_empty() => Err(Fault::NoArgument { instruction: "SHELL" }),
        Some(words) => Ok(words),
        None if rest.is_empty() => Err(Fault::NoArgument { instruction: "SHELL" }),
        None => Err(Fault::ShellForm),
    }
}

fn volumes(rest: &str) -> Result<Vec<String>, Fault> {
    let volumes = some(words::list(rest)?, "VOLUME")?;
    let trimmed = volumes.iter().map(|volume| match volume.trim() {
        "" => Err(Fault::EmptyVolume),
        volume => Ok(volume.to_owned()),
    });
    trimmed.collect()
}

fn copy(line: &DockerfileLine, flags: &mut Flags, instruction: &'static str) -> Result<Copy, Fault> {
    let is_add = instruction == "ADD";
    let mut copy = Copy {
        chown: flags.value("chown")?,
        chmod: flags.value("chmod")?,
        link: flags.switch("link")?,
        excludes: flags.values("exclude")?,
        ..Copy::default()
    };
    if is_add {
        copy.checksum = flags.value("checksum")?;
        copy.keep_git_dir = flags.switch("keep-git-dir")?;
        copy.unpack = flags.maybe_switch("unpack")?;
    } else {
        copy.from = flags.value("from")?;
        copy.parents = flags.switch("parents")?;
    }
    let mut words = words::list(&line.rest)?;
    let destination = words.pop();
    let (Some(destination), false) = (destination, words.is_empty()) else {
        return Err(Fault::NoDestination { instruction });
    };
    let heredocs = line.heredocs.iter().map(|heredoc| (heredoc.name.as_str(), heredoc)).collect();
    for word in words {
        match heredoc_of(&word, &heredocs) {
            Some(heredoc) => copy.heredocs.push(heredoc),
            None if !is_add && is_url(&word) => return Err(Fault::CopyUrl),
            None => copy.sources.push(word),
        }
    }
    copy.destination = destination;
    Ok(copy)
}

/// The heredoc that a source such as `<<EOF` stands for.
fn heredoc_of(word: &str, heredocs: &HashMap<&str, &Heredoc>) -> Option<Heredoc> {
    let begun = super::heredoc::begin(word).ok()??;
    heredocs.get(begun.name.as_str()).map(|heredoc| (*heredoc).clone())
}

/// Whether a source is on a web server.
pub(super) fn is_url(source: &str) -> bool {
    ["http://", "https://"].iter().any(|scheme| source.starts_with(scheme))
}

fn run(line: &DockerfileLine, flags: &mut Flags) -> Result<Run, Fault> {
    let run = Run {
        mounts: flags.values("mount")?,
        network: flags.value("network")?,
        security: flags.value("security")?,
        command: command(&line.rest)?,
        heredocs: line.heredocs.clone(),
    };
    if run.command == CommandForm::Shell(None) {
        return Err(Fault::NoArgument { instruction: "RUN" });
    }
    if let Some(value) = run.network.as_deref().filter(|mode| !["default", "none", "host"].contains(mode)) {
        return Err(Fault::Network { value: value.to_owned() });
    }
    if let Some(value) = run.security.as_deref().filter(|mode| !["insecure", "sandbox"].contains(mode)) {
        return Err(Fault::Security { value: value.to_owned() });
    }
    Ok(run)
}

/// The deferred instruction as it was typed. Only its form is checked; its meaning is up to the later build.
fn onbuild(line: &DockerfileLine) -> Result<String, Fault> {
    if line.rest.is_empty() {
        return Err(Fault::NoArgument { instruction: "ONBUILD" });
    }
    let trigger = DockerfileLine::new(&line.rest, line.escape);
    let keyword = trigger.keyword.to_ascii_uppercase();
    match keyword.as_str() {
        "ONBUILD" => return Err(Fault::ChainedOnbuild),
        "MAINTAINER" | "FROM" => return Err(Fault::Trigger { instruction: keyword }),
        "ENV" if !trigger.rest.is_empty() => drop(words::pairs(&trigger.rest, line.escape, "ENV")?),
        "LABEL" if !trigger.rest.is_empty() => drop(words::pairs(&trigger.rest, line.escape, "LABEL")?),
        "ADD" | "CMD" | "COPY" | "ENTRYPOINT" | "RUN" | "SHELL" | "VOLUME" => drop(json(&trigger.rest)?),
        _ => {}
    }
    let original = line.original.trim_start();
    let mut text = original.get("ONBUILD".len()..).unwrap_or_default().trim_start().to_owned();
    for heredoc in &line.heredocs {
        text.extend(["\n", &heredoc.content, &heredoc.name]);
    }
    Ok(text)
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
    fn what_is_no_instruction_is_named_as_typed() {
        let cases = [
            ("RNU x", "unknown instruction: RNU (did you mean RUN?)"),
            ("foo", "unknown instruction: foo"),
            ("coppy a b", "unknown instruction: coppy (did you mean COPY?)"),
            ("ADD --from=x a b", "unknown flag: --from"),
            ("COPY --chwon=1 a b", "unknown flag: --chwon (did you mean chown?)"),
            ("COPY --link=x a b", "expected boolean value for flag: link, but was \"x\""),
            (
                "COPY a",
                "COPY requires at least two arguments, but only one was provided. Destination could not be determined",
            ),
            ("COPY http://x/y z", "source can't be a URL for COPY"),
            ("SHELL sh", "SHELL requires the arguments to be in JSON form"),
            ("RUN", "RUN requires at least one argument"),
            ("RUN --network=x y", "network mode \"x\" is not valid"),
        ];
        for (text, error) in cases {
            assert_eq!(parse(text), Err(error.to_owned()), "{text}");
        }
    }
}
