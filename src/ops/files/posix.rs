//! Regular expressions as `grep` and `find` write them, in the words of the crate that matches them.
//!
//! Matching takes linear time whatever the expression is, so references to groups (`\1`) cannot be had: they are
//! refused.

use regex::bytes::{Regex, RegexBuilder};

use crate::ops::files_error::RegexError;

/// A way to write regular expressions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Dialect {
    /// `grep`: `\(a\|b\)*`.
    Basic,
    /// `grep -E`: `(a|b)*`.
    Extended,
    /// Emacs, which `find -regex` means: `\(a\|b\)+`.
    Emacs,
}

/// How much memory a compiled expression may take.
const MOST_MEMORY: usize = 32 << 20;
/// How deep groups may be in each other.
const DEEPEST: u32 = 200;

/// Compiles an expression that was already translated.
pub fn compile(translated: &str, folds_case: bool) -> Result<Regex, RegexError> {
    let compiled =
        RegexBuilder::new(translated).case_insensitive(folds_case).size_limit(MOST_MEMORY).nest_limit(DEEPEST).build();
    compiled.map_err(|error| {
        let text = error.to_string();
        let last = text.lines().rev().find_map(|line| line.strip_prefix("error: "));
        RegexError::Other(last.unwrap_or(&text).to_owned())
    })
}

/// An expression in the words of the crate.
pub fn translate(pattern: &str, dialect: Dialect) -> Result<String, RegexError> {
    let mut reader = Reader { left: pattern.chars().peekable(), dialect, out: String::new(), begins: true, depth: 0 };
    while let Some(c) = reader.left.next() {
        reader.one(c)?;
    }
    Ok(reader.out)
}

struct Reader<'a> {
    left: std::iter::Peekable<std::str::Chars<'a>>,
    dialect: Dialect,
    out: String,
    /// Whether nothing stands before in this alternative, so that `*` means itself.
    begins: bool,
    depth: usize,
}

impl Reader<'_> {
    fn one(&mut self, c: char) -> Result<(), RegexError> {
        let extended = self.dialect == Dialect::Extended;
        let begins = std::mem::take(&mut self.begins);
        match c {
            '\\' => return self.escaped(begins),
            '[' => self.bracket()?,
            '.' => self.out.push_str("[^\\n]"),
            '*' if begins && !extended => self.literal('*'),
            '*' | '+' | '?' if begins && self.dialect != Dialect::Basic => self.begins = true,
            '*' => self.repeat('*'),
            '+' | '?' if self.dialect != Dialect::Basic => self.repeat(c),
            '^' if extended || begins => {
                self.out.push('^');
                self.begins = true;
            }
            '$' if extended || self.ends() => self.out.push('$'),
            '(' if extended => self.open(),
            ')' if extended && self.depth > 0 => self.close(),
            '|' if extended => self.or(),
            '{' if extended && !begins && self.is_braces() => self.braces("}")?,
            other => self.literal(other),
        }
        Ok(())
    }

    /// What stands behind a backslash.
    fn escaped(&mut self, begins: bool) -> Result<(), RegexError> {
        let basic = self.dialect != Dialect::Extended;
        match self.left.next().ok_or(RegexError::Backslash)? {
            '(' if basic => self.open(),
            ')' if basic && self.depth > 0 => self.close(),
            '|' if basic => self.or(),
            '{' if self.dialect == Dialect::Basic && !begins => self.braces("\\}")?,
            c @ ('+' | '?') if self.dialect == Dialect::Basic && !begins => self.repeat(c),
            digit @ '1'..='9' => return Err(RegexError::Reference(digit)),
            'w' => self.out.push_str("[_[:alnum:]]"),
            'W' => self.out.push_str("[^_[:alnum:]]"),
            's' => self.out.push_str("\\s"),
            'S' => self.out.push_str("\\S"),
            'b' => self.out.push_str("\\b"),
            'B' => self.out.push_str("\\B"),
            '<' => self.out.push_str("\\b{start}"),
            '>' => self.out.push_str("\\b{end}"),
            '`' => self.out.push_str("\\A"),
            '\'' => self.out.push_str("\\z"),
            other => self.literal(other),
        }
        Ok(())
    }

    fn literal(&mut self, c: char) {
        let mut buffer = [0; 4];
        self.out.push_str(&regex::escape(c.encode_utf8(&mut buffer)));
    }

    fn open(&mut self) {
        self.out.push_str("(?:");
        (self.depth, self.begins) = (self.depth + 1, true);
    }

    fn close(&mut self) {
        self.out.push(')');
        self.depth -= 1;
    }

    fn or(&mut self) {
        self.out.push('|');
        self.begins = true;
    }

    /// A repetition of what may be one already: `a**`, `a+?`, which means greedy ones here.
    fn repeat(&mut self, c: char) {
        if self.out.ends_with(['*', '+', '?', '}']) && !self.out.ends_with("\\*") && !self.is_escaped_end() {
            let start = self.last_atom();
            self.out.insert_str(start, "(?:");
            self.out.push(')');
        }
        self.out.push(c);
    }

    /// Whether the last character was escaped.
    fn is_escaped_end(&self) -> bool {
        let before = self.out.len().saturating_sub(1);
        self.out[..before].bytes().rev().take_while(|byte| *byte == b'\\').count() % 2 == 1
    }

    /// Where the last atom with its repetition begins; a repetition of a repetition is rare, so the whole alternative's
    /// last group or character is found from behind.
    fn last_atom(&self) -> usize {
        let body = self.out.trim_end_matches(['*', '+', '?']);
        let body = if body.ends_with('}') { &body[..body.rfind('{').unwrap_or(0)] } else { body };
        let Some(last) = body.chars().next_back() else { return 0 };
        let pair = match last {
            ')' => Some(('(', ')')),
            ']' => Some(('[', ']')),
            _ => None,
        };
        let end = body.len();
        let Some((open, shut)) = pair else {
            let start = end - last.len_utf8();
            let is_escaped = body[..start].bytes().rev().take_while(|byte| *byte == b'\\').count() % 2 == 1;
            return start - usize::from(is_escaped);
        };
        let mut depth = 0;
        for (at, c) in body.char_indices().rev() {
            let is_escaped = body[..at].bytes().rev().take_while(|byte| *byte == b'\\').count() % 2 == 1;
            if is_escaped {
                continue;
            }
            depth += i32::from(c == shut) - i32::from(c == open);
            if depth == 0 {
                return at;
            }
        }
        0
    }

    /// Whether nothing but the end of the alternative follows.
    fn ends(&self) -> bool {
        let mut left = self.left.clone();
        match (left.next(), left.next()) {
            (None, _) => true,
            (Some('\\'), Some(')' | '|')) => self.dialect != Dialect::Extended,
            _ => false,
        }
    }

    /// Whether a `{` of an extended expression begins a repetition.
    fn is_braces(&self) -> bool {
        let text: String = self.left.clone().take_while(|c| *c != '}').collect();
        let has_end = self.left.clone().any(|c| c == '}');
        has_end && is_count(&text)
    }

    /// `{2}`, `{2,}`, `{,3}`, `{2,3}`.
    fn braces(&mut self, end: &str) -> Result<(), RegexError> {
        let rest: String = self.left.clone().collect();
        let (text, _) = rest.split_once(end).ok_or(RegexError::Braces)?;
        if !is_count(text) {
            return Err(RegexError::Braces);
        }
        self.left.by_ref().take(text.chars().count() + end.len()).for_each(drop);
        let text = text.strip_prefix(',').map_or_else(|| text.to_owned(), |most| format!("0,{most}"));
        if self.out.ends_with(['*', '+', '?', '}']) && !self.is_escaped_end() {
            let start = self.last_atom();
            self.out.insert_str(start, "(?:");
            self.out.push(')');
        }
        self.out.push('{');
        self.out.push_str(&text);
        self.out.push('}');
        Ok(())
    }

    /// A set, in which a backslash is a character.
    fn bracket(&mut self) -> Result<(), RegexError> {
        self.out.push('[');
        if self.left.next_if_eq(&'^').is_some() {
            self.out.push_str("^\\n");
        }
        let mut is_first = true;
        loop {
            match self.left.next().ok_or(RegexError::Bracket)? {
                ']' if !is_first => break,
                '[' if matches!(self.left.peek(), Some(':' | '=' | '.')) => self.class()?,
                '-' if self.left.peek() == Some(&']') || is_first => self.out.push_str("\\-"),
                '-' => self.out.push('-'),
                c => self.set_literal(c),
            }
            is_first = false;
        }
        self.out.push(']');
        Ok(())
    }

    fn set_literal(&mut self, c: char) {
        if c.is_ascii_punctuation() {
            self.out.push('\\');
        }
        self.out.push(c);
    }

    /// `[:alpha:]`, `[=a=]`, `[.a.]`, behind the first `[`.
    fn class(&mut self) -> Result<(), RegexError> {
        let kind = self.left.next().ok_or(RegexError::Bracket)?;
        let rest: String = self.left.clone().collect();
        let (name, _) = rest.split_once(&format!("{kind}]")).ok_or(RegexError::Bracket)?;
        self.left.by_ref().take(name.chars().count() + 2).for_each(drop);
        if kind != ':' {
            let mut characters = name.chars();
            let (Some(one), None) = (characters.next(), characters.next()) else { return Err(RegexError::Class) };
            self.set_literal(one);
            return Ok(());
        }
        self.out.push_str(match name {
            "alpha" => "\\p{Alphabetic}",
            "alnum" => "\\p{Alphabetic}\\p{Nd}",
            "upper" => "\\p{Uppercase}",
            "lower" => "\\p{Lowercase}",
            "digit" => "0-9",
            "xdigit" => "0-9A-Fa-f",
            "space" => "\\s",
            "blank" => " \\t",
            "punct" => "[:punct:]",
            "cntrl" => "\\p{Cc}",
            "graph" => "\\p{L}\\p{M}\\p{N}\\p{P}\\p{S}",
            "print" => "\\p{L}\\p{M}\\p{N}\\p{P}\\p{S}\\p{Zs}",
            _ => return Err(RegexError::Class),
        });
        Ok(())
    }
}

/// The numbers of a repetition.
fn is_count(text: &str) -> bool {
    let is_number = |text: &str| text.len() <= 5 && text.bytes().all(|byte| byte.is_ascii_digit());
    match text.split_once(',') {
        None => !text.is_empty() && is_number(text),
        Some((least, most)) => is_number(least) && is_number(most),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(pattern: &str, dialect: Dialect, text: &str) -> Option<String> {
        let regex = compile(&translate(pattern, dialect).expect("an expression"), false).expect("an expression");
        regex.find(text.as_bytes()).map(|found| String::from_utf8_lossy(found.as_bytes()).into_owned())
    }

    #[test]
    fn each_dialect_has_its_own_letters() {
        use Dialect::{Basic, Emacs, Extended};
        let cases = [
            ("a\\(b\\|c\\)*", Basic, "xabcbx", Some("abcb")),
            ("a(b|c)*", Basic, "a(b|c)*", Some("a(b|c)")),
            ("a(b|c)*", Extended, "xabcbx", Some("abcb")),
            ("*a", Basic, "b*a", Some("*a")),
            ("\\(*a\\)", Basic, "b*a", Some("*a")),
            ("a+", Basic, "aa+", Some("a+")),
            ("a\\+", Basic, "aa+", Some("aa")),
            ("a+", Extended, "aa+", Some("aa")),
            ("a+", Emacs, "aa+", Some("aa")),
            ("a\\(b\\|c\\)+", Emacs, "abcd", Some("abc")),
            ("x^a$b", Basic, "x^a$b", Some("x^a$b")),
            ("^a$", Basic, "a", Some("a")),
            ("a{2}", Extended, "aaa", Some("aa")),
            ("a\\{2,\\}", Basic, "aaa", Some("aaa")),
            ("a{,1}b", Extended, "aab", Some("ab")),
            ("a{x", Extended, "a{x", Some("a{x")),
            ("[]a]*", Basic, "]a]", Some("]a]")),
            ("[^]a]", Basic, "]ab", Some("b")),
            ("[a\\d]*", Basic, "\\da", Some("\\da")),
            ("[[:digit:]-]*", Basic, "1-2", Some("1-2")),
            ("[a&&b~~c-]*", Basic, "&~-", Some("&~-")),
            ("a**", Basic, "aab", Some("aa")),
            ("(ab)+?", Extended, "abab", Some("abab")),
            ("\\<b", Basic, "ab b", Some("b")),
            ("a\\.b", Basic, "axb a.b", Some("a.b")),
            (".", Basic, "\n", None),
            ("[^a]", Basic, "\n", None),
            ("#", Extended, "#", Some("#")),
        ];
        for (pattern, dialect, text, expected) in cases {
            assert_eq!(found(pattern, dialect, text).as_deref(), expected, "{pattern} {dialect:?}");
        }
    }

    #[test]
    fn what_cannot_be_is_told() {
        use RegexError::{Backslash, Braces, Bracket, Class, Reference};
        let cases = [
            ("a\\", Backslash),
            ("[a", Bracket),
            ("[[:nosuch:]]", Class),
            ("\\(a\\)\\1", Reference('1')),
            ("a\\{x\\}", Braces),
        ];
        for (pattern, expected) in cases {
            assert_eq!(translate(pattern, Dialect::Basic), Err(expected), "{pattern}");
        }
        assert!(compile(&translate("(a", Dialect::Extended).expect("it reads"), false).is_err());
        assert!(compile(&"(?:".repeat(5000), false).is_err());
    }
}
