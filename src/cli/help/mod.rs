//! `--help` and `imgtool help COMMAND`, in docker's form, with examples.

mod examples;
mod render;

use std::ffi::OsString;

pub(super) use examples::{Example, of as examples};
pub(super) use render::{about, aliases, choices, flag, flags, page, takes_one, usage};

/// `imgtool help image ls` is `imgtool image ls --help`.
pub(super) fn spelled_out(mut typed: Vec<OsString>) -> Vec<OsString> {
    if typed.get(1).is_some_and(|word| word == "help") {
        typed.remove(1);
        typed.push("--help".into());
    }
    typed
}
