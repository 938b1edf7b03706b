//! Go's spelling, where scripts and digests depend on it: JSON as `encoding/json` writes it, values as `fmt` prints them,
//! times and durations as `time` does, and the language of `text/template`.
//!
//! Nothing here knows docker. What docker's clients make of it, their functions and their types, is given from outside
//! ([`docker`](crate::docker)).

pub mod fmt;
pub mod json;
mod printf;
pub mod template;
pub mod time;
