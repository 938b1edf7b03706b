//! The long lines of `ls -l`.

use jiff::Timestamp;
use jiff::tz::TimeZone;

use super::common::timestamp;
use crate::layer::Mtime;
use crate::layer::overlay::{NodeKind, ViewNode};
use crate::ops::files::mode;
use crate::ops::files::owners::Owners;

/// How long lines are written.
pub(super) struct LongStyle<'a> {
    /// The names of users and groups; none if numbers are wanted.
    pub(super) owners: Option<&'a Owners>,
    /// Sizes in units of 1024, with one digit behind the point where that says more.
    pub(super) human: bool,
    /// Times to the nanosecond.
    pub(super) full_time: bool,
    /// When the program started: older files are shown with their year.
    pub(super) now: Timestamp,
}

/// The columns before the name.
pub(super) struct Columns {
    cells: Vec<[String; 6]>,
    widths: [usize; 6],
}

impl LongStyle<'_> {
    /// The columns of some files, aligned.
    pub(super) fn columns<'v>(&self, nodes: impl Iterator<Item = ViewNode<'v>>) -> Columns {
        let cells: Vec<[String; 6]> = nodes.map(|node| self.cells(node)).collect();
        let mut widths = [0; 6];
        for row in &cells {
            for (width, cell) in widths.iter_mut().zip(row) {
                *width = (*width).max(cell.chars().count());
            }
        }
        Columns { cells, widths }
    }

    fn cells(&self, node: ViewNode<'_>) -> [String; 6] {
        let owner = |name: Option<&str>, number: u64| name.map_or_else(|| number.to_string(), safe);
        let owners = self.owners;
        [
            mode::text(node),
            mode::links(node).to_string(),
            owner(owners.and_then(|owners| owners.user(node.uid())), node.uid()),
            owner(owners.and_then(|owners| owners.group(node.gid())), node.gid()),
            match node.kind() {
                NodeKind::CharDevice { major, minor } | NodeKind::BlockDevice { major, minor } => {
                    format!("{major}, {minor}")
                }
                _ if self.human => human(mode::size(node)),
                _ => mode::size(node).to_string(),
            },
            self.time(node.mtime()),
        ]
    }

    /// As GNU's `ls` writes it in the locale C, in UTC, which is the zone of containers.
    fn time(&self, mtime: Mtime) -> String {
        let time = timestamp(mtime);
        let zoned = time.to_zoned(TimeZone::UTC);
        if self.full_time {
            return zoned.strftime("%Y-%m-%d %H:%M:%S.%9f +0000").to_string();
        }
        let age = self.now.as_second() - time.as_second();
        let recent = (0..HALF_A_YEAR).contains(&age);
        zoned.strftime(if recent { "%b %e %H:%M" } else { "%b %e  %Y" }).to_string()
    }
}

/// Files of the last half year are shown with their hour, as GNU's `ls` does.
const HALF_A_YEAR: i64 = 31_556_952 / 2;

/// A name of a user that cannot break a line.
fn safe(name: &str) -> String {
    if name.chars().all(|c| c.is_ascii_graphic()) {
        name.to_owned()
    } else {
        crate::layer::path::Escaped(name.as_bytes()).to_string()
    }
}

impl Columns {
    /// The text before the name of a file, by its place.
    pub(super) fn before(&self, place: usize) -> String {
        let mut line = String::new();
        for (column, (cell, width)) in self.cells[place].iter().zip(self.widths).enumerate() {
            let padding = " ".repeat(width - cell.chars().count());
            // Only names of owners begin at the left.
            let (before, after) = if [2, 3].contains(&column) { ("", &*padding) } else { (&*padding, "") };
            line.extend([before, cell, after, " "]);
        }
        line
    }
}

/// A size as `ls -h` writes it, rounded up: `1.5K`, `12M`.
pub(super) fn human(size: u64) -> String {
    if size < 1024 {
        return size.to_string();
    }
    let mut unit = 0;
    let mut scale = 1024_u128;
    while u128::from(size).div_ceil(scale) >= 1024 && unit + 1 < UNITS.len() {
        scale *= 1024;
        unit += 1;
    }
    let tenths = (u128::from(size) * 10).div_ceil(scale);
    if tenths < 100 {
        return format!("{}.{}{}", tenths / 10, tenths % 10, UNITS[unit]);
    }
    format!("{}{}", u128::from(size).div_ceil(scale), UNITS[unit])
}

const UNITS: [char; 6] = ['K', 'M', 'G', 'T', 'P', 'E'];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_as_ls_writes_them() {
        let cases = [
            (0, "0"),
            (1023, "1023"),
            (1024, "1.0K"),
            (1025, "1.1K"),
            (10 * 1024 - 1, "10K"),
            (10 * 1024 + 1, "11K"),
            (1023 * 1024, "1023K"),
            (1023 * 1024 + 1, "1.0M"),
            (3 << 30, "3.0G"),
            (u64::MAX, "16E"),
        ];
        for (size, expected) in cases {
            assert_eq!(human(size), expected, "{size}");
        }
    }
}
