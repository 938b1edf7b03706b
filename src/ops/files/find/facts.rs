//! What an expression may refer to.

use crate::layer::Mtime;
use crate::layer::overlay::Overlay;
use crate::ops::files::owners::Owners;

/// What an expression may refer to.
pub struct Facts<'v> {
    /// The files.
    pub view: &'v Overlay,
    /// The users and groups.
    pub owners: &'v Owners,
    /// When the program started.
    pub now: Mtime,
    /// Whether links among the operands are followed.
    pub follows_operands: bool,
}
