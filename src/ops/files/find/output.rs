//! What a walk gives.

use super::format::Piece;
use super::seen::Seen;

/// What is to be written.
pub enum Output<'a, 'v> {
    /// The path of a file, and a line end.
    Found(&'a Seen<'v>),
    /// The path of a file, and a NUL byte.
    Ended(&'a Seen<'v>),
    /// These pieces.
    Pieces(&'a [Piece]),
}
