//! `images`: what is in the store, or in an archive or layout.

pub use super::records::{ImageRecord, Listing, PlatformRecord, images, images_at};
