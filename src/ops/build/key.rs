//! What identifies a step in the build cache: everything that its result depends on.

use super::layers::StageLayers;
use crate::oci::{Digest, Hasher};

/// Changes when steps are made in another way than before, so that their results are another.
const VERSION: &str = "imgtool build 1";

/// Collects what a step depends on.
pub(super) struct Key(Hasher);

impl Key {
    /// Of a kind of step.
    pub(super) fn new(kind: &str) -> Self {
        let mut key = Self(Hasher::new());
        key.put(VERSION).put(kind);
        key
    }

    /// Of a kind of step on top of layers.
    pub(super) fn on(kind: &str, below: &StageLayers) -> Self {
        let mut key = Self::new(kind);
        key.put(below.key());
        key
    }

    /// Adds a field.
    pub(super) fn put(&mut self, field: impl AsRef<[u8]>) -> &mut Self {
        let field = field.as_ref();
        self.0.update(&(field.len() as u64).to_le_bytes());
        self.0.update(field);
        self
    }

    /// Adds a list.
    pub(super) fn all<T: AsRef<[u8]>>(&mut self, fields: impl IntoIterator<Item = T>) -> &mut Self {
        let fields: Vec<T> = fields.into_iter().collect();
        self.put((fields.len() as u64).to_le_bytes());
        for field in &fields {
            self.put(field);
        }
        self
    }

    /// Adds what may not be there.
    pub(super) fn maybe(&mut self, field: Option<&str>) -> &mut Self {
        self.all(field)
    }

    pub(super) fn finish(&mut self) -> Digest {
        std::mem::take(&mut self.0).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_do_not_run_together() {
        let key = |fields: &[&str]| Key::new("k").all(fields).finish();
        let keys = [key(&["ab", "c"]), key(&["a", "bc"]), key(&["abc"]), key(&[]), key(&[""])];
        for (at, one) in keys.iter().enumerate() {
            assert!(keys[at + 1..].iter().all(|other| other != one));
        }
    }
}
