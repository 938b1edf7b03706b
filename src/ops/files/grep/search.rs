//! The lines of one file, as its bytes come.

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
    /// A file that is no text has a line that is meant.
    Binary,
    /// The file is done: how many lines are meant.
    Done {
        /// How many.
        count: u64,
        /// Whether a line was too long to be searched.
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
}

/// The longest line that is searched; what is behind is left out, which is told.
const LONGEST: usize = 64 << 20;

impl<'m> FileSearch<'m> {
    /// Searches for this.
    pub fn new(matching: &'m Matching) -> Self {
        let (rest, is_binary, is_told, is_cut) = (Vec::new(), false, false, false);
        Self { matching, rest, number: 0, count: 0, is_binary, is_told, is_cut }
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
            self.number += ends(&block[at..start]);
            let end = block[start..].iter().position(|byte| *byte == b'\n').map_or(block.len(), |end| start + end);
            let line = &block[start..end];
            self.number += 1;
            at = (end + 1).min(block.len());
            if self.matching.holds(line) {
                self.count += 1;
                if !self.hit(line, give) {
                    return false;
                }
            }
        }
        self.number += ends(&block[at..]);
        true
    }

    fn hit(&mut self, line: &[u8], give: Give<'_>) -> bool {
        let is_text = self.matching.is_text || !self.is_binary && std::str::from_utf8(line).is_ok();
        if is_text && !self.is_told {
            return give(Hit::Line { number: self.number, line });
        }
        std::mem::replace(&mut self.is_told, true) || give(Hit::Binary)
    }
}

/// How many lines end in it.
fn ends(block: &[u8]) -> u64 {
    block.iter().map(|byte| u64::from(*byte == b'\n')).sum()
}

#[cfg(test)]
mod tests {
    use super::super::pattern::{Syntax, expression};
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
    fn what_is_no_text_is_only_told() {
        assert_eq!(found(b"a\0root\nb\n", "root", false, 100), (vec![], 1, true));
        assert_eq!(found(b"\xffroot\n", "root", false, 100), (vec![], 1, true));
        assert_eq!(found(b"\xffa\nroot\n", "root", false, 100), (vec![2], 1, false));
        assert_eq!(found(b"", "", false, 100), (vec![], 0, false));
    }
}
