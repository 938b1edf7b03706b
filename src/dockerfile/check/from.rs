//! Rules for what `FROM` says, and makes of the `ARG`s before it.

use crate::oci::{Platform, Reference};

use super::super::error::{Fault, ParseError};
use super::super::expand::{Expanded, Variables, expand};
use super::super::instruction::{Dockerfile, Stage};
use super::finding::Findings;
use super::rule::Rule;
use super::scope::{Scope, globals};

/// Whether `FROM`s would make sense without any `--build-arg`.
pub(super) fn defaults(file: &Dockerfile, platform: &str, findings: &mut Findings) {
    // What cannot be read is reported by what follows, with the arguments that are given.
    let Ok(scope) = globals(file, platform, &[]) else { return };
    for stage in &file.stages {
        let Ok(base) = expand(&stage.base, &scope, file.directives.escape) else { return };
        if !base.used.is_empty() && base.text.parse::<Reference>().is_err() {
            let message = format!("Default value for ARG {} results in empty or invalid base image name", stage.base);
            findings.add(Rule::InvalidDefaultArgInFrom, &stage.lines, message);
        }
    }
}

/// The images that the stages are made from.
pub(super) fn check(file: &Dockerfile, globals: &Scope, findings: &mut Findings) -> Result<Vec<String>, ParseError> {
    let mut bases = Vec::new();
    for stage in &file.stages {
        let word = |word: &str| {
            let fault = |source| Fault::Expand { word: word.to_owned(), source };
            expand(word, globals, file.directives.escape).map_err(fault).map_err(ParseError::at(&stage.lines))
        };
        let base = word(&stage.base)?;
        undeclared(&base, stage, globals, findings);
        if let Some(written) = &stage.platform {
            let platform = word(written)?;
            undeclared(&platform, stage, globals, findings);
            redundant(written, &platform, stage, globals, findings);
            constant(&platform, stage, findings);
        }
        bases.push(base.text);
    }
    Ok(bases)
}

fn undeclared(expanded: &Expanded, stage: &Stage, globals: &Scope, findings: &mut Findings) {
    for name in expanded.missing.iter().filter(|name| !globals.knows(name)) {
        let meant = globals.meant(name).map(|meant| format!(" (did you mean {meant}?)")).unwrap_or_default();
        let message = format!("FROM argument '{name}' is not declared{meant}");
        findings.add(Rule::UndefinedArgInFrom, &stage.lines, message);
    }
}

fn redundant(written: &str, platform: &Expanded, stage: &Stage, globals: &Scope, findings: &mut Findings) {
    let is_target = platform.used.len() == 1 && platform.used.contains("TARGETPLATFORM");
    if is_target && globals.get("TARGETPLATFORM") == Some(&platform.text) {
        let message =
            format!("Setting platform to predefined {written} in FROM is redundant as this is the default behavior");
        findings.add(Rule::RedundantTargetPlatform, &stage.lines, message);
    }
}

/// A platform that is always the same is well in a stage whose name says so.
fn constant(platform: &Expanded, stage: &Stage, findings: &mut Findings) {
    if !platform.used.is_empty() {
        return;
    }
    let Ok(parsed) = platform.text.parse::<Platform>() else { return };
    let name = stage.name.as_deref().unwrap_or_default().to_lowercase();
    if !name.contains(&parsed.os) && !name.contains(&parsed.architecture) {
        let message = format!("FROM --platform flag should not use constant value {:?}", platform.text);
        findings.add(Rule::FromPlatformFlagConstDisallowed, &stage.lines, message);
    }
}
