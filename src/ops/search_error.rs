//! Mistakes in what is to be searched.

/// The most results that may be asked for.
pub(super) const MOST: i64 = 100;

/// Why a search cannot be made, in docker's words.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SearchError {
    /// A filter that docker does not know, or whose value it cannot read.
    #[error("invalid filter '{0}'")]
    Filter(String),
    /// More results than registries give.
    #[error("limit {limit} is outside the range of [1, {MOST}]")]
    Limit {
        /// How many were asked for.
        limit: i64,
    },
    /// A URL in the place of a term.
    #[error("invalid repository name: repository name ({0}) should not have a scheme")]
    Scheme(String),
}
