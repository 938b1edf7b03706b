//! A file that was come by.

use crate::layer::overlay::ViewNode;

/// A file that was come by.
#[derive(Debug, Clone)]
pub struct Seen<'v> {
    /// Its path, beginning as the operand was typed.
    pub path: Vec<u8>,
    /// How long the operand at its beginning is.
    pub(super) start: usize,
    /// What is there; with links that are followed, where they lead.
    pub node: ViewNode<'v>,
    /// What is there, without following.
    pub(super) own: ViewNode<'v>,
    /// How far below the operand.
    pub(super) depth: usize,
}

impl Seen<'_> {
    /// The last component.
    pub(super) fn name(&self) -> &[u8] {
        let path = self.trimmed();
        let start = path.iter().rposition(|byte| *byte == b'/').map_or(0, |slash| slash + 1);
        if path == b"/" { path } else { &path[start..] }
    }

    /// All but the last component, as `%h` has it.
    pub(super) fn parent(&self) -> &[u8] {
        let path = self.trimmed();
        path.iter().rposition(|byte| *byte == b'/').map_or(b".", |slash| &path[..slash])
    }

    /// The path below the operand.
    pub(super) fn below(&self) -> &[u8] {
        let below = &self.path[self.start..];
        below.strip_prefix(b"/").unwrap_or(below)
    }

    /// The path without slashes at its end.
    fn trimmed(&self) -> &[u8] {
        let end = self.path.iter().rposition(|byte| *byte != b'/').map_or(1, |last| last + 1);
        &self.path[..end.min(self.path.len())]
    }
}
