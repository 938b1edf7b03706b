//! Examples of the commands that look into images.

use super::row::Row;

pub(super) const ROWS: &[Row] = &[];
