//! Why patterns cannot be read.

/// Why patterns cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PatternError {
    /// A line of `!` alone.
    #[error("illegal exclusion pattern: \"!\"")]
    Exception,
    /// A pattern with a bracket that is not closed, or the like.
    #[error("{pattern:?}: syntax error in pattern")]
    Syntax {
        /// The pattern.
        pattern: String,
    },
    /// A pattern that is too long.
    #[error("a pattern of {length} bytes is longer than the {limit} that are read")]
    Long {
        /// Its length in bytes.
        length: usize,
        /// The limit in bytes.
        limit: usize,
    },
    /// Patterns that take too long to try.
    #[error("the patterns with wildcards have more than {limit} letters together; name folders instead")]
    Wildcards {
        /// The limit.
        limit: usize,
    },
    /// Too many patterns.
    #[error("there are more than {limit} patterns")]
    Many {
        /// The limit.
        limit: usize,
    },
}
