//! An unpacked directory and the image that it came from: what `diff`, `commit` and `export` of a directory share.

mod base;
mod changes;
mod directory;
mod present;

pub use base::{Checkout, CompareTo};
pub use changes::{Compare, Diff, diff};
pub use directory::{open, tree_folder};
pub use present::{Present, present};
