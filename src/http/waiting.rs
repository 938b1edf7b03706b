//! Who is told that a server asks to wait.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

/// Is told the server, and how long it is waited for.
type Tell = dyn Fn(&str, Duration) + Send + Sync;

/// Is told that a server asks to wait (`Retry-After`), when the wait begins.
#[derive(Clone, Default)]
pub struct Waiting(Option<Arc<Tell>>);

impl Waiting {
    /// Told to `tell`, by any thread.
    pub fn new(tell: impl Fn(&str, Duration) + Send + Sync + 'static) -> Self {
        Self(Some(Arc::new(tell)))
    }

    /// Tells it.
    pub fn tell(&self, server: &str, wait: Duration) {
        if let Some(tell) = &self.0 {
            tell(server, wait);
        }
    }
}

impl fmt::Debug for Waiting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Waiting").field(&self.0.is_some()).finish()
    }
}
