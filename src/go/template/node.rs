//! The syntax tree of a template, and how Go prints each part in messages.

use std::fmt;

use serde_json::Value;

/// Text or an action.
#[derive(Debug, Clone)]
pub(super) enum TemplateNode {
    Text(String),
    Action(Pipe),
    If(Branch),
    With(Branch),
    Range(Branch),
    Call(Call),
    Break,
    Continue,
}

/// `{{if}}`, `{{with}}` or `{{range}}` up to its `{{end}}`.
#[derive(Debug, Clone)]
pub(super) struct Branch {
    pub(super) pipe: Pipe,
    pub(super) body: Vec<TemplateNode>,
    pub(super) otherwise: Vec<TemplateNode>,
}

/// `{{template "name" pipe}}`.
#[derive(Debug, Clone)]
pub(super) struct Call {
    /// Where the name begins.
    pub(super) pos: usize,
    pub(super) name: String,
    pub(super) pipe: Option<Pipe>,
}

/// A pipeline: each command gets the result of the previous one as its last argument.
#[derive(Debug, Clone, Default)]
pub(super) struct Pipe {
    pub(super) pos: usize,
    /// Variables that get the result, `$` included.
    pub(super) variables: Vec<String>,
    /// Whether the variables are assigned (`=`) rather than declared (`:=`).
    pub(super) assigns: bool,
    pub(super) commands: Vec<TemplateCommand>,
}

/// A function or a value, and arguments.
#[derive(Debug, Clone)]
pub(super) struct TemplateCommand {
    pub(super) pos: usize,
    /// At least one.
    pub(super) words: Vec<Expr>,
}

/// A word of a command.
#[derive(Debug, Clone)]
pub(super) struct Expr {
    /// Where it begins; for a chain of fields, where the second begins, as Go counts.
    pub(super) pos: usize,
    pub(super) term: Term,
}

/// What a word is.
#[derive(Debug, Clone)]
pub(super) enum Term {
    Dot,
    Nil,
    Bool(bool),
    /// A number: its source text and value.
    Number(String, Value),
    /// A string: its source text and value.
    Text(String, Value),
    Field(Vec<String>),
    Variable(String, Vec<String>),
    Function(String),
    Pipe(Pipe),
    Chain(Box<Expr>, Vec<String>),
}

impl fmt::Display for Term {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (start, fields): (String, &[String]) = match self {
            Self::Dot => (".".to_owned(), &[]),
            Self::Nil => ("nil".to_owned(), &[]),
            Self::Bool(value) => (value.to_string(), &[]),
            Self::Number(written, _) | Self::Text(written, _) => (written.clone(), &[]),
            Self::Field(fields) => (String::new(), fields),
            Self::Variable(name, fields) => (name.clone(), fields),
            Self::Function(name) => (name.clone(), &[]),
            Self::Pipe(pipe) => (format!("({pipe})"), &[]),
            Self::Chain(start, fields) => (start.term.to_string(), fields),
        };
        f.write_str(&start)?;
        fields.iter().try_for_each(|field| write!(f, ".{field}"))
    }
}

impl fmt::Display for TemplateCommand {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let words: Vec<String> = self.words.iter().map(|word| word.term.to_string()).collect();
        f.write_str(&words.join(" "))
    }
}

impl fmt::Display for Pipe {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.variables.is_empty() {
            let sign = if self.assigns { "=" } else { ":=" };
            write!(f, "{} {sign} ", self.variables.join(", "))?;
        }
        let commands: Vec<String> = self.commands.iter().map(ToString::to_string).collect();
        f.write_str(&commands.join(" | "))
    }
}

impl fmt::Display for Call {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{{{{template {}", crate::go::fmt::quote(&self.name))?;
        if let Some(pipe) = &self.pipe {
            write!(f, " {pipe}")?;
        }
        f.write_str("}}")
    }
}
