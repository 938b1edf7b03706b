//! Progress of a long job: reported here, displayed elsewhere.

use crate::oci::Digest;

/// A blob that is moved: what a program is told of it.
#[derive(Debug, Clone, Copy)]
pub struct MovingBlob<'a> {
    /// The image that it belongs to, as it was typed; empty if only the job knows it.
    pub image: &'a str,
    /// The digest of the blob where it comes from.
    pub digest: &'a Digest,
    /// What is done with it: `push`, `pull` or `copy`.
    pub action: &'a str,
    /// What a person should see.
    pub label: &'a str,
}

/// Receives the progress of a job that moves bytes. All methods do nothing unless overridden; they may be called from
/// several threads at once.
pub trait Progress: Sync {
    /// The job moves this many bytes in all, if that is known.
    fn total(&self, _bytes: Option<u64>) {}

    /// The job moves so many bytes more than was known.
    fn more(&self, _bytes: u64) {}

    /// Part `id` (unique within the job) begins; `label` is what a person should see, `bytes` how many it has. A part
    /// that begins anew has moved nothing.
    fn start(&self, _id: u64, _label: &str, _bytes: Option<u64>) {}

    /// Part `id` begins, which is a blob of an image.
    fn start_blob(&self, id: u64, blob: &MovingBlob<'_>, bytes: Option<u64>) {
        self.start(id, blob.label, bytes);
    }

    /// Part `id` has moved `bytes` more.
    fn advance(&self, _id: u64, _bytes: u64) {}

    /// Part `id` is done.
    fn finish(&self, _id: u64, _note: &str) {}

    /// An image is where it was to be, under that digest.
    fn done(&self, _image: &str, _digest: &Digest) {}

    /// Something worth a line of its own.
    fn message(&self, _text: &str) {}
}

/// Ignores all progress.
pub struct Silent;

impl Progress for Silent {}

/// Called with the number of bytes moved since the last call.
pub type Moved<'a> = &'a (dyn Fn(u64) + Sync);
