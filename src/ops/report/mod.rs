//! `report`: a page that shows what is in an image, in one file.
//!
//! ```text
//! look, analysis ─▶ data     all that the page shows, as JSON
//!                    ▼
//! page.html ─┬────▶ page     the document: style, script and data in their places
//! page.css ──┤
//! page.js ───┘
//! ```
//!
//! The page asks nothing of any network, and its policy allows nothing but its own style and script, by their digests.
//! What comes from images is JSON, in which nothing can end the element that it is in, and the script shows it as text
//! only.

mod columns;
mod data;
mod page;

pub use data::Compared;
pub use page::policy;

use super::analysis::Analysis;
use super::look::Look;
use super::{Context, Error};

/// The page about an image, given by the name that was typed.
pub fn report(context: &Context, look: &Look, name: &str, compared: Option<&Compared<'_>>) -> Result<Vec<u8>, Error> {
    let analysis = Analysis::of(context, look, 0)?;
    let data = data::PageData::of(look, name, &analysis, compared);
    Ok(page::document(&data))
}
