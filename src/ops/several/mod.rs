//! Several images at once: one pool of workers for all of them, and what is told of each in one piece, in the order of
//! the names.
//!
//! ```text
//! names ─▶ each: an image ─▶ Pool: its blobs, with those of all others, so many at a time; each blob once
//!                │              └─ ImageProgress ─▶ one total
//!                └─ InOrder ─▶ what is told: of the first name at once, of others when their turn comes
//! ```

mod in_order;
mod part;
mod pool;

use super::{Context, Error};
use crate::image::work;
pub use in_order::InOrder;
pub use part::ImageProgress;
pub use pool::{Pool, Turns};

/// How many images are worked on at a time: enough to keep the workers for blobs busy.
const IMAGES: usize = 8;

/// Whether the job goes on: who cancels it wants no further image.
pub fn check(context: &Context, name: &str) -> Result<(), Error> {
    context.store.job().check().map_err(|source| Error::Io { what: name.to_owned(), source })
}

/// Works on several images, up to `jobs` at a time. An error of one does not end the work on others.
pub fn each<T: Sync, R: Send>(images: &[T], jobs: usize, work: impl Fn(usize, &T) -> R + Sync) -> Vec<R> {
    let work = |place, image: &T| Ok::<R, std::convert::Infallible>(work(place, image));
    match work::for_each(images, jobs.min(IMAGES), work) {
        Ok(all) => all,
        Err(never) => match never {},
    }
}
