//! `build`: a Dockerfile and its context become an image.
//!
//! ```text
//! Dockerfile ─▶ plan ─▶ stages, side by side ─▶ steps ─┬─ config ─▶ image::edit
//!               which stages are needed                ├─ COPY, ADD, WORKDIR ─▶ files ─┐
//!                                                      └─ RUN ─▶ run ─────────────────┴▶ layers ─▶ the image
//! ```
//!
//! A step that makes a layer has a key (`key`): what its result depends on. The store remembers what a step with that key
//! made, so that it is made once; an image can carry that to other machines (`cache`). Nothing is unpacked but for `RUN`,
//! and what is in layers is looked at only when a step is made that has to know.

mod base;
mod bounds;
mod cache;
pub mod context;
mod error;
pub mod files;
mod history;
mod key;
mod layers;
mod lint;
mod made;
mod maker;
mod options;
mod plan;
mod prune;
pub mod run;
mod schedule;
mod scope;
mod stage;
mod steps;
mod watch;
mod whole;

pub use base::Fetch;
pub use cache::{CacheExtent, UsedStep, carry};
pub use error::{BuildError, Why};
pub use lint::lint;
pub use options::{BuildOptions, CacheOptions};
pub use prune::prune;
pub use watch::{Unwatched, Watch};
pub use whole::{Built, build};
