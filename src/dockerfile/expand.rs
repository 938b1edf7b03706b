//! Words as a shell reads them: quotes, escapes, and variables.
//!
//! | form | is |
//! |---|---|
//! | `$a` `${a}` | the value, or nothing |
//! | `${a-w}` `${a+w}` `${a?w}` | another word if it is unset, or is set, or an error |
//! | `${a:-w}` `${a:+w}` `${a:?w}` | the same, where empty is as good as unset |
//! | `${a#p}` `${a##p}` `${a%p}` `${a%%p}` | without the shortest or longest match at its start or end |
//! | `${a/p/w}` `${a//p/w}` | with the first match or all matches replaced |

use std::collections::BTreeSet;
use std::iter::Peekable;
use std::str::Chars;

use super::pattern::Pattern;

/// How deep `${…}` may be nested; every level takes some of the stack.
const MAX_DEPTH: usize = 64;
/// The longest that a word may become, in bytes: a program is given less. Without a limit `ENV a=$a$a` a few times over
/// takes all memory.
const MAX_WORD: usize = 1 << 20;
/// The longest that a file in the Dockerfile may become.
const MAX_TEXT: usize = 16 << 20;

/// Why a word cannot be expanded.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ExpandError {
    /// A quote that is not closed.
    #[error("unexpected end of statement while looking for matching {quote}-quote")]
    OpenQuote {
        /// `single` or `double`.
        quote: &'static str,
    },
    /// A `${` that is not closed.
    #[error("syntax error: missing '}}'")]
    OpenBrace,
    /// A pattern without the `/` behind it.
    #[error("syntax error: missing '/' in ${{}}")]
    OpenPattern,
    /// `${}` and the like, or nested too deep.
    #[error("syntax error: bad substitution")]
    BadSubstitution,
    /// An unknown modifier after a variable's name.
    #[error("unsupported modifier ({modifier}) in substitution")]
    Modifier {
        /// What stands there.
        modifier: String,
    },
    /// A variable that must be there and is not, as `${name:?message}` asks.
    #[error("{name}: {message}")]
    Unset {
        /// The variable.
        name: String,
        /// The message given, or what is missing.
        message: String,
    },
    /// It becomes too long.
    #[error("it becomes longer than {limit} bytes")]
    TooLong {
        /// The limit.
        limit: usize,
    },
    /// A pattern with an escape that has no meaning, or one that would take too long.
    #[error("invalid pattern ({pattern}) in substitution")]
    Pattern {
        /// The pattern.
        pattern: String,
    },
}

/// Where the values of variables come from.
pub trait Variables {
    /// The value of a variable; none if it is not set.
    fn get(&self, name: &str) -> Option<&str>;
}

/// An environment, `NAME=value` each; of several settings the last counts.
impl Variables for Vec<String> {
    fn get(&self, name: &str) -> Option<&str> {
        let settings = self.iter().rev().map(|setting| setting.split_once('=').unwrap_or((setting, "")));
        settings.into_iter().find(|(key, _)| *key == name).map(|(_, value)| value)
    }
}

/// An expanded word.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Expanded {
    /// The whole.
    pub text: String,
    /// The same, split at blanks that are neither quoted nor escaped; those of variables count.
    pub words: Vec<String>,
    /// The variables that it names.
    pub used: BTreeSet<String>,
    /// Those of them that have no value, and for which no other word stands.
    pub missing: BTreeSet<String>,
}

/// Expands the variables in a word, and removes quotes and escape characters.
pub fn expand(word: &str, variables: &dyn Variables, escape: char) -> Result<Expanded, ExpandError> {
    Lexer::new(word, variables, escape, Kind::Word).all()
}

/// Expands the variables in a text in which quotes mean nothing.
pub(super) fn expand_text(text: &str, variables: &dyn Variables, escape: char) -> Result<Expanded, ExpandError> {
    Lexer::new(text, variables, escape, Kind::Text).all()
}

/// What is expanded.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// Quotes are removed, and keep words together.
    Word,
    /// Quotes are text.
    Text,
}

impl Kind {
    fn limit(self) -> usize {
        match self {
            Self::Word => MAX_WORD,
            Self::Text => MAX_TEXT,
        }
    }
}

struct Lexer<'a> {
    chars: Peekable<Chars<'a>>,
    variables: &'a dyn Variables,
    escape: char,
    kind: Kind,
    depth: usize,
    used: BTreeSet<String>,
    missing: BTreeSet<String>,
}

impl<'a> Lexer<'a> {
    fn new(word: &'a str, variables: &'a dyn Variables, escape: char, kind: Kind) -> Self {
        let (used, missing) = (BTreeSet::new(), BTreeSet::new());
        Self { chars: word.chars().peekable(), variables, escape, kind, depth: 0, used, missing }
    }

    fn all(mut self) -> Result<Expanded, ExpandError> {
        let expanded = self.until(None, false)?;
        Ok(Expanded { used: self.used, missing: self.missing, ..expanded })
    }

    /// Reads to the end, or to `stop`, which is consumed. With `raw`, escape characters are kept.
    fn until(&mut self, stop: Option<char>, raw: bool) -> Result<Expanded, ExpandError> {
        let mut out = Writer::default();
        while let Some(next) = self.chars.next() {
            match next {
                _ if Some(next) == stop => return Ok(out.finish()),
                '\'' if self.kind == Kind::Word => out.quoted(&self.single_quoted()?),
                '"' if self.kind == Kind::Word => out.quoted(&self.double_quoted(raw)?),
                '$' => out.plain(&self.variable()?),
                _ if next == self.escape => {
                    if raw {
                        out.quoted(next.encode_utf8(&mut [0; 4]));
                    }
                    if let Some(escaped) = self.chars.next() {
                        out.quoted(escaped.encode_utf8(&mut [0; 4]));
                    }
                }
                _ => out.plain(next.encode_utf8(&mut [0; 4])),
            }
            self.check(&out.text)?;
        }
        match stop {
            None => Ok(out.finish()),
            Some('/') => Err(ExpandError::OpenPattern),
            Some(_) => Err(ExpandError::OpenBrace),
        }
    }

    fn single_quoted(&mut self) -> Result<String, ExpandError> {
        let mut text = String::new();
        loop {
            match self.chars.next() {
                None => return Err(ExpandError::OpenQuote { quote: "single" }),
                Some('\'') => return Ok(text),
                Some(next) => text.push(next),
            }
        }
    }

    /// Within double quotes only quotes, dollars and the escape character itself are escaped.
    fn double_quoted(&mut self, raw: bool) -> Result<String, ExpandError> {
        let mut text = String::new();
        while let Some(next) = self.chars.next() {
            match next {
                '"' => return Ok(text),
                '$' => text.push_str(&self.variable()?),
                _ if next == self.escape => {
                    let special = self.chars.next_if(|&next| next == '"' || next == '$' || next == self.escape);
                    match special {
                        Some(special) if raw => text.extend([next, special]),
                        Some(special) => text.push(special),
                        None => text.push(next),
                    }
                }
                _ => text.push(next),
            }
            self.check(&text)?;
        }
        Err(ExpandError::OpenQuote { quote: "double" })
    }

    fn check(&self, text: &str) -> Result<(), ExpandError> {
        let limit = self.kind.limit();
        if text.len() > limit { Err(ExpandError::TooLong { limit }) } else { Ok(()) }
    }

    /// Reads what follows a dollar.
    fn variable(&mut self) -> Result<String, ExpandError> {
        if self.chars.next_if_eq(&'{').is_none() {
            let name = self.name();
            return Ok(if name.is_empty() { "$".to_owned() } else { self.needed(&name) });
        }
        self.depth += 1;
        let substituted = if self.depth > MAX_DEPTH { Err(ExpandError::BadSubstitution) } else { self.braced() };
        self.depth -= 1;
        substituted
    }

    /// Reads what follows `${`, including the closing brace.
    fn braced(&mut self) -> Result<String, ExpandError> {
        match self.chars.peek() {
            None => return Err(ExpandError::OpenBrace),
            Some('{' | '}' | ':') => return Err(ExpandError::BadSubstitution),
            Some(_) => {}
        }
        let name = self.name();
        let mut modifier = String::new();
        let first = self.chars.next().ok_or(ExpandError::OpenBrace)?;
        modifier.push(first);
        let empty_is_unset = first == ':';
        let kind = if empty_is_unset { self.chars.next().ok_or(ExpandError::OpenBrace)? } else { first };
        if empty_is_unset {
            modifier.push(kind);
        }
        match kind {
            '}' if !empty_is_unset => Ok(self.needed(&name)),
            '-' | '+' | '?' => {
                let word = self.until(Some('}'), false)?.text;
                self.choose(&name, kind, word, empty_is_unset)
            }
            '#' | '%' if !empty_is_unset => self.trimmed(&name, kind),
            '/' if !empty_is_unset => self.replaced(&name),
            _ => Err(ExpandError::Modifier { modifier }),
        }
    }

    /// The value or the word, as `kind` says.
    fn choose(&mut self, name: &str, kind: char, word: String, empty_is_unset: bool) -> Result<String, ExpandError> {
        self.used.insert(name.to_owned());
        let value = self.variables.get(name).filter(|value| !(empty_is_unset && value.is_empty()));
        match (kind, value) {
            ('+', Some(_)) | ('-', None) => Ok(word),
            ('+', None) => Ok(String::new()),
            (_, Some(value)) => Ok(value.to_owned()),
            (_, None) => {
                let missing = if self.variables.get(name).is_some() { "empty" } else { "unset" };
                let message = if word.is_empty() { format!("is not allowed to be {missing}") } else { word };
                Err(ExpandError::Unset { name: name.to_owned(), message })
            }
        }
    }

    fn trimmed(&mut self, name: &str, kind: char) -> Result<String, ExpandError> {
        let word = self.until(Some('}'), true)?.text;
        let (pattern, longest) = word.strip_prefix(kind).map_or((word.as_str(), false), |pattern| (pattern, true));
        let value = self.needed(name);
        let compiled = compile(pattern, &value)?;
        Ok(if kind == '#' { compiled.without_start(&value, longest) } else { compiled.without_end(&value, longest) })
    }

    fn replaced(&mut self, name: &str) -> Result<String, ExpandError> {
        let all = self.chars.next_if_eq(&'/').is_some();
        let pattern = self.until(Some('/'), true)?.text;
        let replacement = self.until(Some('}'), true)?.text;
        let value = self.needed(name);
        let limit = self.kind.limit();
        compile(&pattern, &value)?.replace(&value, &replacement, all, limit).ok_or(ExpandError::TooLong { limit })
    }

    /// A name: letters, digits and underscores; or digits alone; or one of a shell's special parameters.
    fn name(&mut self) -> String {
        let special = |next: &char| matches!(next, '@' | '*' | '#' | '?' | '-' | '$' | '!');
        let mut name = String::new();
        match self.chars.next_if(|next| special(next) || next.is_numeric()) {
            Some(next) if special(&next) => name.push(next),
            Some(digit) => {
                name.push(digit);
                name.extend(std::iter::from_fn(|| self.chars.next_if(|next| next.is_numeric())));
            }
            None => {
                let part = |next: &char| next.is_alphanumeric() || *next == '_';
                name.extend(std::iter::from_fn(|| self.chars.next_if(part)));
            }
        }
        name
    }

    /// The value of a variable that has to be there; empty if it is not.
    fn needed(&mut self, name: &str) -> String {
        self.used.insert(name.to_owned());
        let value = self.variables.get(name);
        if value.is_none() {
            self.missing.insert(name.to_owned());
        }
        value.unwrap_or_default().to_owned()
    }
}

fn compile(pattern: &str, value: &str) -> Result<Pattern, ExpandError> {
    Pattern::compile(pattern, value).ok_or_else(|| ExpandError::Pattern { pattern: pattern.to_owned() })
}

/// Collects the text and its words.
#[derive(Default)]
struct Writer {
    text: String,
    word: String,
    words: Vec<String>,
}

impl Writer {
    /// Text whose blanks end words.
    fn plain(&mut self, text: &str) {
        self.text.push_str(text);
        for next in text.chars() {
            if !next.is_whitespace() {
                self.word.push(next);
            } else if !self.word.is_empty() {
                self.words.push(std::mem::take(&mut self.word));
            }
        }
    }

    /// Text that belongs to one word.
    fn quoted(&mut self, text: &str) {
        self.text.push_str(text);
        self.word.push_str(text);
    }

    fn finish(mut self) -> Expanded {
        self.words.extend((!self.word.is_empty()).then_some(self.word));
        Expanded { text: self.text, words: self.words, ..Expanded::default() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn environment() -> Vec<String> {
        let settings = ["a=A", "path=/x/y.tar.gz", "empty=", "two=1 2", "a=last", "bare"];
        settings.iter().map(|setting| (*setting).to_owned()).collect()
    }

    fn text(word: &str) -> Result<String, String> {
        expand(word, &environment(), '\\').map(|expanded| expanded.text).map_err(|error| error.to_string())
    }

    #[test]
    fn words_that_make_sense() {
        let cases = [
            ("", ""),
            ("x  y", "x  y"),
            ("${a}b$a/c", "lastblast/c"),
            ("$bare|$none|$empty", "||"),
            ("$ $", "$ $"),
            ("$$x $1a $@", "x a "),
            ("'$a'\"$a\"\\$a", "$alast$a"),
            (r#""\"\\\n""#, r#""\\n"#),
            (r"\a\'\", "a'"),
            ("${none-w}${a-w}${empty-w}${empty:-w}", "wlastw"),
            ("${none+w}${a+w}${empty+w}${empty:+w}", "ww"),
            ("${a?w}${empty?w}", "last"),
            ("${none:-${a}$two}", "last1 2"),
            ("${none:-'}'\"}\"\\}}", "}}}"),
            ("${path#*.}|${path##*.}|${path%.*}|${path%%.*}", "tar.gz|gz|/x/y.tar|/x/y"),
            ("${path#y}|${path%/}|${path#$none}", "/x/y.tar.gz|/x/y.tar.gz|/x/y.tar.gz"),
            ("${path/./_}|${path//./_}|${path//\\//}", "/x/y_tar.gz|/x/y_tar_gz|xy.tar.gz"),
            ("${path/?.*./}|${none/x/y}", "/x/gz|"),
        ];
        for (word, expected) in cases {
            assert_eq!(text(word).as_deref(), Ok(expected), "{word}");
        }
    }

    #[test]
    fn words_that_make_none() {
        let cases = [
            ("'a", "unexpected end of statement while looking for matching single-quote"),
            ("\"a", "unexpected end of statement while looking for matching double-quote"),
            ("${", "syntax error: missing '}'"),
            ("${a", "syntax error: missing '}'"),
            ("${a:", "syntax error: missing '}'"),
            ("${a:-b", "syntax error: missing '}'"),
            ("${a/b", "syntax error: missing '/' in ${}"),
            ("${a/b/c", "syntax error: missing '}'"),
            ("${}", "syntax error: bad substitution"),
            ("${{a}}", "syntax error: bad substitution"),
            ("${:-b}", "syntax error: bad substitution"),
            ("${a^}", "unsupported modifier (^) in substitution"),
            ("${a:}", "unsupported modifier (:}) in substitution"),
            ("${a b}", "unsupported modifier ( ) in substitution"),
            ("${none?}", "none: is not allowed to be unset"),
            ("${empty:?}", "empty: is not allowed to be empty"),
            ("${empty:?say $a}", "empty: say last"),
            ("${a#\\x}", "invalid pattern (\\x) in substitution"),
        ];
        for (word, expected) in cases {
            assert_eq!(text(word), Err(expected.to_owned()), "{word}");
        }
        let deep = |levels: usize| format!("{}x{}", "${none-".repeat(levels), "}".repeat(levels));
        assert_eq!(text(&deep(MAX_DEPTH)).as_deref(), Ok("x"));
        assert_eq!(text(&deep(100_000)), Err("syntax error: bad substitution".to_owned()));
    }

    #[test]
    fn nothing_grows_without_end() {
        let long = |length: usize| vec![format!("long={}", "x".repeat(length)), "some=xxxx".to_owned()];
        let too_long = Err(ExpandError::TooLong { limit: MAX_WORD });
        for word in ["$long$long", "\"$long$long\"", "${none:-$long$long}", "${some//x/$long}"] {
            let variables = long(MAX_WORD / 2 + 1);
            assert_eq!(expand(word, &variables, '\\'), too_long, "{word}");
        }
        assert_eq!(expand("$long", &long(MAX_WORD), '\\').map(|expanded| expanded.text.len()), Ok(MAX_WORD));
        let text = expand_text("$long$long", &long(MAX_WORD), '\\');
        assert_eq!(text.map(|expanded| expanded.text.len()), Ok(2 * MAX_WORD));
    }

    #[test]
    fn words_are_split_where_blanks_are_plain() {
        let cases: [(&str, &[&str]); 5] = [
            ("", &[]),
            (" a  b ", &["a", "b"]),
            ("$two$two", &["1", "21", "2"]),
            ("\"$two\" 'x y' z\\ z", &["1 2", "x y", "z z"]),
            ("$none ''", &[]),
        ];
        for (word, words) in cases {
            assert_eq!(expand(word, &environment(), '\\').expect(word).words, words, "{word}");
        }
    }

    #[test]
    fn the_escape_character_may_be_another() {
        assert_eq!(expand("`$a\\ \"`\"\"", &environment(), '`').expect("a word").text, "$a\\ \"");
    }
}
