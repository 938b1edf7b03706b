//! Patterns of a shell's substitutions: `*` is any text, `?` any character.

/// The longest pattern, and the longest value that one is tried on: the work grows with both, and the value may be an
/// image's. A `PATH` has a few hundred characters.
const MAX_PATTERN: usize = 256;
const MAX_VALUE: usize = 4096;

/// A compiled pattern.
#[derive(Debug)]
pub(super) struct Pattern(Vec<PatternToken>);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum PatternToken {
    Text,
    One,
    Char(char),
}

impl Pattern {
    /// Compiles a pattern for `value`. Backslashes may stand before `*`, `?`, `\`, `}` and `/` only.
    pub(super) fn compile(text: &str, value: &str) -> Option<Self> {
        if text.len() > MAX_PATTERN || value.len() > MAX_VALUE {
            return None;
        }
        let mut tokens = Vec::new();
        let mut chars = text.chars();
        while let Some(next) = chars.next() {
            tokens.push(match next {
                '*' => PatternToken::Text,
                '?' => PatternToken::One,
                '\\' => PatternToken::Char(chars.next().filter(|next| matches!(next, '*' | '?' | '\\' | '}' | '/'))?),
                _ => PatternToken::Char(next),
            });
        }
        Some(Self(tokens))
    }

    /// The text without the shortest or longest match at its start.
    pub(super) fn without_start(&self, text: &str, longest: bool) -> String {
        let chars: Vec<char> = text.chars().collect();
        let length = self.matched(&chars, longest).unwrap_or(0);
        chars[length..].iter().collect()
    }

    /// The text without the shortest or longest match at its end.
    pub(super) fn without_end(&self, text: &str, longest: bool) -> String {
        let mut chars: Vec<char> = text.chars().rev().collect();
        let backwards = Self(self.0.iter().rev().copied().collect());
        let length = backwards.matched(&chars, longest).unwrap_or(0);
        chars.drain(..length);
        chars.iter().rev().collect()
    }

    /// The text with the first longest match replaced, or all of them; none if it becomes longer than `limit` bytes.
    pub(super) fn replace(&self, text: &str, with: &str, all: bool, limit: usize) -> Option<String> {
        let chars: Vec<char> = text.chars().collect();
        let (mut replaced, mut at, mut done) = (String::new(), 0, false);
        while at <= chars.len() {
            let found = if done { None } else { self.matched(&chars[at..], true) };
            if let Some(length) = found {
                replaced.push_str(with);
                done = !all;
                at += length;
            } else {
                // What `*` and the rest do not find from here they do not find further on.
                done |= self.begins(&chars[at..]);
            }
            // No match, or one of nothing: what stands here is kept.
            if found.is_none_or(|length| length == 0) {
                replaced.extend(chars.get(at));
                at += 1;
            } else if at == chars.len() {
                break;
            }
            if replaced.len() > limit {
                return None;
            }
        }
        Some(replaced)
    }

    /// Whether there is a `*`, and the text begins with what stands before it.
    fn begins(&self, text: &[char]) -> bool {
        let Some(star) = self.0.iter().position(|token| *token == PatternToken::Text) else { return false };
        let fits = |(token, letter): (&PatternToken, &char)| {
            matches!(token, PatternToken::One) || *token == PatternToken::Char(*letter)
        };
        star <= text.len() && self.0[..star].iter().zip(text).all(fits)
    }

    /// How many characters at the start match.
    fn matched(&self, text: &[char], longest: bool) -> Option<usize> {
        // `taken[n]`: whether the tokens so far can match the first `n` characters.
        let mut taken = vec![false; text.len() + 1];
        taken[0] = true;
        for token in &self.0 {
            let mut next = vec![false; text.len() + 1];
            for at in 0..taken.len() {
                match token {
                    PatternToken::Text => next[at] = taken[at] || at > 0 && next[at - 1],
                    PatternToken::One => next[at] = at > 0 && taken[at - 1],
                    PatternToken::Char(char) => next[at] = at > 0 && taken[at - 1] && text[at - 1] == *char,
                }
            }
            taken = next;
        }
        if longest { taken.iter().rposition(|taken| *taken) } else { taken.iter().position(|taken| *taken) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn starts_and_ends() {
        let cases = [
            ("ab", "abab", "ab", "ab", "ab", "ab"),
            ("*b", "abab", "ab", "", "aba", ""),
            ("a*", "abab", "bab", "", "ab", ""),
            ("?", "é1", "1", "1", "é", "é"),
            ("x", "abab", "abab", "abab", "abab", "abab"),
            ("", "ab", "ab", "ab", "ab", "ab"),
            (r"\*\?\\", r"*?\", "", "", "", ""),
            ("a?b", "ab", "ab", "ab", "ab", "ab"),
        ];
        for (pattern, text, start, start_longest, end, end_longest) in cases {
            let compiled = Pattern::compile(pattern, text).expect(pattern);
            assert_eq!(compiled.without_start(text, false), start, "{pattern} {text}");
            assert_eq!(compiled.without_start(text, true), start_longest, "{pattern} {text}");
            assert_eq!(compiled.without_end(text, false), end, "{pattern} {text}");
            assert_eq!(compiled.without_end(text, true), end_longest, "{pattern} {text}");
        }
    }

    #[test]
    fn replacements() {
        let cases = [
            ("a", "banana", "bXnana", "bXnXnX"),
            ("a*", "banana", "bX", "bX"),
            ("an", "banana", "bXana", "bXXa"),
            ("n*b", "banana", "banana", "banana"),
            ("n*n", "banana", "baXa", "baXa"),
            ("?n*a?", "anbnaanb", "Xb", "Xb"),
            ("z", "banana", "banana", "banana"),
            ("", "ab", "Xab", "XaXbX"),
            ("*", "", "X", "X"),
        ];
        for (pattern, text, first, all) in cases {
            let compiled = Pattern::compile(pattern, text).expect(pattern);
            assert_eq!(compiled.replace(text, "X", false, 100).as_deref(), Some(first), "{pattern} {text}");
            assert_eq!(compiled.replace(text, "X", true, 100).as_deref(), Some(all), "{pattern} {text}");
        }
    }

    #[test]
    fn what_is_no_pattern_or_too_much_work() {
        assert!(Pattern::compile(r"\a", "").is_none());
        assert!(Pattern::compile("\\", "").is_none());
        assert!(Pattern::compile(&"*".repeat(MAX_PATTERN + 1), "").is_none());
        assert!(Pattern::compile("*", &"a".repeat(MAX_VALUE + 1)).is_none());
    }
}
