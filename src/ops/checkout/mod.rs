//! An unpacked directory and the image that it came from: what `diff`, `commit` and `export` of a directory share.

mod base;
mod changes;
mod compare;
mod directory;
mod layer;
mod present;

pub use base::Checkout;
pub use changes::{Diff, diff};
pub use compare::{Compare, CompareTo};
pub use directory::{open, tree_folder};
pub use layer::{keep_changes, limit_times};
pub use present::{Present, present};
