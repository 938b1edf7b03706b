//! What happens in a build, for those who show it.

use super::run::OutputLine;

/// Is told what happens in a build, from several threads. Steps are numbered in the order of the Dockerfile.
pub trait Watch: Sync {
    /// A step begins; its name is as docker shows it: `[build 2/5] RUN make`.
    fn begin(&self, _step: usize, _name: &str) {}
    /// It was made before, and is not made again.
    fn cached(&self, _step: usize) {}
    /// Its program wrote a line.
    fn output(&self, _step: usize, _line: OutputLine<'_>) {}
    /// It is made.
    fn done(&self, _step: usize) {}
    /// It cannot be made.
    fn failed(&self, _step: usize, _why: &str) {}
    /// It is not made to its end, because another stage failed or the build was cancelled.
    fn ended(&self, _step: usize) {}
    /// Something that is probably not meant so.
    fn warn(&self, _text: &str) {}
}

/// Watches nothing.
pub struct Unwatched;

impl Watch for Unwatched {}
