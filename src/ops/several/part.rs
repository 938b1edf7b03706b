//! The progress of one of several images.

use crate::image::{MovingBlob, Progress};
use crate::oci::Digest;

/// How many parts an image may have: the numbers of others begin behind these.
const PARTS: u32 = 32;

/// Reports the progress of one image as a part of that of all.
pub struct ImageProgress<'a> {
    all: &'a dyn Progress,
    image: String,
    action: &'static str,
    first: u64,
}

impl<'a> ImageProgress<'a> {
    /// For the image at that place, with its name and what is done with it: `push`, `pull` or `copy`.
    pub fn new(all: &'a dyn Progress, place: usize, image: String, action: &'static str) -> Self {
        Self { all, image, action, first: (place as u64) << PARTS }
    }

    /// The image is where it was to be, under that digest.
    pub fn is_done(&self, digest: &Digest) {
        self.all.done(&self.image, digest);
    }
}

impl Progress for ImageProgress<'_> {
    fn total(&self, bytes: Option<u64>) {
        if let Some(bytes) = bytes {
            self.all.more(bytes);
        }
    }

    fn more(&self, bytes: u64) {
        self.all.more(bytes);
    }

    fn start(&self, id: u64, label: &str, bytes: Option<u64>) {
        self.all.start(self.first + id, label, bytes);
    }

    fn start_blob(&self, id: u64, blob: &MovingBlob<'_>, bytes: Option<u64>) {
        let blob = MovingBlob { image: &self.image, action: self.action, ..*blob };
        self.all.start_blob(self.first + id, &blob, bytes);
    }

    fn advance(&self, id: u64, bytes: u64) {
        self.all.advance(self.first + id, bytes);
    }

    fn finish(&self, id: u64, note: &str) {
        self.all.finish(self.first + id, note);
    }

    fn done(&self, image: &str, digest: &Digest) {
        self.all.done(image, digest);
    }

    fn message(&self, text: &str) {
        self.all.message(text);
    }
}
