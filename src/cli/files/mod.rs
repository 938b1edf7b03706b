//! The commands that look at the files of an image.

pub(super) mod cat;
pub(super) mod cp;
pub(super) mod find;
pub(super) mod ls;
pub(super) mod sum;

mod common;
mod long;
mod out;
