//! A cursor over the tokens of a template.

use super::lex::{self, LexToken, TokenKind};
use crate::go::fmt::quote;

/// The tokens of a template and a position. The last one, an end or an error, is never consumed.
#[derive(Debug)]
pub(super) struct Tokens {
    list: Vec<LexToken>,
    next: usize,
    /// The line of the action that is being read.
    action: Option<usize>,
}

impl Tokens {
    /// The tokens of `source`, at the first.
    pub(super) fn of(source: &str) -> Self {
        Self { list: lex::tokens(source), next: 0, action: None }
    }

    pub(super) fn peek(&self) -> &LexToken {
        &self.list[self.mark()]
    }

    /// The kind of the next token.
    pub(super) fn kind(&self) -> TokenKind {
        self.peek().kind
    }

    pub(super) fn take(&mut self) -> LexToken {
        let token = self.peek().clone();
        self.next += 1;
        match token.kind {
            TokenKind::Open => self.action = Some(token.line),
            TokenKind::Close => self.action = None,
            _ => {}
        }
        token
    }

    pub(super) fn skip_spaces(&mut self) {
        while self.kind() == TokenKind::Space {
            self.next += 1;
        }
    }

    /// Skips spaces and takes the next token.
    pub(super) fn take_word(&mut self) -> LexToken {
        self.skip_spaces();
        self.take()
    }

    /// Skips spaces and takes the keyword `word` if it follows; returns whether it did.
    pub(super) fn take_keyword(&mut self, word: &str) -> bool {
        let found = self.at_keyword(word);
        self.next += usize::from(found);
        found
    }

    /// Skips spaces; returns whether the keyword `word` follows.
    pub(super) fn at_keyword(&mut self, word: &str) -> bool {
        self.skip_spaces();
        self.kind() == TokenKind::Keyword && self.peek().text == word
    }

    /// The position, for [`Tokens::back_to`].
    pub(super) fn mark(&self) -> usize {
        self.next.min(self.list.len() - 1)
    }

    /// Returns to an earlier position.
    pub(super) fn back_to(&mut self, mark: usize) {
        self.next = mark;
    }

    /// The line of the token that was taken last.
    pub(super) fn last_line(&self) -> usize {
        self.list[self.next.clamp(1, self.list.len()) - 1].line
    }

    /// The error for an unexpected `token` in `context`; an error of the lexer is passed on.
    pub(super) fn unexpected(&self, token: &LexToken, context: &str) -> String {
        if token.kind != TokenKind::Error {
            return format!("unexpected {} in {context}", shown(token));
        }
        match self.action.filter(|&line| line != token.line) {
            Some(line) if token.text.ends_with(" action") => format!("{} started at :{line}", token.text),
            Some(line) => format!("{} in action started at :{line}", token.text),
            None => token.text.clone(),
        }
    }
}

/// A token as messages show it.
fn shown(token: &LexToken) -> String {
    match token.kind {
        TokenKind::Eof => "EOF".to_owned(),
        TokenKind::Keyword => format!("<{}>", token.text),
        // Go treats the dot as a keyword.
        _ if token.text == "." => "<.>".to_owned(),
        _ if token.text.chars().count() > 10 => {
            let start: String = token.text.chars().take(10).collect();
            format!("{}...", quote(&start))
        }
        _ => quote(&token.text),
    }
}
