//! Examples of the commands that change images without a build.

use super::row::Row;

pub(super) const ROWS: &[Row] = &[];
