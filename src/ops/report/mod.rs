//! `report`: a page that shows what is in an image, in one file.
//!
//! ```text
//! look, analysis, installed ─▶ data     all that the page shows, as JSON
//!                               ▼
//! page.html ───────────┬─────▶ page     the document: style, scripts and data in their places
//! page.css ────────────┤
//! packages.js, page.js ┘
//! ```
//!
//! The page asks nothing of any network, and its policy allows nothing but its own style and script, by their digests.
//! What comes from images is JSON, in which nothing can end the element that it is in, and the script shows it as text
//! only.

mod columns;
mod data;
mod known_base;
mod packages;
mod page;
mod words;

pub use data::Compared;
pub use known_base::KnownBase;
pub use page::policy;

use super::analysis::Analysis;
use super::installed::installed;
use super::look::Look;
use super::{Context, Error};
use crate::image::Progress;

/// The page about an image, given by the name that was typed. It names another image of the store only if that is the old
/// one that it is compared with, or its base.
pub fn report(
    context: &Context,
    look: &Look,
    name: &str,
    compared: Option<&Compared<'_>>,
    base: Option<&KnownBase>,
    progress: &dyn Progress,
) -> Result<Vec<u8>, Error> {
    let analysis = Analysis::of(context, look, 0)?;
    let installed = |look: &Look| installed(context, look, &[], progress);
    let before = compared.map(|compared| installed(compared.old)).transpose()?;
    let now = installed(look)?;
    let age = packages::age(look, &now, base);
    let data = data::PageData::of(look, name, &analysis, &now, compared, before.as_ref(), age);
    Ok(page::document(&data))
}
