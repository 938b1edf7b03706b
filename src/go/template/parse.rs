//! The parser: turns tokens into nodes, with Go's error messages.

use std::collections::HashMap;

use super::funcs::Function;
use super::lex::TokenKind;
use super::literal;
use super::node::{Branch, Call, TemplateNode};
use super::tokens::Tokens;

/// The deepest nesting of blocks and parentheses: far beyond what anybody writes, and within every thread's stack.
const MAX_DEPTH: usize = 100;

/// The nodes of a template and of those that it defines.
#[derive(Debug, Clone, Default)]
pub(super) struct Parsed {
    /// The functions that it may call besides Go's own.
    pub(super) functions: &'static [Function],
    pub(super) main: Vec<TemplateNode>,
    pub(super) defined: HashMap<String, Vec<TemplateNode>>,
}

/// Parses `source`, which may call `functions`; the error is a message with the line, without `template: `.
pub(super) fn parse(source: &str, functions: &'static [Function]) -> Result<Parsed, String> {
    let mut parser = Parser {
        functions,
        tokens: Tokens::of(source),
        variables: vec!["$".to_owned()],
        loops: 0,
        depth: 0,
        defined: HashMap::new(),
    };
    let main = parser.template().map_err(|message| format!("{}: {message}", parser.tokens.last_line()))?;
    Ok(Parsed { functions, main, defined: parser.defined })
}

pub(super) struct Parser {
    pub(super) functions: &'static [Function],
    pub(super) tokens: Tokens,
    pub(super) variables: Vec<String>,
    /// How many `{{range}}`s are open.
    loops: usize,
    depth: usize,
    defined: HashMap<String, Vec<TemplateNode>>,
}

pub(super) type Parse<T> = Result<T, String>;

/// What ended a list of nodes.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Ender {
    End,
    Else,
}

impl Ender {
    fn unexpected(self) -> &'static str {
        match self {
            Self::End => "unexpected {{end}}",
            Self::Else => "unexpected {{else}}",
        }
    }
}

enum Item {
    Node(TemplateNode),
    Ender(Ender),
}

impl Parser {
    /// The error for an unexpected next token in `context`.
    pub(super) fn unexpected(&mut self, context: &str) -> String {
        let token = self.tokens.take();
        self.tokens.unexpected(&token, context)
    }

    fn expect_close(&mut self, context: &str) -> Parse<()> {
        let token = self.tokens.take_word();
        if token.kind == TokenKind::Close { Ok(()) } else { Err(self.tokens.unexpected(&token, context)) }
    }

    /// Runs `parse` one level deeper.
    pub(super) fn deeper<T>(&mut self, parse: impl FnOnce(&mut Self) -> Parse<T>) -> Parse<T> {
        if self.depth == MAX_DEPTH {
            return Err("exceeded maximum nesting depth".to_owned());
        }
        self.depth += 1;
        let parsed = parse(self);
        self.depth -= 1;
        parsed
    }

    fn template(&mut self) -> Parse<Vec<TemplateNode>> {
        let mut nodes = Vec::new();
        while self.tokens.kind() != TokenKind::Eof {
            if self.tokens.kind() == TokenKind::Open {
                let open = self.tokens.mark();
                self.tokens.take();
                if self.tokens.take_keyword("define") {
                    self.definition()?;
                    continue;
                }
                self.tokens.back_to(open);
            }
            match self.item()? {
                Item::Node(node) => nodes.push(node),
                Item::Ender(ender) => return Err(ender.unexpected().to_owned()),
            }
        }
        Ok(nodes)
    }

    /// Nodes up to `{{end}}` or `{{else}}`.
    fn list(&mut self) -> Parse<(Vec<TemplateNode>, Ender)> {
        let mut nodes = Vec::new();
        while self.tokens.kind() != TokenKind::Eof {
            match self.item()? {
                Item::Node(node) => nodes.push(node),
                Item::Ender(ender) => return Ok((nodes, ender)),
            }
        }
        self.tokens.take();
        Err("unexpected EOF".to_owned())
    }

    fn item(&mut self) -> Parse<Item> {
        let token = self.tokens.take_word();
        match token.kind {
            TokenKind::Text => Ok(Item::Node(TemplateNode::Text(token.text))),
            TokenKind::Open => self.action(),
            _ => Err(self.tokens.unexpected(&token, "input")),
        }
    }

    fn action(&mut self) -> Parse<Item> {
        self.tokens.skip_spaces();
        let word = self.tokens.peek().clone();
        if word.kind != TokenKind::Keyword || word.text == "define" {
            return Ok(Item::Node(TemplateNode::Action(self.pipeline("command", TokenKind::Close)?)));
        }
        self.tokens.take();
        let node = match word.text.as_str() {
            "end" => return self.expect_close("end").map(|()| Item::Ender(Ender::End)),
            "else" => return self.otherwise(),
            "if" => TemplateNode::If(self.branch("if")?),
            "with" => TemplateNode::With(self.branch("with")?),
            "range" => TemplateNode::Range(self.branch("range")?),
            "template" => TemplateNode::Call(self.call("template clause", false)?),
            "block" => TemplateNode::Call(self.call("block clause", true)?),
            "break" => self.jump("{{break}}", TemplateNode::Break)?,
            _ => self.jump("{{continue}}", TemplateNode::Continue)?,
        };
        Ok(Item::Node(node))
    }

    fn otherwise(&mut self) -> Parse<Item> {
        if !self.tokens.at_keyword("if") && !self.tokens.at_keyword("with") {
            self.expect_close("else")?;
        }
        Ok(Item::Ender(Ender::Else))
    }

    fn jump(&mut self, shown: &str, node: TemplateNode) -> Parse<TemplateNode> {
        self.expect_close(shown)?;
        if self.loops == 0 { Err(format!("{shown} outside {{{{range}}}}")) } else { Ok(node) }
    }

    fn branch(&mut self, keyword: &str) -> Parse<Branch> {
        let known = self.variables.len();
        let branch = self.deeper(|parser| parser.branch_inside(keyword));
        self.variables.truncate(known);
        branch
    }

    fn branch_inside(&mut self, keyword: &str) -> Parse<Branch> {
        let pipe = self.pipeline(keyword, TokenKind::Close)?;
        let in_loop = usize::from(keyword == "range");
        self.loops += in_loop;
        let (body, ender) = self.list()?;
        self.loops -= in_loop;
        if ender == Ender::End {
            return Ok(Branch { pipe, body, otherwise: Vec::new() });
        }
        // `{{else if}}` and `{{else with}}` nest without an `{{end}}` of their own.
        let otherwise = if matches!(keyword, "if" | "with") && self.tokens.take_keyword(keyword) {
            let nested = self.branch(keyword)?;
            vec![if keyword == "if" { TemplateNode::If(nested) } else { TemplateNode::With(nested) }]
        } else {
            let (nodes, ender) = self.list()?;
            if ender != Ender::End {
                return Err("expected end; found {{else}}".to_owned());
            }
            nodes
        };
        Ok(Branch { pipe, body, otherwise })
    }

    fn name(&mut self, context: &str) -> Parse<(usize, String)> {
        let token = self.tokens.take_word();
        match token.kind {
            TokenKind::Quoted | TokenKind::Raw => Ok((token.pos, literal::unquote(&token.text)?)),
            _ => Err(self.tokens.unexpected(&token, context)),
        }
    }

    /// `{{template "name"}}`, or `{{block "name" pipe}}`, which defines it too.
    fn call(&mut self, context: &str, defines: bool) -> Parse<Call> {
        let (pos, name) = self.name(context)?;
        self.tokens.skip_spaces();
        let pipe = if !defines && self.tokens.kind() == TokenKind::Close {
            self.tokens.take();
            None
        } else {
            Some(self.pipeline(context, TokenKind::Close)?)
        };
        if defines {
            self.define(name.clone(), context)?;
        }
        Ok(Call { pos, name, pipe })
    }

    fn definition(&mut self) -> Parse<()> {
        let (_, name) = self.name("define clause")?;
        self.expect_close("define clause")?;
        self.define(name, "define clause")
    }

    /// The body of a definition, which sees no variables from outside.
    fn define(&mut self, name: String, context: &str) -> Parse<()> {
        let variables = std::mem::replace(&mut self.variables, vec!["$".to_owned()]);
        let loops = std::mem::take(&mut self.loops);
        let (body, ender) = self.deeper(Self::list)?;
        if ender != Ender::End {
            return Err(format!("unexpected {{{{else}}}} in {context}"));
        }
        (self.variables, self.loops) = (variables, loops);
        // An empty definition does not replace another one.
        let is_space = |node: &TemplateNode| matches!(node, TemplateNode::Text(text) if text.trim().is_empty());
        let is_blank = body.iter().all(is_space);
        match self.defined.get(&name) {
            Some(known) if !is_blank && !known.iter().all(is_space) => {
                return Err(format!("template: multiple definition of template {}", crate::go::fmt::quote(&name)));
            }
            Some(_) if is_blank => {}
            _ => {
                self.defined.insert(name, body);
            }
        }
        Ok(())
    }
}
