//! What people and scripts see: the only module that writes to standard output and standard error.
//!
//! stdout is data, stderr is talk, and one value does both: [`Ui`]. The rest of the module makes texts and prints
//! nothing: sizes and ages ([`human`]), escaping for a terminal ([`text`]), aligned columns ([`table`]), `--format`
//! ([`format`](mod@format)) and [`progress`].

pub mod format;
pub mod human;
pub mod output;
pub mod progress;
pub mod table;
pub mod text;

pub use format::{
    Inspection, OutputFormat, inspect, inspect_json, manifest_json, render_object, render_rows, verbose_json,
};
pub use output::{OutputError, Terminals, Ui};
pub use progress::ProgressMode;
pub use table::Table;
