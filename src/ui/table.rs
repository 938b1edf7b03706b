//! Aligned columns, byte for byte as docker's client makes them.
//!
//! Docker writes through Go's `text/tabwriter` with cells at least 10 wide and 3 apart. Its rules: a tab ends a cell, and
//! the text after a line's last tab is in no column, so it is neither measured nor padded. A column is a block of
//! consecutive lines that have a cell there; its width is decided in that block alone. A wide character counts two, and
//! every other one, as docker counts.

use super::text::docker_width;

/// The least width of a cell, padding included.
const MIN_WIDTH: usize = 10;
/// Spaces after the widest cell of a column.
const PADDING: usize = 3;

/// Lines of cells that are printed in aligned columns.
#[derive(Debug, Clone, Default)]
pub struct Table {
    lines: String,
}

impl Table {
    /// A table whose first line holds `headers`.
    pub fn new<S: AsRef<str>>(headers: &[S]) -> Self {
        let mut table = Self::default();
        table.row(headers);
        table
    }

    /// Adds a line. Tabs and line ends inside a cell become spaces.
    pub fn row<S: AsRef<str>>(&mut self, cells: &[S]) {
        for (i, cell) in cells.iter().enumerate() {
            if i > 0 {
                self.lines.push('\t');
            }
            self.lines.extend(cell.as_ref().chars().map(|c| if is_separator(c) { ' ' } else { c }));
        }
        self.lines.push('\n');
    }

    /// The table as text, each line with its end.
    pub fn render(&self) -> String {
        align(&self.lines)
    }
}

fn is_separator(c: char) -> bool {
    matches!(c, '\t' | '\n' | '\x0b' | '\x0c')
}

/// Aligns the tab-separated cells of `text`: what `text/tabwriter` makes of it.
///
/// As there, a vertical tab ends a cell too, and a form feed ends a line and every column.
pub fn align(text: &str) -> String {
    let mut aligned = String::with_capacity(text.len() * 2);
    for part in text.split_inclusive('\x0c') {
        let (body, end) = part.strip_suffix('\x0c').map_or((part, ""), |body| (body, "\n"));
        let lines: Vec<Vec<&str>> = body.split('\n').map(|line| line.split(['\t', '\x0b']).collect()).collect();
        let widths = column_widths(&lines);
        for (i, (cells, widths)) in lines.iter().zip(&widths).enumerate() {
            if i > 0 {
                aligned.push('\n');
            }
            push_line(&mut aligned, cells, widths);
        }
        aligned.push_str(end);
    }
    aligned
}

fn push_line(to: &mut String, cells: &[&str], widths: &[usize]) {
    for (i, cell) in cells.iter().enumerate() {
        to.push_str(cell);
        if let Some(width) = widths.get(i) {
            to.extend(std::iter::repeat_n(' ', width.saturating_sub(docker_width(cell))));
        }
    }
}

/// For each line the widths of the columns that it has a cell in.
///
/// A block of a column lies within one block of the column to its left: both are runs of lines that are long enough.
fn column_widths(lines: &[Vec<&str>]) -> Vec<Vec<usize>> {
    let columns = lines.iter().map(|cells| cells.len() - 1).max().unwrap_or(0);
    let mut widths: Vec<Vec<usize>> = vec![Vec::new(); lines.len()];
    for column in 0..columns {
        let mut line = 0;
        while line < lines.len() {
            let block = lines[line..].iter().take_while(|cells| column + 1 < cells.len()).count();
            let cells = lines[line..line + block].iter().map(|cells| docker_width(cells[column]) + PADDING);
            let width = cells.max().unwrap_or(0).max(MIN_WIDTH);
            widths[line..line + block].iter_mut().for_each(|widths| widths.push(width));
            line += block.max(1);
        }
    }
    widths
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_of_images_looks_like_dockers() {
        let mut table = Table::new(&["REPOSITORY", "TAG", "IMAGE ID", "CREATED", "SIZE"]);
        table.row(&["foo/bar", "1", "f5205a8f0548", "Less than a second ago", "3B"]);
        table.row(&["looooooooooooooooong/name", "tag", "06251c28ded7", "Less than a second ago", "3B"]);
        let printed_by_docker = "\
REPOSITORY                  TAG       IMAGE ID       CREATED                  SIZE
foo/bar                     1         f5205a8f0548   Less than a second ago   3B
looooooooooooooooong/name   tag       06251c28ded7   Less than a second ago   3B
";
        assert_eq!(table.render(), printed_by_docker);
    }

    #[test]
    fn a_table_without_rows_is_its_headers() {
        let table = Table::new(&["REPOSITORY", "TAG", "IMAGE ID", "CREATED", "SIZE"]);
        assert_eq!(table.render(), "REPOSITORY   TAG       IMAGE ID   CREATED   SIZE\n");
    }

    #[test]
    fn an_empty_cell_still_takes_its_column() {
        let mut table = Table::new(&["IMAGE", "CREATED", "CREATED BY", "SIZE", "COMMENT"]);
        table.row(&["f5205a8f0548", "Less than a second ago", "", "3B", "Imported from -"]);
        let printed_by_docker = "\
IMAGE          CREATED                  CREATED BY   SIZE      COMMENT
f5205a8f0548   Less than a second ago                3B        Imported from -
";
        assert_eq!(table.render(), printed_by_docker);
    }

    #[test]
    fn columns_are_blocks_of_consecutive_lines() {
        let cases = [
            ("", ""),
            ("one\n", "one\n"),
            ("a\tb", "a         b"),
            ("a\t\n", "a         \n"),
            ("a long first cell\tx\nno cell\nb\ty\n", "a long first cell   x\nno cell\nb         y\n"),
            ("a\tb\tc\nwide wide wide\td\n", "a                b         c\nwide wide wide   d\n"),
            ("日本語日本語日本語\tx\nabc\ty\n", "日本語日本語日本語   x\nabc                  y\n"),
            ("é\u{301}\tx\nabc\ty\n", "é\u{301}        x\nabc       y\n"),
            ("a long first cell\tx\x0cb\ty\n", "a long first cell   x\nb         y\n"),
        ];
        for (text, expected) in cases {
            assert_eq!(align(text), expected, "{text:?}");
        }
    }

    #[test]
    fn a_cell_cannot_make_cells_or_lines() {
        let mut table = Table::default();
        table.row(&["a\tb\nc", "d"]);
        assert_eq!(table.render(), "a b c     d\n");
    }
}
