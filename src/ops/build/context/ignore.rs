//! What of a context is there, as `.dockerignore` has it.

use super::error::ContextError;

/// The patterns of a `.dockerignore`; by default none.
#[derive(Debug, Default)]
pub struct Ignore {
    patterns: Option<()>,
}

impl Ignore {
    /// Reads the patterns.
    pub fn parse(_name: &str, _text: &[u8]) -> Result<Self, ContextError> {
        Ok(Self::default())
    }

    /// Patterns given one by one; the error is the one that cannot be read.
    pub fn of(_patterns: &[String]) -> Result<Self, String> {
        Ok(Self::default())
    }

    /// Whether there is no pattern.
    pub fn is_empty(&self) -> bool {
        self.patterns.is_none()
    }

    /// Whether a path is excluded.
    pub fn excludes(&self, _path: &[u8]) -> bool {
        false
    }

    /// Whether something below an excluded directory may still be included.
    pub fn may_include_below(&self, _path: &[u8]) -> bool {
        false
    }
}
