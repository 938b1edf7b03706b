//! What can be wrong with a tar.

use std::io;

use crate::layer::limits::LimitError;

/// Why an archive could not be read on.
#[derive(Debug, thiserror::Error)]
pub enum TarError {
    /// What was given is something else.
    #[error("not a tar archive, but {what}")]
    NotATar {
        /// What it is.
        what: String,
    },
    /// The archive stops inside a header, a content or its padding.
    #[error("truncated: it ends at byte {offset} of at least {least}")]
    Truncated {
        /// Where it stops.
        offset: u64,
        /// How many bytes what is there so far needs.
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
    /// The archive holds more than is allowed.
    #[error(transparent)]
    Limit(LimitError),
    /// The archive could not be read.
    #[error(transparent)]
    Io(io::Error),
}

/// What is wrong with a header.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum HeaderProblem {
    /// Its checksum is not that of its bytes: this is no tar, or it is damaged.
    #[error("wrong checksum")]
    Checksum,
    /// A number is none, or too large.
    #[error("malformed {field}")]
    Number {
        /// Which.
        field: &'static str,
    },
    /// A size is below zero.
    #[error("negative size")]
    NegativeSize,
    /// A PAX header is not a list of records.
    #[error("malformed PAX record")]
    PaxRecord,
    /// A PAX record's value is not what its key wants.
    #[error("malformed PAX {key}")]
    PaxValue {
        /// The record's key.
        key: &'static str,
    },
    /// A PAX header, long name or sparse map is larger than any that is used.
    #[error("{what} of more than {limit} bytes")]
    TooLong {
        /// Which.
        what: &'static str,
        /// The limit, in bytes.
        limit: u64,
    },
    /// A PAX header or long name is not followed by the member that it is about.
    #[error("extension header without a member")]
    Dangling,
    /// One block of zeros, then something else: neither an end nor a member.
    #[error("lone zero block")]
    LoneZeroBlock,
    /// A sparse file's map is not one of its size and content.
    #[error("malformed sparse map")]
    SparseMap,
}

impl From<io::Error> for TarError {
    /// Takes out what this crate's readers put into an [`io::Error`].
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
