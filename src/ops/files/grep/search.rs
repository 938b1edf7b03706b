//! The lines of one file, as its bytes come.

use std::collections::VecDeque;

use super::pattern::Matching;

/// What was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Hit<'a> {
    /// A line that is meant, without its end, and its number.
    Line {
        /// The number, beginning with 1.
        number: u64,
        /// The line.
        line: &'a [u8],
    },
    /// A line before or behind one that is meant.
    Context {
        /// The number, beginning with 1.
        number: u64,
        /// The line.
        line: &'a [u8],
    },
    /// A file that is no text has a line that is meant.
    Binary,
    /// The file is done: how many lines are meant.
    Done {
        /// How many.
        count: u64,
        /// Whether a line was too long to be searched, or the lines before one to be shown.
        is_cut: bool,
    },
}

/// Takes what was found, and says whether the search is to go on.
type Give<'g> = &'g mut dyn FnMut(Hit<'_>) -> bool;

/// Searches one file after the other.
pub struct FileSearch<'m> {
    matching: &'m Matching,
    /// The line whose end has not come yet.
    rest: Vec<u8>,
    number: u64,
    count: u64,
    is_binary: bool,
    /// That a binary file matches was told.
    is_told: bool,
    is_cut: bool,
    before: Before,
    /// How many lines are still shown behind the last one that was meant.
    pending: usize,
}

/// The longest line that is searched, and the most that is kept of the lines before one; what is left out is told.
const LONGEST: usize = 64 << 20;

impl<'m> FileSearch<'m> {
    /// Searches for this.
    pub fn new(matching: &'m Matching) -> Self {
        let (rest, is_binary, is_told, is_cut) = (Vec::new(), false, false, false);
        let (before, pending) = (Before::default(), 0);
        Self { matching, rest, number: 0, count: 0, is_binary, is_told, is_cut, before, pending }
    }

    /// Begins with a file.
    pub fn begin(&mut self) {
        *self = Self::new(self.matching);
    }

    /// Takes the next bytes of the file. `false` says that no more are wanted of any file.
    pub fn bytes(&mut self, bytes: &[u8], give: Give<'_>) -> bool {
        self.is_binary |= !self.matching.is_text && bytes.contains(&0);
        let zapped: Vec<u8>;
        let mut bytes = bytes;
        if self.is_binary {
            // Lines of what is no text end at NUL bytes too, else one could be the whole file.
            zapped = bytes.iter().map(|byte| if *byte == 0 { b'\n' } else { *byte }).collect();
            bytes = &zapped;
        }
        let Some(last) = bytes.iter().rposition(|byte| *byte == b'\n') else {
            self.keep(bytes);
            return true;
        };
        let (whole, after) = bytes.split_at(last + 1);
        let goes_on = if self.rest.is_empty() {
            self.lines(whole, give)
        } else {
            let first = whole.iter().position(|byte| *byte == b'\n').map_or(0, |end| end + 1);
            self.keep(&whole[..first]);
            let line = std::mem::take(&mut self.rest);
            self.lines(&line, give) && self.lines(&whole[first..], give)
        };
        self.keep(after);
        goes_on
    }

    /// The file has ended.
    pub fn finish(&mut self, give: Give<'_>) -> bool {
        let line = std::mem::take(&mut self.rest);
        let goes_on = line.is_empty() || self.lines(&line, give);
        give(Hit::Done { count: self.count, is_cut: self.is_cut }) && goes_on
    }

    fn keep(&mut self, bytes: &[u8]) {
        let room = LONGEST.saturating_sub(self.rest.len());
        self.is_cut |= bytes.len() > room;
        self.rest.extend_from_slice(&bytes[..bytes.len().min(room)]);
    }

    /// Searches whole lines.
    fn lines(&mut self, block: &[u8], give: Give<'_>) -> bool {
        let mut at = 0;
        while at < block.len() && self.count < self.matching.most {
            let start = if self.matching.single {
                at
            } else {
                // Goes over all lines at once that do not match.
                let Some(found) = self.matching.regex.find_at(block, at) else { break };
                if found.start() >= block.len() {
                    break;
                }
                block[..found.start()].iter().rposition(|byte| *byte == b'\n').map_or(0, |end| end + 1).max(at)
            };
            if !self.pass(&block[at..start], give) {
                return false;
            }
            let end = block[start..].iter().position(|byte| *byte == b'\n').map_or(block.len(), |end| start + end);
            let line = &block[start..end];
            at = (end + 1).min(block.len());
            if !self.matching.holds(line) {
                if !self.pass(&block[start..at], give) {
                    return false;
                }
                continue;
            }
            self.count += 1;
            self.number += 1;
            self.pending = self.matching.around.after;
            if !self.tell_before(give) || !self.tell(Hit::Line { number: self.number, line }, give) {
                return false;
            }
        }
        self.pass(&block[at..], give)
    }

    /// Goes over lines that are not meant: the first ones may be shown behind the one before, the last ones are kept.
    fn pass(&mut self, mut lines: &[u8], give: Give<'_>) -> bool {
        while self.pending > 0 && !lines.is_empty() {
            let end = lines.iter().position(|byte| *byte == b'\n').map_or(lines.len(), |end| end + 1);
            let (line, rest) = lines.split_at(end);
            lines = rest;
            self.pending -= 1;
            self.number += 1;
            if !self.tell(Hit::Context { number: self.number, line: without_end(line) }, give) {
                return false;
            }
        }
        self.number += ends(lines) + u64::from(lines.last().is_some_and(|byte| *byte != b'\n'));
        if self.matching.around.before > 0 && !lines.is_empty() && self.count < self.matching.most {
            self.before.keep(without_end(lines), self.number, self.matching.around.before);
        }
        true
    }

    /// Shows the lines before one that is meant.
    fn tell_before(&mut self, give: Give<'_>) -> bool {
        let before = std::mem::take(&mut self.before);
        self.is_cut |= before.is_short;
        before.lines.iter().all(|(number, line)| self.tell(Hit::Context { number: *number, line }, give))
    }

    /// Tells of a line; of one that is no text only that there is one.
    fn tell(&mut self, hit: Hit<'_>, give: Give<'_>) -> bool {
        let (Hit::Line { line, .. } | Hit::Context { line, .. }) = hit else { return give(hit) };
        let is_text = self.matching.is_text || !self.is_binary && std::str::from_utf8(line).is_ok();
        if is_text && !self.is_told {
            return give(hit);
        }
        std::mem::replace(&mut self.is_told, true) || give(Hit::Binary)
    }
}

/// The last lines and their numbers, for the next one that is meant.
#[derive(Default)]
struct Before {
    lines: VecDeque<(u64, Vec<u8>)>,
    /// How many bytes they have.
    bytes: usize,
    /// Some had to be dropped that should be shown.
    is_short: bool,
}

impl Before {
    /// Keeps the last ones of further lines, of which the very last has this number: at most so many in all.
    fn keep(&mut self, lines: &[u8], number: u64, most: usize) {
        let last = lines.rsplit(|byte| *byte == b'\n').take(most);
        let mut last: Vec<(u64, Vec<u8>)> = (1..=number).rev().zip(last.map(<[u8]>::to_vec)).collect();
        self.bytes += last.iter().map(|(_, line)| line.len()).sum::<usize>();
        last.reverse();
        self.lines.extend(last);
        while self.lines.len() > most || self.bytes > LONGEST {
            let Some((_, line)) = self.lines.pop_front() else { break };
            self.bytes -= line.len();
            self.is_short |= self.lines.len() < most;
        }
    }
}

/// A line or lines without the end of the last one.
fn without_end(lines: &[u8]) -> &[u8] {
    lines.strip_suffix(b"\n").unwrap_or(lines)
}

/// How many lines end in it.
fn ends(block: &[u8]) -> u64 {
    block.iter().map(|byte| u64::from(*byte == b'\n')).sum()
}

#[cfg(test)]
mod tests {
    use super::super::pattern::{Around, Syntax, expression};
    use super::*;

    /// The numbers of the lines that are meant, with the file given in pieces of that size.
    fn found(text: &[u8], pattern: &str, inverts: bool, piece: usize) -> (Vec<u64>, u64, bool) {
        let regex = expression(&[pattern.to_owned()], Syntax::Basic, false, false, false).expect("a pattern");
        let matching = Matching::new(regex, inverts, false, u64::MAX);
        let mut search = FileSearch::new(&matching);
        let (mut numbers, mut total, mut is_binary) = (Vec::new(), 0, false);
        let mut give = |hit: Hit<'_>| {
            match hit {
                Hit::Line { number, .. } => numbers.push(number),
                Hit::Context { .. } => {}
                Hit::Binary => is_binary = true,
                Hit::Done { count, .. } => total = count,
            }
            true
        };
        for piece in text.chunks(piece) {
            search.bytes(piece, &mut give);
        }
        search.finish(&mut give);
        (numbers, total, is_binary)
    }

    #[test]
    fn lines_are_the_same_however_they_come() {
        let text = b"root\nno\nroot root\n\nlast root";
        for piece in [1, 2, 3, 7, 100] {
            assert_eq!(found(text, "root", false, piece), (vec![1, 3, 5], 3, false), "{piece}");
            assert_eq!(found(text, "root", true, piece), (vec![2, 4], 2, false), "{piece}");
            assert_eq!(found(text, "^root$", false, piece), (vec![1], 1, false), "{piece}");
            assert_eq!(found(text, "^$", false, piece), (vec![4], 1, false), "{piece}");
            assert_eq!(found(text, "t\\W*n", false, piece), (vec![], 0, false), "{piece}: no match over two lines");
            assert_eq!(found(text, "", false, piece), (vec![1, 2, 3, 4, 5], 5, false), "{piece}");
        }
    }

    #[test]
    fn lines_before_and_behind_are_the_same_however_they_come() {
        let text = b"1\n2\n3 root\n4\n5\n6\n7\n8 root\n9";
        for piece in [1, 2, 3, 5, 100] {
            let regex = expression(&["root".to_owned()], Syntax::Basic, false, false, false).expect("a pattern");
            let matching = Matching::new(regex, false, false, u64::MAX).around(Around { before: 2, after: 1 });
            let mut search = FileSearch::new(&matching);
            let mut shown = Vec::new();
            let mut give = |hit: Hit<'_>| {
                match hit {
                    Hit::Line { number, line } => shown.push((number, line.to_vec(), true)),
                    Hit::Context { number, line } => shown.push((number, line.to_vec(), false)),
                    _ => {}
                }
                true
            };
            for piece in text.chunks(piece) {
                search.bytes(piece, &mut give);
            }
            search.finish(&mut give);
            let expected: Vec<(u64, Vec<u8>, bool)> = [1, 2, 3, 4, 6, 7, 8, 9]
                .into_iter()
                .map(|number| (number, number.to_string().into_bytes(), false))
                .map(|(number, mut line, _)| {
                    let is_meant = number == 3 || number == 8;
                    line.extend_from_slice(if is_meant { b" root" } else { b"" });
                    (number, line, is_meant)
                })
                .collect();
            assert_eq!(shown, expected, "{piece}");
        }
    }

    #[test]
    fn lines_before_take_bounded_memory() {
        let mut before = Before::default();
        let line = vec![b'x'; LONGEST / 4];
        for number in 1..=8 {
            before.keep(&line, number, 6);
        }
        assert!(before.is_short && before.bytes <= LONGEST, "{}", before.bytes);
        assert_eq!(before.lines.back().map(|(number, _)| *number), Some(8));
    }

    #[test]
    fn what_is_no_text_is_only_told() {
        assert_eq!(found(b"a\0root\nb\n", "root", false, 100), (vec![], 1, true));
        assert_eq!(found(b"\xffroot\n", "root", false, 100), (vec![], 1, true));
        assert_eq!(found(b"\xffa\nroot\n", "root", false, 100), (vec![2], 1, false));
        assert_eq!(found(b"", "", false, 100), (vec![], 0, false));
    }
}
