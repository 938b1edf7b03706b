//! What can be wrong with a Dockerfile, in docker's words.

use std::fmt;
use std::ops::RangeInclusive;

use super::expand::ExpandError;

/// Why a Dockerfile cannot be read, and where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ParseError {
    /// What is wrong.
    pub fault: Fault,
    /// The first and the last line, counted from 1; none if it is about the whole.
    pub lines: Option<RangeInclusive<usize>>,
}

impl ParseError {
    pub(super) fn at(lines: &RangeInclusive<usize>) -> impl Fn(Fault) -> Self {
        move |fault| Self { fault, lines: Some(lines.clone()) }
    }
}

impl fmt::Display for ParseError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.lines {
            Some(lines) => write!(f, "dockerfile parse error on line {}: {}", lines.start(), self.fault),
            None => self.fault.fmt(f),
        }
    }
}

impl std::error::Error for ParseError {}

/// What is wrong with an instruction.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// There was text, but no instruction in it.
    #[error("file with no instructions")]
    Empty,
    /// There are only `ARG`s.
    #[error("dockerfile contains no stages to build")]
    NoStage,
    /// It is too large.
    #[error("a Dockerfile of {size} bytes is larger than the {limit} that are read")]
    TooLarge {
        /// Its size in bytes.
        size: usize,
        /// The limit in bytes.
        limit: usize,
    },
    /// An instruction before the first `FROM`.
    #[error("no build stage in current context")]
    BeforeFrom,
    /// An instruction that does not exist.
    #[error("unknown instruction: {instruction}{}", did_you_mean(.suggestion.as_deref()))]
    Unknown {
        /// The instruction as it was typed.
        instruction: String,
        /// One that is spelled nearly the same.
        suggestion: Option<String>,
    },
    /// A parser directive (`# escape=`) is given twice.
    #[error("only one {name} parser directive can be used")]
    DuplicateDirective {
        /// The directive.
        name: String,
    },
    /// The escape character is neither a backslash nor a backtick.
    #[error("invalid escape token '{token}' does not match ` or \\")]
    EscapeToken {
        /// What it was to be.
        token: String,
    },
    /// A heredoc without its last line.
    #[error("unterminated heredoc")]
    OpenHeredoc,
    /// The word behind `<<` has a quote that is not closed.
    #[error("invalid heredoc: {word}")]
    HeredocWord {
        /// The word.
        word: String,
    },
    /// `FROM` with another number of words.
    #[error("FROM requires either one or three arguments")]
    FromArguments,
    /// The name of a stage is not one.
    #[error("invalid name for build stage: {name:?}, name can't start with a number or contain symbols")]
    StageName {
        /// The name.
        name: String,
    },
    /// `COPY` or `ADD` with one path only.
    #[error(
        "{instruction} requires at least two arguments, but only one was provided. Destination could not be determined"
    )]
    NoDestination {
        /// The instruction.
        instruction: &'static str,
    },
    /// `COPY` of a URL.
    #[error("source can't be a URL for COPY")]
    CopyUrl,
    /// `SHELL` in its shell form.
    #[error("SHELL requires the arguments to be in JSON form")]
    ShellForm,
    /// `RUN --security` of what is not there.
    #[error("security {value:?} is not valid")]
    Security {
        /// The value.
        value: String,
    },
    /// `RUN --network` of what is not there.
    #[error("network mode {value:?} is not valid")]
    Network {
        /// The value.
        value: String,
    },
    /// A flag that is on or off, with another value.
    #[error("expected boolean value for flag: {flag}, but was {value:?}")]
    Boolean {
        /// The flag, without its dashes.
        flag: &'static str,
        /// The value.
        value: String,
    },
    /// An instruction without arguments.
    #[error("{instruction} requires at least one argument")]
    NoArgument {
        /// The instruction.
        instruction: &'static str,
    },
    /// An instruction without an argument, or with more than one.
    #[error("{instruction} requires exactly one argument")]
    NotOneArgument {
        /// The instruction.
        instruction: &'static str,
    },
    /// A name without a value.
    #[error("{instruction} must have two arguments")]
    NoValue {
        /// The instruction.
        instruction: &'static str,
    },
    /// A word without `=` among others that have it.
    #[error("syntax error - can't find = in {word:?}. Must be of the form: name=value")]
    NoEquals {
        /// The word.
        word: String,
    },
    /// A value without a name.
    #[error("{instruction} names can not be blank")]
    BlankName {
        /// The instruction.
        instruction: &'static str,
    },
    /// A JSON array of other things than strings.
    #[error("when using JSON array syntax, arrays must be comprised of strings only")]
    NotStrings,
    /// A flag that the instruction does not have.
    #[error("unknown flag: --{flag}{}", did_you_mean(.suggestion.as_deref()))]
    UnknownFlag {
        /// The flag, without its dashes.
        flag: String,
        /// One that is spelled nearly the same.
        suggestion: Option<String>,
    },
    /// A flag that is given twice.
    #[error("duplicate flag specified: {flag}")]
    DuplicateFlag {
        /// The flag, without its dashes.
        flag: String,
    },
    /// A flag without a value.
    #[error("missing a value on flag: {flag}")]
    FlagWithoutValue {
        /// The flag, without its dashes.
        flag: String,
    },
    /// `ONBUILD ONBUILD`.
    #[error("chaining ONBUILD via `ONBUILD ONBUILD` isn't allowed")]
    ChainedOnbuild,
    /// An instruction that cannot wait for a later build.
    #[error("{instruction} isn't allowed as an ONBUILD trigger")]
    Trigger {
        /// The instruction in capitals.
        instruction: String,
    },
    /// `HEALTHCHECK NONE` with arguments.
    #[error("HEALTHCHECK NONE takes no arguments")]
    HealthcheckNone,
    /// `HEALTHCHECK CMD` without a command.
    #[error("missing command after HEALTHCHECK CMD")]
    HealthcheckCommand,
    /// A healthcheck that is neither `CMD` nor `NONE`.
    #[error("unknown type {kind:?} in HEALTHCHECK (try CMD)")]
    HealthcheckType {
        /// What it was to be, in capitals.
        kind: String,
    },
    /// An invalid duration.
    #[error("invalid duration {text:?}: expected numbers with units, as in 1m30s")]
    Duration {
        /// What it was to be.
        text: String,
    },
    /// A duration below a millisecond.
    #[error("interval {flag:?} cannot be less than 1ms")]
    ShortInterval {
        /// The flag, without its dashes.
        flag: &'static str,
    },
    /// A number of retries that is not a number.
    #[error("--retries must be a number, and not {text:?}")]
    Retries {
        /// What it was to be.
        text: String,
    },
    /// A number of retries below zero.
    #[error("--retries cannot be negative ({retries})")]
    NegativeRetries {
        /// The number.
        retries: i32,
    },
    /// An empty path of a volume.
    #[error("VOLUME specified can not be an empty string")]
    EmptyVolume,
    /// Values that are too long, all together.
    #[error("the variables of all stages together are longer than {limit} bytes")]
    Variables {
        /// The limit.
        limit: usize,
    },
    /// Invalid variables or quotes.
    #[error("failed to process {word:?}: {source}")]
    Expand {
        /// The word that contains them.
        word: String,
        /// What is wrong.
        source: ExpandError,
    },
}

fn did_you_mean(suggestion: Option<&str>) -> String {
    suggestion.map(|word| format!(" (did you mean {word}?)")).unwrap_or_default()
}
