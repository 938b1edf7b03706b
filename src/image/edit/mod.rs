//! Changes of an image's config: what `--change` says, and the config of the image that comes of it.
//!
//! ```text
//! -c 'ENV A=1' -c … ──▶ Change::parse_all ──▶ apply ──▶ merge ──▶ child, flat ──▶ Document<ImageConfig>
//!                        (what is written)    (what it does       (the bytes of the new config)
//!                                              to a config)
//! ```

mod change;
mod compose;
mod merge;

pub use change::{Change, ChangeError, apply};
pub use compose::{Step, child, flat, scratch};
pub use merge::merge;
