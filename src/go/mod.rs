//! Go's output formats, where scripts and digests depend on them: JSON as `encoding/json` writes it, values as `fmt`
//! prints them, times and durations as `time` does, paths as `path/filepath` cleans them, and the language of
//! `text/template`.
//!
//! Nothing here knows docker: its functions and types are passed in by [`docker`](crate::docker).

pub mod fmt;
pub mod json;
pub mod path;
mod printf;
pub mod template;
pub mod time;
