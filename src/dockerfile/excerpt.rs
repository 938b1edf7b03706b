//! The lines of a Dockerfile around what is wrong, as `docker buildx build` prints them.

use std::fmt::Write as _;
use std::ops::RangeInclusive;

/// How many lines are shown before and behind one line, and several, as far as there are any.
const AROUND_ONE: usize = 2;
const AROUND_SEVERAL: usize = 1;
/// A longer line is cut, and so are more lines.
const LONGEST: usize = 400;
const MOST: usize = 200;

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
    excerpt_of(file, &lines_of(text), lines)
}

/// The lines of a Dockerfile; what is behind the last line feed is one too, as docker counts.
pub(super) fn lines_of(text: &str) -> Vec<&str> {
    text.trim_start_matches('\u{feff}').split('\n').map(|line| line.trim_end_matches('\r')).collect()
}

/// The same of lines that were split before, for several excerpts of one file.
pub(super) fn excerpt_of(file: &str, all: &[&str], lines: &RangeInclusive<usize>) -> String {
    let (first, last) = (*lines.start(), (*lines.end()).max(*lines.start()));
    let around = if first == last { AROUND_ONE } else { AROUND_SEVERAL };
    let shown = first.saturating_sub(around).max(1)..=(last + around).min(all.len());
    let rule = "-".repeat(20);
    let mut out = format!("{file}:{first}\n{rule}\n");
    for number in shown.take(MOST) {
        let mark = if (first..=last).contains(&number) { ">>>" } else { "   " };
        let line = all.get(number - 1).copied().unwrap_or_default();
        let cut: String = line.chars().take(LONGEST).collect();
        let _ = writeln!(out, "{number:4} | {mark} {cut}");
    }
    out.push_str(&rule);
    out.push('\n');
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_around_the_wrong_ones() {
        let text = "FROM scratch\nRUN a \\\n  b\n\nCMD c\r\nCMD d\nCMD e\n";
        let cases: [(_, &[&str]); 4] = [
            (2..=3, &["   1 |     FROM scratch", "   2 | >>> RUN a \\", "   3 | >>>   b", "   4 |     "]),
            (1..=1, &["   1 | >>> FROM scratch", "   2 |     RUN a \\", "   3 |       b"]),
            (5..=5, &["   3 |       b", "   4 |     ", "   5 | >>> CMD c", "   6 |     CMD d", "   7 |     CMD e"]),
            (7..=7, &["   5 |     CMD c", "   6 |     CMD d", "   7 | >>> CMD e", "   8 |     "]),
        ];
        let rule = "-".repeat(20);
        for (lines, shown) in cases {
            let expected = format!("Dockerfile:{}\n{rule}\n{}\n{rule}\n", lines.start(), shown.join("\n"));
            assert_eq!(excerpt("Dockerfile", text, &lines), expected);
        }
        assert_eq!(excerpt("d", &"a\n".repeat(1000), &(1..=999)).lines().count(), 3 + MOST);
        assert_eq!(excerpt("d", "a", &(9..=9)), format!("d:9\n{rule}\n{rule}\n"));
    }
}
