//! The commands that look at the files of an image.

pub(super) mod ls;

mod common;
mod long;
mod out;
