//! Progress of a long job: reported here, displayed elsewhere.

/// Receives the progress of a job that moves bytes. All methods do nothing unless overridden; they may be called from
/// several threads at once.
pub trait Progress: Sync {
    /// The job moves this many bytes in all, if that is known.
    fn total(&self, _bytes: Option<u64>) {}

    /// Part `id` (unique within the job) begins; `label` is what a person should see, `bytes` how many it has.
    fn start(&self, _id: u64, _label: &str, _bytes: Option<u64>) {}

    /// Part `id` has moved `bytes` more.
    fn advance(&self, _id: u64, _bytes: u64) {}

    /// Part `id` is done.
    fn finish(&self, _id: u64, _note: &str) {}

    /// Something worth a line of its own.
    fn message(&self, _text: &str) {}
}

/// Ignores all progress.
pub struct Silent;

impl Progress for Silent {}

/// Called with the number of bytes moved since the last call.
pub type Moved<'a> = &'a (dyn Fn(u64) + Sync);
