//! Pipelines, their commands and operands.

use super::funcs;
use super::lex::{LexToken, TokenKind};
use super::literal;
use super::node::{Expr, Pipe, TemplateCommand, Term};
use super::parse::{Parse, Parser};

impl Parser {
    /// A pipeline up to and including `end`.
    pub(super) fn pipeline(&mut self, context: &str, end: TokenKind) -> Parse<Pipe> {
        self.tokens.skip_spaces();
        let mut pipe = Pipe { pos: self.tokens.peek().pos, ..Pipe::default() };
        while self.declaration(&mut pipe, context)? {}
        loop {
            self.tokens.skip_spaces();
            match self.tokens.kind() {
                kind if kind == end => {
                    self.tokens.take();
                    return checked(pipe, context);
                }
                kind if starts_operand(kind) => pipe.commands.push(self.command()?),
                _ => return Err(self.unexpected(context)),
            }
        }
    }

    /// `$x :=` or `$x =`, or in a range `$x,`, which another declaration must follow: then the result is true.
    fn declaration(&mut self, pipe: &mut Pipe, context: &str) -> Parse<bool> {
        self.tokens.skip_spaces();
        let begin = self.tokens.mark();
        if self.tokens.kind() != TokenKind::Variable {
            return Ok(false);
        }
        let name = self.tokens.take().text;
        let sign = self.tokens.take_word();
        let is_comma = sign.kind == TokenKind::Char && sign.text == ",";
        if !is_comma && !matches!(sign.kind, TokenKind::Assign | TokenKind::Declare) {
            self.tokens.back_to(begin);
            return Ok(false);
        }
        pipe.variables.push(name.clone());
        self.variables.push(name);
        if !is_comma {
            pipe.assigns = sign.kind == TokenKind::Assign;
            return Ok(false);
        }
        if context != "range" || pipe.variables.len() > 1 {
            return Err(format!("too many declarations in {context}"));
        }
        self.tokens.skip_spaces();
        match self.tokens.kind() {
            TokenKind::Variable | TokenKind::Close | TokenKind::RightParen => Ok(true),
            _ => Err("range can only initialize variables".to_owned()),
        }
    }

    fn command(&mut self) -> Parse<TemplateCommand> {
        self.tokens.skip_spaces();
        let pos = self.tokens.peek().pos;
        let mut words = Vec::new();
        loop {
            self.tokens.skip_spaces();
            words.extend(self.operand()?);
            match self.tokens.kind() {
                TokenKind::Space => {}
                TokenKind::Close | TokenKind::RightParen => break,
                TokenKind::Pipe => {
                    self.tokens.take();
                    break;
                }
                _ => return Err(self.unexpected("operand")),
            }
        }
        if words.is_empty() { Err("empty command".to_owned()) } else { Ok(TemplateCommand { pos, words }) }
    }

    /// A term and the fields that follow it.
    fn operand(&mut self) -> Parse<Option<Expr>> {
        let Some(start) = self.term()? else { return Ok(None) };
        if self.tokens.kind() != TokenKind::Field {
            return Ok(Some(start));
        }
        let pos = self.tokens.peek().pos;
        let mut more = Vec::new();
        while self.tokens.kind() == TokenKind::Field {
            more.push(self.tokens.take().text[1..].to_owned());
        }
        let term = match start.term {
            Term::Field(mut fields) => {
                fields.append(&mut more);
                Term::Field(fields)
            }
            Term::Variable(name, _) => Term::Variable(name, more),
            Term::Bool(_) | Term::Text(..) | Term::Number(..) | Term::Nil | Term::Dot => {
                return Err(format!("unexpected . after term {}", crate::go::fmt::quote(&start.term.to_string())));
            }
            _ => Term::Chain(Box::new(start), more),
        };
        Ok(Some(Expr { pos, term }))
    }

    fn term(&mut self) -> Parse<Option<Expr>> {
        if !starts_operand(self.tokens.kind()) {
            return Ok(None);
        }
        let LexToken { kind, text, pos, .. } = self.tokens.take();
        let term = match kind {
            TokenKind::Identifier if funcs::find(&text, self.functions).is_none() => {
                return Err(format!("function \"{text}\" not defined"));
            }
            TokenKind::Identifier => Term::Function(text),
            TokenKind::Dot => Term::Dot,
            TokenKind::Nil => Term::Nil,
            TokenKind::Bool => Term::Bool(text == "true"),
            TokenKind::Field => Term::Field(vec![text[1..].to_owned()]),
            TokenKind::Variable if !self.variables.contains(&text) => {
                return Err(format!("undefined variable \"{text}\""));
            }
            TokenKind::Variable => Term::Variable(text, Vec::new()),
            TokenKind::Number => Term::Number(text.clone(), literal::number(&text)?),
            TokenKind::CharConstant => Term::Number(text.clone(), literal::character(&text)?),
            TokenKind::LeftParen => {
                Term::Pipe(self.deeper(|parser| parser.pipeline("parenthesized pipeline", TokenKind::RightParen))?)
            }
            _ => Term::Text(text.clone(), literal::unquote(&text)?.into()),
        };
        Ok(Some(Expr { pos, term }))
    }
}

fn starts_operand(kind: TokenKind) -> bool {
    matches!(
        kind,
        TokenKind::Bool
            | TokenKind::CharConstant
            | TokenKind::Dot
            | TokenKind::Field
            | TokenKind::Identifier
            | TokenKind::Number
            | TokenKind::Nil
            | TokenKind::Raw
            | TokenKind::Quoted
            | TokenKind::Variable
            | TokenKind::LeftParen
    )
}

fn checked(pipe: Pipe, context: &str) -> Parse<Pipe> {
    if pipe.commands.is_empty() {
        return Err(format!("missing value for {context}"));
    }
    for (i, command) in pipe.commands.iter().enumerate().skip(1) {
        let first = command.words.first().map(|word| &word.term);
        if let Some(Term::Bool(_) | Term::Dot | Term::Nil | Term::Number(..) | Term::Text(..)) = first {
            return Err(format!("non executable command in pipeline stage {}", i + 1));
        }
    }
    Ok(pipe)
}
