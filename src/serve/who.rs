//! Who asks.

use std::sync::Arc;

/// Who asks.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) enum Who {
    /// Somebody who gave no credentials.
    #[default]
    Anonymous,
    /// A user whose password was right.
    User(Arc<str>),
}

impl Who {
    /// The user's name, if there is one.
    pub(super) fn user(&self) -> Option<&str> {
        match self {
            Self::Anonymous => None,
            Self::User(name) => Some(name),
        }
    }
}
