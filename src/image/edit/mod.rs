//! Changes to an image's config: reading `--change`, and making the config of the new image.
//!
//! ```text
//! -c 'ENV A=1' -c … ──▶ Change::parse_all ──▶ apply, amend ──▶ child, flat ──▶ Document<ImageConfig>
//!                        what is written      what it does     the bytes of
//!                                             to a config      the new config
//! ```
//!
//! The language is that of a Dockerfile, as Docker 29 reads it ([`dockerfile`](crate::dockerfile)); variables are
//! substituted when changes are [`apply`]ed. A build makes its steps of the same [`Instruction`]s with a [`Performer`].

mod adjust;
mod apply;
mod carry;
mod compose;
mod error;
mod merge;
mod ports;
mod signal;

#[cfg(test)]
mod tests;

pub use adjust::{Adjusted, Adjustment, Removal, Setting, adjust};
pub use apply::{Performer, amend, apply};
pub use carry::{Carried, carry};
pub use compose::{BuildStep, child, flat, scratch};
pub use error::ChangeError;
pub use merge::merge;

use crate::dockerfile::{Instruction, parse_changes};

/// One Dockerfile instruction that changes the config of an image.
#[derive(Debug, Clone, PartialEq)]
pub struct ConfigChange {
    instruction: Instruction,
    /// The escape character.
    escape: char,
}

impl ConfigChange {
    /// Reads instructions as a Dockerfile has them; the strings are joined by newlines, so that one instruction may be
    /// spread over several of them. No string at all is no change, an empty one is an error.
    pub fn parse_all(lines: &[String]) -> Result<Vec<Self>, ChangeError> {
        if lines.is_empty() {
            return Ok(Vec::new());
        }
        let refuse = |instruction: &str| ChangeError::NotAChange { instruction: instruction.to_owned() };
        let (escape, instructions) = parse_changes(&lines.join("\n"), is_change, refuse)?;
        Ok(instructions.into_iter().map(|instruction| Self { instruction, escape }).collect())
    }
}

/// Docker's `validCommitCommands`.
fn is_change(keyword: &str) -> bool {
    let changes =
        "CMD ENTRYPOINT ENV EXPOSE HEALTHCHECK LABEL ONBUILD STOPSIGNAL USER VOLUME WORKDIR".split_ascii_whitespace();
    changes.into_iter().any(|change| change == keyword)
}
