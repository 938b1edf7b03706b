//! Reads the words of an expression.

use std::iter::Peekable;
use std::slice::Iter;

use super::compare::DAY;
use super::expr::{Action, Expr, Expression, Follow, Test, WalkOptions};
use super::facts::Facts;
use super::primary::{WITH_ARGUMENT, bare, refused, with_argument};
use crate::layer::Mtime;
use crate::layer::path::Escaped;
use crate::ops::files::posix::Dialect;
use crate::ops::files_error::FindError;

/// How deep parentheses may be in each other.
const DEEPEST: usize = 200;

/// Whether an expression asks for names of users or groups, so that these have to be read.
pub fn needs_owners(words: &[Vec<u8>]) -> bool {
    const WORDS: [&[u8]; 6] = [b"-user", b"-group", b"-nouser", b"-nogroup", b"-ls", b"-printf"];
    words.iter().any(|word| WORDS.contains(&word.as_slice()))
}

/// Reads an expression; of one that does nothing, what it is true for is printed.
pub fn parse(words: &[Vec<u8>], facts: &Facts<'_>) -> Result<Expression, FindError> {
    let mut parser = Parser {
        words: words.iter().peekable(),
        facts,
        options: WalkOptions::default(),
        origin: facts.now,
        dialect: Dialect::Emacs,
        acts: false,
    };
    let mut root = if words.is_empty() { Expr::Test(Test::Always(true)) } else { parser.list(0)? };
    if let Some(word) = parser.words.next() {
        return Err(FindError::Leftover { word: Escaped(word).to_string() });
    }
    if !parser.acts {
        root = Expr::All(vec![root, Expr::Action(Action::Print)]);
    }
    Ok(Expression { root, options: parser.options })
}

struct Parser<'w, 'f> {
    words: Peekable<Iter<'w, Vec<u8>>>,
    facts: &'f Facts<'f>,
    options: WalkOptions,
    /// What ages are counted from.
    origin: Mtime,
    dialect: Dialect,
    /// Whether something is done with files.
    acts: bool,
}

impl Parser<'_, '_> {
    fn next_is(&mut self, words: &[&str]) -> bool {
        self.words.next_if(|next| words.iter().any(|word| word.as_bytes() == next.as_slice())).is_some()
    }

    fn ends(&mut self) -> bool {
        const ENDS: [&[u8]; 4] = [b")", b",", b"-o", b"-or"];
        self.words.peek().is_none_or(|next| ENDS.contains(&next.as_slice()))
    }

    fn list(&mut self, depth: usize) -> Result<Expr, FindError> {
        let mut parts = vec![self.any(depth)?];
        while self.next_is(&[","]) {
            parts.push(self.any(depth)?);
        }
        Ok(one_or(parts, Expr::Each))
    }

    fn any(&mut self, depth: usize) -> Result<Expr, FindError> {
        let mut parts = vec![self.all(depth)?];
        while self.next_is(&["-o", "-or"]) {
            parts.push(self.all(depth)?);
        }
        Ok(one_or(parts, Expr::Any))
    }

    fn all(&mut self, depth: usize) -> Result<Expr, FindError> {
        let mut parts = vec![self.not(depth)?];
        loop {
            if self.next_is(&["-a", "-and"]) {
                parts.push(self.not(depth)?);
            } else if self.ends() {
                return Ok(one_or(parts, Expr::All));
            } else {
                parts.push(self.not(depth)?);
            }
        }
    }

    fn not(&mut self, depth: usize) -> Result<Expr, FindError> {
        let (mut is_not, mut last) = (false, None);
        while let Some(word) = self.words.next_if(|next| matches!(next.as_slice(), b"!" | b"-not")) {
            is_not = !is_not;
            last = Some(word);
        }
        if self.ends() {
            let before = last.map_or_else(String::new, |word| Escaped(word).to_string());
            return Err(FindError::Incomplete { before });
        }
        let part = self.primary(depth)?;
        Ok(if is_not { Expr::Not(Box::new(part)) } else { part })
    }

    fn primary(&mut self, depth: usize) -> Result<Expr, FindError> {
        let word = self.words.next().expect("it was looked at");
        if word == b"(" {
            if depth >= DEEPEST {
                return Err(FindError::TooDeep { limit: DEEPEST });
            }
            let inner = self.list(depth + 1)?;
            return if self.next_is(&[")"]) { Ok(inner) } else { Err(FindError::Unclosed) };
        }
        let text = String::from_utf8_lossy(word);
        if !text.starts_with('-') {
            return Err(FindError::Leftover { word: Escaped(word).to_string() });
        }
        if let Some(why) = refused(&text) {
            return Err(FindError::Refused { word: text.into_owned(), why });
        }
        if let Some(part) = bare(&text) {
            self.acts |= matches!(&part, Expr::Action(action) if !matches!(action, Action::Prune | Action::Quit));
            return Ok(part);
        }
        if self.option(&text) {
            return Ok(Expr::Test(Test::Always(true)));
        }
        if !WITH_ARGUMENT.contains(&&*text) {
            return Err(FindError::Unknown { word: Escaped(word).to_string() });
        }
        let argument = self.words.next().ok_or_else(|| FindError::NoArgument { word: text.to_string() })?;
        if self.option_with(&text, argument)? {
            return Ok(Expr::Test(Test::Always(true)));
        }
        let part = with_argument(&text, argument, self.facts, self.origin, self.dialect)?;
        self.acts |= matches!(part, Expr::Action(_));
        Ok(part)
    }

    /// Words that say how files are walked through, and are true.
    fn option(&mut self, word: &str) -> bool {
        match word {
            "-depth" | "-d" => self.options.depth_first = true,
            "-follow" => self.options.follow = Follow::Always,
            "-daystart" => {
                let today = self.facts.now.seconds.div_euclid(DAY);
                self.origin = Mtime { seconds: (today + 1) * DAY, nanos: 0 };
            }
            "-xdev" | "-mount" | "-noleaf" | "-warn" | "-nowarn" | "-ignore_readdir_race" => {}
            _ => return false,
        }
        true
    }

    fn option_with(&mut self, word: &str, argument: &[u8]) -> Result<bool, FindError> {
        let text = std::str::from_utf8(argument).ok();
        let bad = |expected: &'static str| FindError::Argument {
            word: word.to_owned(),
            argument: Escaped(argument).to_string(),
            expected,
        };
        let number = || text.and_then(|text| text.parse().ok()).ok_or_else(|| bad("a number"));
        match word {
            "-maxdepth" => self.options.most = number()?,
            "-mindepth" => self.options.least = number()?,
            "-regextype" => {
                self.dialect = match text {
                    Some("emacs" | "findutils-default") => Dialect::Emacs,
                    Some("posix-basic" | "grep" | "ed" | "sed" | "posix-minimal-basic") => Dialect::Basic,
                    Some("posix-extended" | "egrep" | "posix-egrep" | "awk" | "posix-awk" | "gnu-awk") => {
                        Dialect::Extended
                    }
                    _ => return Err(bad("emacs, posix-basic or posix-extended")),
                }
            }
            _ => return Ok(false),
        }
        Ok(true)
    }
}

fn one_or(mut parts: Vec<Expr>, make: impl FnOnce(Vec<Expr>) -> Expr) -> Expr {
    if parts.len() > 1 {
        return make(parts);
    }
    parts.pop().expect("there is always one part")
}
