//! Errors of reading a tar.

use std::io;

use crate::layer::limits::LimitError;

/// Why a tar cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum TarError {
    /// The input is something else.
    #[error("not a tar archive, but {what}")]
    NotATar {
        /// What it is.
        what: String,
    },
    /// The archive ends inside a header, a content or its padding.
    #[error("truncated: it ends at byte {offset} of at least {least}")]
    Truncated {
        /// The offset at which it ends.
        offset: u64,
        /// The size required by the headers read so far.
        least: u64,
    },
    /// A header is malformed.
    #[error("invalid tar header at byte {offset}: {problem}")]
    Header {
        /// Where the header is.
        offset: u64,
        /// What is wrong with it.
        problem: HeaderProblem,
    },
    /// A limit is exceeded.
    #[error(transparent)]
    Limit(LimitError),
    /// The archive could not be read.
    #[error(transparent)]
    Io(io::Error),
}

/// What is wrong with a header.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum HeaderProblem {
    /// Its checksum is wrong: this is not a tar, or it is damaged.
    #[error("wrong checksum")]
    Checksum,
    /// A number is malformed or too large.
    #[error("malformed {field}")]
    Number {
        /// Which.
        field: &'static str,
    },
    /// A size is negative.
    #[error("negative size")]
    NegativeSize,
    /// A PAX header is not a list of records.
    #[error("malformed PAX record")]
    PaxRecord,
    /// The value of a PAX record is invalid for its key.
    #[error("malformed PAX {key}")]
    PaxValue {
        /// The record's key.
        key: &'static str,
    },
    /// A PAX header, long name or sparse map exceeds its limit.
    #[error("{what} of more than {limit} bytes")]
    TooLong {
        /// Which.
        what: &'static str,
        /// The limit, in bytes.
        limit: u64,
    },
    /// A PAX header or long name is not followed by a member.
    #[error("extension header without a member")]
    Dangling,
    /// A single zero block that does not end the archive.
    #[error("lone zero block")]
    LoneZeroBlock,
    /// The map of a sparse file does not match its size and content.
    #[error("malformed sparse map")]
    SparseMap,
}

impl From<io::Error> for TarError {
    /// Unwraps the errors that this crate's readers put into an [`io::Error`].
    fn from(error: io::Error) -> Self {
        match error.downcast::<Self>() {
            Ok(error) => error,
            Err(error) => match error.downcast::<LimitError>() {
                Ok(limit) => Self::Limit(limit),
                Err(error) => Self::Io(error),
            },
        }
    }
}

impl From<LimitError> for TarError {
    fn from(error: LimitError) -> Self {
        Self::Limit(error)
    }
}

impl From<TarError> for io::Error {
    fn from(error: TarError) -> Self {
        match error {
            TarError::Io(error) => error,
            TarError::Truncated { .. } => Self::new(io::ErrorKind::UnexpectedEof, error),
            _ => Self::new(io::ErrorKind::InvalidData, error),
        }
    }
}
