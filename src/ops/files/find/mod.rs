//! `find`: an expression in the words of GNU find, and the files of an image for which it is true.
//!
//! ```text
//! words ─▶ parse ─▶ Expression ─┐
//!                   view ─▶ walk ─▶ eval ─▶ Output     a name, or what -printf and -ls make of it
//! ```
//!
//! What only a running system knows (access times, inode numbers, free space) and what would run programs or change
//! files is refused with a sentence that says what to do instead.

mod clock;
mod eval;
mod expr;
mod format;
mod parse;
mod perm;
mod primary;
mod walk;

pub use expr::{Expression, Follow, Seen};
pub use format::Piece;
pub use parse::{Facts, needs_owners, parse};
pub use walk::{Output, walk};
