//! The examples, by the names of their commands, a file a group.

mod archives;
mod build;
mod directories;
mod editing;
mod general;
mod images;
mod looking;
mod manifests;
mod registries;
mod row;

use row::Row;

/// The rows of every group.
const GROUPS: &[&[Row]] = &[
    archives::ROWS,
    build::ROWS,
    directories::ROWS,
    editing::ROWS,
    general::ROWS,
    images::ROWS,
    looking::ROWS,
    manifests::ROWS,
    registries::ROWS,
];

/// The rows of all groups.
pub(super) fn all() -> impl Iterator<Item = &'static Row> {
    GROUPS.iter().copied().flatten()
}
