//! What a row of examples is.

/// A command, and for each of its examples what it does and what to type.
pub(in crate::cli::help) type Row = (&'static str, &'static [(&'static str, &'static str)]);
