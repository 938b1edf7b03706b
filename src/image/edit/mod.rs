//! Changes to an image's config: reading `--change`, and making the config of the new image.
//!
//! ```text
//! -c 'ENV A=1' -c … ──▶ Change::parse_all ──▶ apply, amend ──▶ child, flat ──▶ Document<ImageConfig>
//!                        what is written      what it does     the bytes of
//!                                             to a config      the new config
//! ```
//!
//! The language is that of a Dockerfile, as Docker 29 reads it: `dockerfile` finds the instructions, `words` splits
//! what they are given, `instruction` knows each of them, and `shell` substitutes variables when they are [`apply`]ed.

mod apply;
mod compose;
mod dockerfile;
mod duration;
mod error;
mod flags;
mod healthcheck;
mod instruction;
mod merge;
mod pattern;
mod ports;
mod shell;
mod signal;
mod words;

#[cfg(test)]
mod tests;

pub use apply::{amend, apply};
pub use compose::{BuildStep, child, flat, scratch};
pub use error::ChangeError;
pub use merge::merge;
pub use shell::ExpandError;

use instruction::Instruction;

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
        let file = dockerfile::read(&lines.join("\n"))?;
        let parse = |line| Ok(Self { instruction: Instruction::parse(line)?, escape: file.escape });
        file.lines.iter().map(parse).collect()
    }
}
