//! The files of an image: listed, searched, hashed, shown and copied out, without unpacking it.
//!
//! ```text
//! opened ─▶ the view of all layers, or of the lowest ones ─┬─▶ list     ls
//!                                                          ├─▶ find     find: an expression, and what it says of a file
//!                                                          └─▶ …
//! ```

pub mod capability;
pub mod cat;
pub mod copy;
pub mod find;
pub mod glob;
pub mod grep;
pub mod history;
pub mod layers;
pub mod life;
pub mod list;
pub mod mode;
pub mod opened;
pub mod owners;
pub mod posix;
pub mod sum;
pub mod totals;
