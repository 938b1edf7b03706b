//! `--help` and `imgtool help COMMAND`, in docker's form, with examples.

mod examples;
pub(super) mod render;
mod rows;

pub(super) use examples::{Example, of as examples};
pub(super) use render::{about, aliases, choices, flag, flags, page, usage};
