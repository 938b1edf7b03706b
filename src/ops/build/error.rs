//! Why a build ends without an image.

use std::error::Error as _;
use std::fmt;
use std::ops::RangeInclusive;

use super::context::ContextError;
use super::files::CopyError;
use super::run::RunError;
use crate::dockerfile::{Fault, MountError, ParseError, excerpt};
use crate::image::edit::ChangeError;
use crate::{ops, store};

/// The longest message, in bytes.
const LONGEST: usize = 4000;

/// Why a build ends without an image, and where in the Dockerfile.
#[derive(Debug)]
pub struct BuildError {
    /// Why.
    pub why: Why,
    /// The name of the Dockerfile.
    pub file: String,
    /// The first and the last line, counted from 1; none if it is not about lines.
    pub lines: Option<RangeInclusive<usize>>,
    /// Those lines and some around, as docker shows them.
    pub excerpt: String,
}

/// Why a build, or a step of it, cannot be made.
#[derive(Debug, thiserror::Error)]
pub enum Why {
    /// The context or the Dockerfile cannot be read.
    #[error(transparent)]
    Context(#[from] ContextError),
    /// The Dockerfile is wrong.
    #[error(transparent)]
    Parse(#[from] ParseError),
    /// An instruction is wrong once its variables are substituted.
    #[error(transparent)]
    Fault(#[from] Fault),
    /// An instruction cannot change the config.
    #[error(transparent)]
    Change(#[from] ChangeError),
    /// `--mount` is wrong.
    #[error(transparent)]
    Mount(#[from] MountError),
    /// Files cannot be copied.
    #[error(transparent)]
    Copy(#[from] CopyError),
    /// A program cannot be run, or failed.
    #[error(transparent)]
    Run(#[from] RunError),
    /// An image cannot be had.
    #[error(transparent)]
    Ops(#[from] ops::Error),
    /// The store cannot be used.
    #[error(transparent)]
    Store(#[from] store::Error),
    /// There is no such stage.
    #[error("target stage {target:?} could not be found{}", listed(.stages))]
    NoTarget {
        /// What was typed.
        target: String,
        /// The names that there are.
        stages: Vec<String>,
    },
    /// A stage needs itself.
    #[error("circular dependency detected on stage: {stage}")]
    Circular {
        /// The stage.
        stage: String,
    },
    /// `FROM` of a variable without a value.
    #[error("base name ({base}) should not be blank")]
    BlankBase {
        /// As it was typed.
        base: String,
    },
    /// `FROM` of what is no name of an image.
    #[error("failed to parse stage name {base:?}: {source}")]
    BaseName {
        /// The name.
        base: String,
        /// What is wrong with it.
        source: crate::oci::ReferenceError,
    },
    /// `FROM --platform` of what is no platform.
    #[error("failed to parse platform {platform}: {source}")]
    Platform {
        /// What was typed.
        platform: String,
        /// What is wrong with it.
        source: crate::oci::PlatformError,
    },
    /// An instruction that docker forbids here.
    #[error("{0}")]
    Refused(String),
    /// More instructions than a build may have.
    #[error(
        "the build has more than {limit} instructions; build a part of them as an image of its own, and start from it"
    )]
    Steps {
        /// The limit.
        limit: usize,
    },
    /// More layers than an image may have.
    #[error(
        "there are more than {limit} instructions that make layers, with those of the stages that this one starts from; join some of them"
    )]
    Layers {
        /// The limit.
        limit: usize,
    },
    /// More instructions than the histories of all stages may have.
    #[error(
        "the stages have more than {limit} instructions together, each with those of the stages that it starts from; let fewer stages start from each other"
    )]
    Together {
        /// The limit.
        limit: usize,
    },
    /// Larger configs than all stages may have.
    #[error(
        "the configs and variables of the stages have more than {limit} bytes together, with those of the images that they start from"
    )]
    Bytes {
        /// The limit.
        limit: usize,
    },
    /// Another part of the build failed first.
    #[error("the build was ended")]
    Ended,
}

fn listed(names: &[String]) -> String {
    if names.is_empty() { String::new() } else { format!("; the stages are {}", names.join(", ")) }
}

impl Why {
    /// What it says, if it is not longer than a message may be.
    pub(super) fn in_short(&self) -> String {
        shortened(self.to_string())
    }
}

impl BuildError {
    /// An error of opening the context.
    pub fn of_context(file: &str, error: ContextError) -> Self {
        Self::plain(file, error)
    }

    /// An error that is not about lines of the Dockerfile.
    pub(super) fn plain(file: &str, why: impl Into<Why>) -> Self {
        Self { why: why.into(), file: file.to_owned(), lines: None, excerpt: String::new() }
    }

    /// An error about lines of a Dockerfile.
    pub(super) fn at(file: &str, text: &str, lines: &RangeInclusive<usize>, why: impl Into<Why>) -> Self {
        let excerpt = excerpt(file, text, lines);
        Self { why: why.into(), file: file.to_owned(), lines: Some(lines.clone()), excerpt }
    }

    /// The reason with its own reasons, in one line.
    pub fn reason(&self) -> String {
        let mut text = self.why.to_string();
        let mut next = self.why.source();
        while let Some(source) = next {
            let more = source.to_string();
            if !text.ends_with(&more) {
                text = format!("{text}: {more}");
            }
            next = source.source();
        }
        shortened(text)
    }
}

/// A message that is not as long as the words of a Dockerfile may be.
fn shortened(mut text: String) -> String {
    if text.len() > LONGEST {
        let end = (0..=LONGEST).rev().find(|end| text.is_char_boundary(*end)).unwrap_or_default();
        text.truncate(end);
        text.push_str(" …");
    }
    text
}

impl fmt::Display for BuildError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.reason())
    }
}

impl std::error::Error for BuildError {}
