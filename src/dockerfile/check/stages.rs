//! Rules for the instructions of a stage, one after the other.

use std::collections::HashMap;
use std::ops::RangeInclusive;
use std::rc::Rc;

use super::super::error::{Fault, ParseError};
use super::super::expand::Variables;
use super::super::instruction::{CommandForm, Copy, Dockerfile, Instruction, Located};
use super::super::substitute::Substituted;
use super::super::words;
use super::finding::Findings;
use super::input::{BaseImage, CheckInput};
use super::rule::Rule;
use super::scope::Scope;
use crate::oci::Platform;

/// How long the values of all variables may be together, in bytes: each stage keeps its own.
const MAX_VALUES: usize = 64 << 20;
/// What an image has that says nothing about it.
const USUAL_PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// Checks all stages; `bases` are their images.
pub(super) fn check(
    file: &Dockerfile,
    input: &CheckInput<'_>,
    globals: &Scope,
    bases: &[String],
    findings: &mut Findings,
    escape: char,
) -> Result<(), ParseError> {
    let given = input.build_args.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    let mut checker = Checker { input, globals, given, escape, images: HashMap::new(), findings, kept: 0 };
    let mut ended: HashMap<String, Rc<StageState>> = HashMap::new();
    for (stage, base) in file.stages.iter().zip(bases) {
        let earlier = ended.get(&base.to_lowercase()).map(Rc::clone);
        let state = earlier.unwrap_or_else(|| {
            checker.platform(stage, base);
            checker.image(base)
        });
        let state = checker.stage(&stage.instructions, &state)?;
        if let Some(name) = &stage.name {
            ended.insert(name.to_lowercase(), Rc::new(state));
        }
    }
    Ok(())
}

/// What a stage leaves for those that are made from it.
struct StageState {
    scope: Rc<Scope>,
    has_shell: bool,
    has_workdir: bool,
    /// Whether its image is at hand, so that all variables are known.
    is_known: bool,
}

struct Checker<'a> {
    input: &'a CheckInput<'a>,
    globals: &'a Scope,
    given: HashMap<&'a str, &'a str>,
    escape: char,
    images: HashMap<String, Rc<StageState>>,
    findings: &'a mut Findings,
    /// How long all values are so far.
    kept: usize,
}

/// A stage while it is checked.
struct Stage {
    scope: Scope,
    has_shell: bool,
    has_workdir: bool,
    is_known: bool,
    /// Where the last of those is that count once.
    last: HashMap<&'static str, RangeInclusive<usize>>,
}

impl Checker<'_> {
    /// Whether the image of a stage is for what is built.
    fn platform(&mut self, stage: &super::super::Stage, base: &str) {
        if stage.platform.is_some() || base == "scratch" {
            return;
        }
        let (Some(actual), Ok(expected)) =
            ((self.input.image)(base).and_then(|image| image.platform), self.input.platform.parse::<Platform>())
        else {
            return;
        };
        let is_known = !actual.os.is_empty() && !actual.architecture.is_empty();
        if is_known && (actual.os != expected.os || actual.architecture != expected.architecture) {
            let message = format!(
                "Base image {base} was pulled with platform \"{actual}\", expected \"{expected}\" for current build"
            );
            self.findings.add(Rule::InvalidBaseImagePlatform, &stage.lines, message);
        }
    }

    fn image(&mut self, name: &str) -> Rc<StageState> {
        let input = self.input;
        let state = self.images.entry(name.to_owned()).or_insert_with(|| {
            let known = if name == "scratch" { Some(BaseImage::default()) } else { (input.image)(name) };
            let is_known = known.is_some();
            let image = known.unwrap_or_default();
            let mut scope = Scope::default();
            scope.set("PATH", USUAL_PATH);
            for setting in &image.environment {
                let (name, value) = setting.split_once('=').unwrap_or((setting, ""));
                scope.set(name, value);
            }
            Rc::new(StageState { scope: Rc::new(scope), has_shell: image.has_shell, has_workdir: false, is_known })
        });
        Rc::clone(state)
    }

    fn stage(&mut self, instructions: &[Located<Instruction>], below: &StageState) -> Result<StageState, ParseError> {
        let &StageState { has_shell, has_workdir, is_known, .. } = below;
        let scope = Scope::below(&below.scope);
        let mut stage = Stage { scope, has_shell, has_workdir, is_known, last: HashMap::new() };
        for instruction in instructions {
            let substituted = instruction.value.substitute(&stage.scope, self.escape);
            let substituted = substituted.map_err(ParseError::at(&instruction.lines))?;
            self.undefined(&stage, instruction, &substituted);
            self.keep(&substituted.instruction).map_err(ParseError::at(&instruction.lines))?;
            self.instruction(&mut stage, instruction, &substituted.instruction);
        }
        let Stage { scope, has_shell, has_workdir, is_known, .. } = stage;
        Ok(StageState { scope: Rc::new(scope), has_shell, has_workdir, is_known })
    }

    fn keep(&mut self, instruction: &Instruction) -> Result<(), Fault> {
        if let Instruction::Env(pairs) = instruction {
            self.kept += pairs.iter().map(|(name, value)| name.len() + value.len()).sum::<usize>();
        }
        if let Instruction::Arg(pairs) = instruction {
            let lengths = pairs.iter().map(|(name, value)| name.len() + value.as_deref().unwrap_or_default().len());
            self.kept += lengths.sum::<usize>();
        }
        if self.kept > MAX_VALUES { Err(Fault::Variables { limit: MAX_VALUES }) } else { Ok(()) }
    }

    fn undefined(&mut self, stage: &Stage, at: &Located<Instruction>, substituted: &Substituted) {
        for name in substituted.missing.iter().filter(|name| !stage.scope.knows(name)) {
            if name.starts_with("BUILDKIT_SBOM_SCAN_") {
                continue;
            }
            let meant = stage.scope.meant(name);
            // An image that is not at hand may define more; images name their variables in capitals.
            if !stage.is_known && meant.is_none() && !name.contains(|letter: char| letter.is_lowercase()) {
                continue;
            }
            let meant = meant.map(|meant| format!(" (did you mean ${meant}?)")).unwrap_or_default();
            self.findings.add(Rule::UndefinedVar, &at.lines, format!("Usage of undefined variable '${name}'{meant}"));
        }
    }

    fn instruction(&mut self, stage: &mut Stage, at: &Located<Instruction>, instruction: &Instruction) {
        match instruction {
            Instruction::Arg(pairs) => {
                for (name, default) in pairs {
                    self.secret("ARG", name, &at.lines);
                    self.declare(&mut stage.scope, name, default.as_deref());
                }
            }
            Instruction::Env(pairs) => {
                self.legacy(at);
                for (name, value) in pairs {
                    self.secret("ENV", name, &at.lines);
                    stage.scope.set(name, value);
                }
            }
            Instruction::Label(_) => self.legacy(at),
            Instruction::Cmd(command) => {
                self.once(stage, "CMD", at);
                self.json(stage, command, at);
            }
            Instruction::Entrypoint(command) => {
                self.once(stage, "ENTRYPOINT", at);
                self.json(stage, command, at);
            }
            Instruction::Healthcheck(_) => self.once(stage, "HEALTHCHECK", at),
            Instruction::Shell(_) => stage.has_shell = true,
            Instruction::Workdir(path) => self.workdir(stage, path, &at.lines),
            Instruction::Expose(ports) => ports.iter().for_each(|port| self.port(port, &at.lines)),
            Instruction::Copy(copy) if copy.from.is_none() => self.sources("Copy", copy, &at.lines),
            Instruction::Add(copy) => self.sources("Add", copy, &at.lines),
            _ => {}
        }
    }

    /// Only the first one of a stage is looked at: all others follow it.
    fn workdir(&mut self, stage: &mut Stage, path: &str, lines: &RangeInclusive<usize>) {
        let is_first = !std::mem::replace(&mut stage.has_workdir, true);
        if is_first && !path.starts_with('/') {
            let message = format!("Relative workdir {path:?} can have unexpected results if the base image changes");
            self.findings.add(Rule::WorkdirRelativePath, lines, message);
        }
    }

    fn declare(&self, scope: &mut Scope, name: &str, default: Option<&str>) {
        match self.given.get(name).copied().or(default).or_else(|| self.globals.get(name)) {
            Some(value) => scope.set(name, value),
            None => scope.declare(name),
        }
    }

    /// Names whose first or last word, or one between underscores, is that of a secret.
    fn secret(&mut self, instruction: &str, name: &str, lines: &RangeInclusive<usize>) {
        const SECRETS: [&str; 10] =
            ["apikey", "auth", "credential", "credentials", "key", "password", "pword", "passwd", "secret", "token"];
        const HARMLESS: [&str; 3] = ["public", "file", "version"];
        let has = |words: &[&str]| name.split('_').any(|part| words.iter().any(|word| part.eq_ignore_ascii_case(word)));
        if has(&SECRETS) && !has(&HARMLESS) {
            let message = format!("Do not use ARG or ENV instructions for sensitive data ({instruction} {name:?})");
            self.findings.add(Rule::SecretsUsedInArgOrEnv, lines, message);
        }
    }

    /// `ENV a b` in place of `ENV a=b`.
    fn legacy(&mut self, at: &Located<Instruction>) {
        let rest = at.original.trim_start().get(at.keyword.len()..).unwrap_or_default().trim();
        if words::quoted(rest, self.escape).first().is_some_and(|first| !first.contains('=')) {
            let keyword = &at.keyword;
            let message =
                format!("\"{keyword} key=value\" should be used instead of legacy \"{keyword} key value\" format");
            self.findings.add(Rule::LegacyKeyValueFormat, &at.lines, message);
        }
    }

    /// Of several in a stage only the last counts.
    fn once(&mut self, stage: &mut Stage, instruction: &'static str, at: &Located<Instruction>) {
        if let Some(before) = stage.last.insert(instruction, at.lines.clone()) {
            let message = format!(
                "Multiple {} instructions should not be used in the same stage because only the last one will be used",
                at.keyword
            );
            self.findings.add(Rule::MultipleInstructionsDisallowed, &before, message);
        }
    }

    fn json(&mut self, stage: &Stage, command: &CommandForm, at: &Located<Instruction>) {
        if matches!(command, CommandForm::Shell(_)) && !stage.has_shell {
            let message = format!(
                "JSON arguments recommended for {} to prevent unintended behavior related to OS signals",
                at.keyword
            );
            self.findings.add(Rule::JsonArgsRecommended, &at.lines, message);
        }
    }

    fn port(&mut self, port: &str, lines: &RangeInclusive<usize>) {
        let protocol =
            port.rsplit_once(':').map_or(port, |(_, last)| last).split_once('/').map_or("", |(_, word)| word);
        if protocol != protocol.to_lowercase() {
            let message = format!("Defined protocol '{port}' in EXPOSE instruction should be lowercase");
            self.findings.add(Rule::ExposeProtoCasing, lines, message);
        }
        if port.rsplit_once(':').is_some_and(|(before, _)| !before.is_empty()) {
            let message =
                format!("EXPOSE instruction should not define an IP address or host-port mapping, found '{port}'");
            self.findings.add(Rule::ExposeInvalidFormat, lines, message);
        }
    }

    /// Where some patterns take back what others exclude, nothing can be said without a look at the files.
    fn sources(&mut self, verb: &str, copy: &Copy, lines: &RangeInclusive<usize>) {
        let Some(ignore) = self.input.ignore.filter(|ignore| !ignore.has_exceptions()) else { return };
        let is_remote = |source: &str| source.contains("://") || source.starts_with("git@");
        for source in copy.sources.iter().filter(|source| !is_remote(source)) {
            let cleaned = crate::go::path::clean(source.as_bytes());
            if ignore.excludes(&cleaned) {
                let source = String::from_utf8_lossy(&cleaned);
                let message = format!("Attempting to {verb} file {source:?} that is excluded by .dockerignore");
                self.findings.add(Rule::CopyIgnoredFile, lines, message);
            }
        }
    }
}
