//! What can be wrong with a change, in Docker's words.

use crate::dockerfile::Fault;

/// Why changes cannot be read or made.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ChangeError {
    /// An instruction that does not exist, or does not change a config.
    #[error("{instruction} is not a valid change command")]
    NotAChange {
        /// The instruction as it was typed.
        instruction: String,
    },
    /// A value that a flag does not take.
    #[error("expected {expected}")]
    NotASetting {
        /// What it takes.
        expected: &'static str,
    },
    /// It cannot be read.
    #[error(transparent)]
    Syntax(Fault),
    /// A flag that the instruction does not have, in the words of docker's engine.
    #[error("unknown flag: {flag}")]
    UnknownFlag {
        /// The flag, without its dashes.
        flag: String,
    },
    /// An environment that no program can be started with.
    #[error("the environment becomes {size} bytes long, and may have at most {limit}")]
    Environment {
        /// Its size in bytes.
        size: usize,
        /// The limit in bytes.
        limit: usize,
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
}

impl From<Fault> for ChangeError {
    fn from(fault: Fault) -> Self {
        match fault {
            Fault::UnknownFlag { flag, .. } => Self::UnknownFlag { flag },
            fault => Self::Syntax(fault),
        }
    }
}
