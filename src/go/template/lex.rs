//! The lexer: splits a template into tokens.
//!
//! Everything outside `{{` and `}}` is text; comments and the spaces that `{{- ` and ` -}}` trim are dropped. An error
//! becomes the last token, [`TokenKind::Error`], since the parser may find an earlier one.

/// What a token is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum TokenKind {
    Text,
    Open,
    Close,
    Space,
    Field,
    Variable,
    Identifier,
    Keyword,
    Dot,
    Nil,
    Bool,
    Number,
    CharConstant,
    Quoted,
    Raw,
    Declare,
    Assign,
    Pipe,
    LeftParen,
    RightParen,
    Char,
    Error,
    Eof,
}

/// A piece of a template: what it is, its text, and where it begins.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct LexToken {
    pub(super) kind: TokenKind,
    /// Its source text; for an error, the message.
    pub(super) text: String,
    /// Bytes from the beginning of the template.
    pub(super) pos: usize,
    /// The first line is 1.
    pub(super) line: usize,
}

const KEYWORDS: [&str; 10] = ["block", "break", "continue", "define", "else", "end", "if", "range", "template", "with"];

/// Splits `source` into tokens, the last of which is [`TokenKind::Eof`] or [`TokenKind::Error`].
pub(super) fn tokens(source: &str) -> Vec<LexToken> {
    let mut lexer = Lexer { source, start: 0, pos: 0, parens: 0, tokens: Vec::new() };
    let (kind, text) = match lexer.template() {
        Ok(()) => (TokenKind::Eof, String::new()),
        Err(message) => (TokenKind::Error, message),
    };
    lexer.push(kind, text, lexer.start);
    lexer.tokens
}

struct Lexer<'s> {
    source: &'s str,
    start: usize,
    pos: usize,
    parens: usize,
    tokens: Vec<LexToken>,
}

type Lexed = Result<(), String>;

fn is_space(c: char) -> bool {
    matches!(c, ' ' | '\t' | '\r' | '\n')
}

fn is_word(c: char) -> bool {
    c == '_' || c.is_alphanumeric()
}

/// Whether `rest` is ` -}}` without its brackets: a space and a minus.
fn trims_right(rest: &str) -> bool {
    rest.starts_with(is_space) && rest[1..].starts_with('-')
}

impl<'s> Lexer<'s> {
    fn rest(&self) -> &'s str {
        &self.source[self.pos..]
    }

    fn peek(&self) -> Option<char> {
        self.rest().chars().next()
    }

    fn next(&mut self) -> Option<char> {
        let c = self.peek()?;
        self.pos += c.len_utf8();
        Some(c)
    }

    fn skip_while(&mut self, wanted: impl Fn(char) -> bool) {
        let rest = self.rest();
        self.pos += rest.len() - rest.trim_start_matches(wanted).len();
    }

    fn emit(&mut self, kind: TokenKind) {
        self.push(kind, self.source[self.start..self.pos].to_owned(), self.start);
        self.start = self.pos;
    }

    fn push(&mut self, kind: TokenKind, text: String, pos: usize) {
        let (line, from) = self.tokens.last().map_or((1, 0), |last| (last.line, last.pos));
        let line = line + self.source[from..pos].matches('\n').count();
        self.tokens.push(LexToken { kind, text, pos, line });
    }

    /// The whole template: text and actions in turn.
    fn template(&mut self) -> Lexed {
        while let Some(length) = self.rest().find("{{") {
            let (text, after) = (&self.rest()[..length], &self.rest()[length + 2..]);
            let trims = after.starts_with('-') && after[1..].starts_with(is_space);
            let kept = if trims { text.trim_end_matches(is_space) } else { text };
            self.text(kept.len());
            self.start += length - kept.len();
            self.pos = self.start + 2;
            let comment = if trims { &after[2..] } else { after };
            if comment.starts_with("/*") {
                self.comment(self.source.len() - comment.len())?;
            } else {
                self.emit(TokenKind::Open);
                if trims {
                    self.pos += 2;
                    self.start = self.pos;
                }
                self.action()?;
            }
        }
        self.text(self.rest().len());
        Ok(())
    }

    fn text(&mut self, length: usize) {
        self.pos += length;
        if length > 0 {
            self.emit(TokenKind::Text);
        }
    }

    fn comment(&mut self, begin: usize) -> Lexed {
        let end = self.source[begin..].find("*/").ok_or("unclosed comment")?;
        self.pos = begin + end + 2;
        if !self.close() {
            return Err("comment ends before closing delimiter".to_owned());
        }
        Ok(())
    }

    /// Skips a closing delimiter, and the space after it if it trims; neither becomes a token.
    fn close(&mut self) -> bool {
        let rest = self.rest();
        let trims = trims_right(rest);
        let Some(after) = (if trims { &rest[2..] } else { rest }).strip_prefix("}}") else { return false };
        self.pos = self.source.len() - after.len();
        if trims {
            self.skip_while(is_space);
        }
        self.start = self.pos;
        true
    }

    /// Everything from after `{{` to behind `}}`.
    fn action(&mut self) -> Lexed {
        self.parens = 0;
        loop {
            let begin = self.pos;
            if self.parens > 0 && self.at_close() {
                return Err("unclosed left paren".to_owned());
            }
            if self.close() {
                self.push(TokenKind::Close, "}}".to_owned(), begin);
                return Ok(());
            }
            self.token()?;
        }
    }

    fn at_close(&self) -> bool {
        let rest = self.rest();
        (if trims_right(rest) { &rest[2..] } else { rest }).starts_with("}}")
    }

    fn token(&mut self) -> Lexed {
        match self.next().ok_or("unclosed action")? {
            c if is_space(c) => {
                // The last space may belong to ` -}}`.
                while self.peek().is_some_and(is_space) && !self.at_close() {
                    self.next();
                }
                self.emit(TokenKind::Space);
            }
            '=' => self.emit(TokenKind::Assign),
            ':' => match self.next() {
                Some('=') => self.emit(TokenKind::Declare),
                _ => return Err("expected :=".to_owned()),
            },
            '|' => self.emit(TokenKind::Pipe),
            '"' => self.quoted('"', TokenKind::Quoted, "unterminated quoted string")?,
            '\'' => self.quoted('\'', TokenKind::CharConstant, "unterminated character constant")?,
            '`' => self.raw()?,
            '$' => self.word(TokenKind::Variable)?,
            '.' if self.peek().is_some_and(|c| !c.is_ascii_digit()) => self.word(TokenKind::Field)?,
            '.' | '+' | '-' | '0'..='9' => self.number()?,
            c if is_word(c) => self.word(TokenKind::Identifier)?,
            '(' => {
                self.parens += 1;
                self.emit(TokenKind::LeftParen);
            }
            ')' => {
                self.parens = self.parens.checked_sub(1).ok_or("unexpected right paren")?;
                self.emit(TokenKind::RightParen);
            }
            c if c.is_ascii_graphic() => self.emit(TokenKind::Char),
            c => return Err(format!("unrecognized character in action: {}", code_point(c))),
        }
        Ok(())
    }

    fn quoted(&mut self, quote: char, kind: TokenKind, unterminated: &str) -> Lexed {
        loop {
            // An escaped character cannot end the literal, but an escaped newline is not allowed either.
            let is_escaped = self.peek() == Some('\\');
            if is_escaped {
                self.next();
            }
            match self.next() {
                None | Some('\n') => return Err(unterminated.to_owned()),
                Some(c) if c == quote && !is_escaped => break,
                Some(_) => {}
            }
        }
        self.emit(kind);
        Ok(())
    }

    fn raw(&mut self) -> Lexed {
        let length = self.rest().find('`').ok_or("unterminated raw quoted string")?;
        self.pos += length + 1;
        self.emit(TokenKind::Raw);
        Ok(())
    }

    /// A field, a variable, or a word, which must be followed by something that can end it.
    fn word(&mut self, kind: TokenKind) -> Lexed {
        self.skip_while(is_word);
        let word = &self.source[self.start..self.pos];
        if let Some(c) = self.peek().filter(|&c| !self.is_end_of_word(c)) {
            return Err(format!("bad character {}", code_point(c)));
        }
        let kind = match word {
            "." => TokenKind::Dot,
            "nil" => TokenKind::Nil,
            "true" | "false" => TokenKind::Bool,
            word if KEYWORDS.contains(&word) => TokenKind::Keyword,
            _ => kind,
        };
        self.emit(kind);
        Ok(())
    }

    fn is_end_of_word(&self, c: char) -> bool {
        is_space(c) || matches!(c, '.' | ',' | '|' | ':' | ')' | '(') || self.rest().starts_with("}}")
    }

    /// Digits in Go's notations; [`super::literal::number`] reads them.
    fn number(&mut self) -> Lexed {
        self.pos = self.start;
        let begin = self.pos;
        self.skip_one(&['+', '-']);
        let mut digits: fn(char) -> bool = |c| c == '_' || c.is_ascii_digit();
        if self.skip_one(&['0']) {
            if self.skip_one(&['x', 'X']) {
                digits = |c| c == '_' || c.is_ascii_hexdigit();
            } else if self.skip_one(&['o', 'O', 'b', 'B']) {
                digits = |c| matches!(c, '_' | '0'..='7');
            }
        }
        self.skip_while(digits);
        if self.skip_one(&['.']) {
            self.skip_while(digits);
        }
        if self.skip_one(&['e', 'E', 'p', 'P']) {
            self.skip_one(&['+', '-']);
            self.skip_while(|c| c == '_' || c.is_ascii_digit());
        }
        if self.peek().is_some_and(is_word) {
            self.next();
            return Err(format!("bad number syntax: {:?}", &self.source[begin..self.pos]));
        }
        self.emit(TokenKind::Number);
        Ok(())
    }

    fn skip_one(&mut self, any_of: &[char]) -> bool {
        let found = self.peek().is_some_and(|c| any_of.contains(&c));
        if found {
            self.next();
        }
        found
    }
}

/// `U+007D '}'`: Go's `%#U`.
fn code_point(c: char) -> String {
    let number = format!("U+{:04X}", u32::from(c));
    if c.is_control() { number } else { format!("{number} '{c}'") }
}
