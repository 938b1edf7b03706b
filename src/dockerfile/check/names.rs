//! Rules for how stages, keywords and comments are written.

use std::collections::HashSet;
use std::ops::RangeInclusive;

use super::super::instruction::{Dockerfile, Instruction, Located, Stage};
use super::finding::Findings;
use super::rule::Rule;

pub(super) fn check(file: &Dockerfile, findings: &mut Findings) {
    for lines in &file.empty_continuations {
        let last = *lines.end();
        findings.add(Rule::NoEmptyContinuation, &(last..=last), "Empty continuation line".to_owned());
    }
    for arg in &file.global_args {
        let names = arg.value.iter().map(|(name, _)| name.as_str());
        description("ARG", names, arg, findings);
    }
    let mut names = HashSet::new();
    for stage in &file.stages {
        if let Some(name) = &stage.name {
            stage_name(stage, name, &mut names, findings);
        }
        for instruction in &stage.instructions {
            match &instruction.value {
                Instruction::Maintainer(_) => {
                    let message = "Maintainer instruction is deprecated in favor of using label".to_owned();
                    findings.add(Rule::MaintainerDeprecated, &instruction.lines, message);
                }
                Instruction::Arg(pairs) => {
                    description("ARG", pairs.iter().map(|(name, _)| name.as_str()), instruction, findings);
                }
                _ => {}
            }
        }
    }
    casing(file, findings);
}

fn stage_name(stage: &Stage, name: &str, names: &mut HashSet<String>, findings: &mut Findings) {
    let lower = name.to_lowercase();
    if lower != name {
        let message = format!("Stage name '{name}' should be lowercase");
        findings.add(Rule::StageNameCasing, &stage.lines, message);
    }
    if let Some(between) = between(stage).filter(|between| !is_alike(&stage.keyword, between)) {
        let message = format!("'{between}' and '{}' keywords' casing do not match", stage.keyword);
        findings.add(Rule::FromAsCasing, &stage.lines, message);
    }
    if matches!(lower.as_str(), "context" | "scratch") {
        let message = format!("Stage name should not use the same name as reserved stage {lower:?}");
        findings.add(Rule::ReservedStageName, &stage.lines, message);
    }
    if names.contains(&lower) {
        let message = format!("Duplicate stage name {lower:?}, stage names should be unique");
        findings.add(Rule::DuplicateStageName, &stage.lines, message);
    }
    if stage.comments.last().is_some_and(|comment| first_word(comment) != lower) {
        describe("FROM", &lower, &stage.lines, findings);
    }
    names.insert(lower);
}

/// The word `AS`, as it was typed: the last but one.
fn between(stage: &Stage) -> Option<&str> {
    stage.original.split_whitespace().rev().nth(1)
}

/// Whether `AS` is written as `FROM` is; a `From` is another rule's.
fn is_alike(from: &str, between: &str) -> bool {
    let (lower, upper) = (from.to_lowercase(), from.to_uppercase());
    match from {
        from if from == lower => between == between.to_lowercase(),
        from if from == upper => between == between.to_uppercase(),
        _ => true,
    }
}

/// The comment above an instruction that names something is to begin with a name.
fn description<'a, T>(
    instruction: &str,
    mut names: impl Iterator<Item = &'a str> + Clone,
    at: &Located<T>,
    findings: &mut Findings,
) {
    let Some(comment) = at.comments.last() else { return };
    let all = names.clone();
    let (Some(first), more) = (names.next(), names.next()) else { return };
    if !all.clone().any(|name| name == first_word(comment)) {
        describe(instruction, if more.is_some() { "<arg_key>" } else { first }, &at.lines, findings);
    }
}

fn describe(instruction: &str, name: &str, lines: &RangeInclusive<usize>, findings: &mut Findings) {
    let message = format!("Comment for {instruction} should follow the format: `# {name} <description>`");
    findings.add(Rule::InvalidDefinitionDescription, lines, message);
}

fn first_word(comment: &str) -> &str {
    comment.split(' ').next().unwrap_or_default()
}

/// All keywords are to be written as most are.
fn casing(file: &Dockerfile, findings: &mut Findings) {
    let keywords = || {
        file.stages.iter().flat_map(|stage| {
            let below = stage.instructions.iter().map(|instruction| (instruction.keyword.as_str(), &instruction.lines));
            std::iter::once((stage.keyword.as_str(), &stage.lines)).chain(below)
        })
    };
    let lower = keywords().filter(|(word, _)| *word == word.to_lowercase()).count();
    let upper = keywords().filter(|(word, _)| *word == word.to_uppercase()).count();
    let is_lower = lower > upper;
    for (word, lines) in keywords() {
        let (right, casing) =
            if is_lower { (word.to_lowercase(), "lowercase") } else { (word.to_uppercase(), "uppercase") };
        if word != right {
            let message = format!("Command '{word}' should match the case of the command majority ({casing})");
            findings.add(Rule::ConsistentInstructionCasing, lines, message);
        }
    }
}
