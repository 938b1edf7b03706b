//! The commands that look at the files of an image.

pub(super) mod cat;
pub(super) mod cp;
pub(super) mod find;
pub(super) mod grep;
pub(super) mod layers;
pub(super) mod ls;
pub(super) mod sum;
pub(super) mod tree;
pub(super) mod which;

mod common;
mod deleted;
mod grep_output;
mod long;
mod out;
