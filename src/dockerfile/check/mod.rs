//! `build --check`: docker's rules for Dockerfiles that build and still deserve a word.
//!
//! ```text
//! Dockerfile ─┬▶ names      stages, keywords and comments: how they are written
//!             ├▶ from       what FROM makes of the ARGs before it
//!             └▶ stages     each stage, instruction by instruction, with its variables
//!                  │
//!                  └─▶ Finding: rule, lines, message ─▶ Checked::text, as docker prints it
//! ```
//!
//! The rules and their words are docker's. One needs the base image's platform, and is not here:
//! `InvalidBaseImagePlatform`. `# check=skip=RULE,…;error=true;experimental=RULE,…` chooses among them.

mod finding;
mod from;
mod input;
mod names;
mod options;
mod rule;
mod scope;
mod stages;

pub use finding::{Checked, Finding};
pub use input::{BaseImage, CheckInput};
pub use options::CheckOptionError;
pub use rule::Rule;

use super::error::ParseError;
use super::instruction::Dockerfile;

/// Checks a Dockerfile. What would stop its build is in [`Checked::problem`], with what was found before.
pub fn check(file: &Dockerfile, input: &CheckInput<'_>) -> Result<Checked, CheckOptionError> {
    let directive = input.options.or(file.directives.check.as_deref()).unwrap_or_default();
    let mut findings = finding::Findings::new(options::CheckOptions::parse(directive)?);
    names::check(file, &mut findings);
    let problem = variables(file, input, &mut findings).err();
    Ok(findings.finish(problem))
}

fn variables(file: &Dockerfile, input: &CheckInput<'_>, findings: &mut finding::Findings) -> Result<(), ParseError> {
    let escape = file.directives.escape;
    from::defaults(file, input.platform, findings);
    let globals = scope::globals(file, input.platform, input.build_args)?;
    let bases = from::check(file, &globals, findings)?;
    stages::check(file, input, &globals, &bases, findings, escape)
}

#[cfg(test)]
mod tests;
