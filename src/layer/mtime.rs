//! When a member was modified.

use serde::{Deserialize, Serialize};

/// A modification time: seconds since 1970, which may be negative, and the nanoseconds after them (below 10⁹).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
pub struct Mtime {
    /// Whole seconds since 1970.
    pub seconds: i64,
    /// Nanoseconds after `seconds`.
    pub nanos: u32,
}
