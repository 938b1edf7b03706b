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
mod compare;
mod eval;
mod expr;
mod facts;
mod format;
mod output;
mod parse;
mod perm;
mod primary;
mod seen;
mod walk;

pub use expr::{Expression, Follow};
pub use facts::Facts;
pub use format::Piece;
pub use output::Output;
pub use parse::{needs_owners, parse};
pub use seen::Seen;
pub use walk::walk;
