//! What can be wrong with a change, in Docker's words.

use super::shell::ExpandError;

/// Why changes cannot be read or made.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ChangeError {
    /// An instruction that does not exist, or does not change a config.
    #[error("{instruction} is not a valid change command")]
    NotAChange {
        /// The instruction as it was typed.
        instruction: String,
    },
    /// There was text, but no instruction in it.
    #[error("file with no instructions")]
    Empty,
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
    #[error("unknown flag: {flag}")]
    UnknownFlag {
        /// The flag, without its dashes.
        flag: String,
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
    /// An empty working directory.
    #[error("cannot normalize nothing")]
    EmptyWorkdir,
    /// An invalid port.
    #[error("{fault}: {text}")]
    Port {
        /// What is wrong.
        fault: &'static str,
        /// The port, or that part of it.
        text: String,
    },
    /// A signal that Linux does not have.
    #[error("invalid signal: {signal}")]
    Signal {
        /// The signal.
        signal: String,
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
