//! Texts of an image as the page shows them.

use std::fmt::Write as _;

use crate::go::fmt::is_invisible;
use crate::layer::path::Escaped;

/// The longest text, in characters.
const MOST_TEXT: usize = 4000;

/// A name or a path; what is no text, or cannot be seen, is shown as its number.
pub(super) fn path(name: &[u8]) -> String {
    match std::str::from_utf8(name) {
        Ok(text) if !text.chars().any(is_invisible) => text.to_owned(),
        _ => Escaped(name).to_string(),
    }
}

/// A text of any length; what cannot be seen is shown as its number.
pub(super) fn text(all: &str) -> String {
    up_to(MOST_TEXT, all)
}

/// The first characters of a text; what cannot be seen is shown as its number.
pub(super) fn up_to(most: usize, all: &str) -> String {
    let mut shown = String::with_capacity(all.len().min(most));
    for (at, c) in all.chars().enumerate() {
        if at == most {
            shown.push('…');
            break;
        }
        if is_invisible(c) && c != '\n' {
            let _ = write!(shown, "\\u{{{:x}}}", u32::from(c));
        } else {
            shown.push(c);
        }
    }
    shown
}
