//! A Dockerfile from its first to its last line.

use super::error::{Fault, ParseError};
use super::flags::Flags;
use super::instruction::{Dockerfile, Instruction, Located, Stage};
use super::lines::{self, DockerfileLine};
use super::{typed, words};

/// The largest Dockerfile that is read, in bytes.
const MAX_SIZE: usize = 16 << 20;

/// Reads a Dockerfile. Text that is not UTF-8 is read as docker reads it: each wrong byte becomes U+FFFD.
pub fn parse(text: &[u8]) -> Result<Dockerfile, ParseError> {
    if text.len() > MAX_SIZE {
        let fault = Fault::TooLarge { size: text.len(), limit: MAX_SIZE };
        return Err(ParseError { fault, lines: None });
    }
    let found = lines::read(&String::from_utf8_lossy(text))?;
    let mut file = Dockerfile {
        directives: found.directives,
        empty_continuations: found.empty_continuations,
        ..Dockerfile::default()
    };
    for line in found.instructions {
        add(&mut file, &line).map_err(ParseError::at(&line.lines))?;
    }
    if file.stages.is_empty() {
        return Err(ParseError { fault: Fault::NoStage, lines: None });
    }
    Ok(file)
}

fn add(file: &mut Dockerfile, line: &DockerfileLine) -> Result<(), Fault> {
    if line.keyword.eq_ignore_ascii_case("FROM") {
        file.stages.push(from(line)?);
        return Ok(());
    }
    let instruction = Instruction::parse(line)?;
    match (file.stages.last_mut(), instruction) {
        (Some(stage), instruction) => stage.instructions.push(located(line, instruction)),
        (None, Instruction::Arg(pairs)) => file.global_args.push(located(line, pairs)),
        (None, _) => return Err(Fault::BeforeFrom),
    }
    Ok(())
}

fn located<T>(line: &DockerfileLine, value: T) -> Located<T> {
    Located {
        value,
        lines: line.lines.clone(),
        keyword: line.keyword.clone(),
        original: line.original.clone(),
        comments: line.comments.clone(),
    }
}

fn from(line: &DockerfileLine) -> Result<Stage, Fault> {
    let mut flags = Flags::new(&line.flags);
    let platform = flags.value("platform")?;
    flags.finish()?;
    let words = words::plain(&line.rest);
    let (base, name) = match words.as_slice() {
        [base] => (base, None),
        [base, between, name] if between.eq_ignore_ascii_case("AS") => (base, Some(stage_name(name)?)),
        _ => return Err(Fault::FromArguments),
    };
    Ok(Stage {
        base: base.clone(),
        platform,
        name,
        lines: line.lines.clone(),
        keyword: line.keyword.clone(),
        original: line.original.clone(),
        comments: line.comments.clone(),
        instructions: Vec::new(),
    })
}

fn stage_name(name: &str) -> Result<String, Fault> {
    let mut letters = name.chars();
    let is_first = letters.next().is_some_and(|first| first.is_ascii_alphabetic());
    let is_rest = letters.all(|next| next.is_ascii_alphanumeric() || matches!(next, '-' | '_' | '.'));
    if is_first && is_rest { Ok(name.to_owned()) } else { Err(Fault::StageName { name: name.to_owned() }) }
}

/// Reads an instruction that an image has for its descendants (`ONBUILD`). The escape character is always a backslash
/// there.
pub fn parse_trigger(text: &str) -> Result<Located<Instruction>, ParseError> {
    let found = lines::read(text)?;
    let line = &found.instructions[0];
    let parsed = match line.keyword.to_ascii_uppercase().as_str() {
        "ONBUILD" => Err(Fault::ChainedOnbuild),
        keyword @ ("MAINTAINER" | "FROM") => Err(Fault::Trigger { instruction: keyword.to_owned() }),
        _ if found.instructions.len() > 1 => Err(typed::unknown(&found.instructions[1].keyword)),
        _ => Instruction::parse(line),
    };
    parsed.map(|instruction| located(line, instruction)).map_err(|fault| ParseError { fault, lines: None })
}

/// Reads instructions that change a config, as `--change` takes them: each must be one of `allowed`, or
/// `refuse` says why not.
pub(crate) fn parse_changes<E: From<Fault>>(
    text: &str,
    is_allowed: fn(&str) -> bool,
    refuse: fn(&str) -> E,
) -> Result<(char, Vec<Instruction>), E> {
    let found = lines::read(text).map_err(|error| error.fault)?;
    let mut changes = Vec::new();
    for line in &found.instructions {
        if !is_allowed(&line.keyword.to_ascii_uppercase()) {
            return Err(refuse(&line.keyword));
        }
        changes.push(Instruction::parse(line)?);
    }
    Ok((found.directives.escape, changes))
}
