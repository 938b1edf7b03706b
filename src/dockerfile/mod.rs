//! The language of Dockerfiles.
//!
//! ```text
//! text ─▶ lines ─────────────▶ typed ──────▶ Dockerfile ─ substitute ─▶ Instruction
//!         directives, comments, keyword,                   variables
//!         continuations,        flags, words
//!         heredocs
//! ```
//!
//! It is read as `BuildKit` reads it, and in its words. The crate parse-dockerfile was tried: it has neither docker's errors
//! nor the legacy forms (`ENV a b`), and does not substitute variables.

pub mod check;
mod duration;
mod error;
mod excerpt;
mod expand;
mod flags;
mod healthcheck;
mod heredoc;
mod ignore;
mod instruction;
mod lines;
mod mount;
mod near;
mod parse;
mod pattern;
mod substitute;
#[cfg(test)]
mod tables;
mod typed;
mod words;

pub use error::{Fault, ParseError};
pub use excerpt::excerpt;
pub use expand::{ExpandError, Expanded, Variables, expand};
pub use ignore::{FolderMatch, PatternError, Patterns};
pub use instruction::{
    ArgPair, CommandForm, Copy, Directives, Dockerfile, Heredoc, Instruction, Located, Pair, Run, Stage,
};
pub use mount::{CacheSpec, MountError, MountKind, MountSpec, SecretSpec, Sharing, parse_mount};
pub(crate) use parse::parse_changes;
pub use parse::{parse, parse_trigger};
pub use substitute::Substituted;
