//! The lines of a Dockerfile around what is wrong, as `docker buildx build` prints them.

use std::fmt::Write as _;
use std::ops::RangeInclusive;

/// How many lines are shown around, as far as there are any.
const AROUND: usize = 4;
/// A longer line is cut.
const LONGEST: usize = 400;

/// The place and the lines of an error; `file` is the name of the Dockerfile, `lines` are counted from 1.
///
/// ```text
/// Dockerfile:2
/// --------------------
///    1 |     FROM scratch
///    2 | >>> RUN false
///    3 |     CMD ["/a"]
/// --------------------
/// ```
pub fn excerpt(file: &str, text: &str, lines: &RangeInclusive<usize>) -> String {
    let all: Vec<&str> = text.trim_start_matches('\u{feff}').lines().collect();
    let (first, last) = (*lines.start(), (*lines.end()).max(*lines.start()));
    let shown = around(first, last, all.len());
    let rule = "-".repeat(20);
    let mut out = format!("{file}:{first}\n{rule}\n");
    for number in shown {
        let mark = if (first..=last).contains(&number) { ">>>" } else { "   " };
        let line = all.get(number - 1).copied().unwrap_or_default();
        let cut: String = line.chars().take(LONGEST).collect();
        let _ = writeln!(out, "{}", format!("{number:4} | {mark} {cut}").trim_end());
    }
    out.push_str(&rule);
    out.push('\n');
    out
}

/// Those lines and about [`AROUND`] more of `count`, from both sides in turn.
fn around(first: usize, last: usize, count: usize) -> RangeInclusive<usize> {
    let (mut start, mut end, mut more) = (first, last, 0);
    while more < AROUND && (start > 1 || end < count) {
        if start > 1 {
            start -= 1;
            more += 1;
        }
        if end < count {
            end += 1;
            more += 1;
        }
    }
    start..=end
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_around_the_wrong_ones() {
        let text = "FROM scratch\nRUN a \\\n  b\n\nCMD c\nCMD d\nCMD e\n";
        let rule = "-".repeat(20);
        let shown = "   1 |     FROM scratch\n   2 | >>> RUN a \\\n   3 | >>>   b\n   4 |\n   5 |     CMD c\n   6 |     CMD d\n";
        assert_eq!(excerpt("Dockerfile", text, &(2..=3)), format!("Dockerfile:2\n{rule}\n{shown}{rule}\n"));
        let last = "   5 |     CMD c\n   6 |     CMD d\n   7 | >>> CMD e\n";
        assert!(excerpt("d", text, &(7..=7)).contains(last));
    }
}
