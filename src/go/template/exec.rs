//! Runs a parsed template over a value.

use serde_json::Value;

use super::access;
use super::funcs::{self, Function, Param};
use super::node::{Branch, Call, Expr, Pipe, TemplateCommand, TemplateNode, Term};
use super::parse::Parsed;
use super::value::{Type, Val};
use crate::go::fmt::{display, quote, type_name};

/// The deepest nesting of bodies: endless recursion is an error rather than a stack overflow.
const MAX_DEPTH: usize = 200;

/// How a body ended.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Flow {
    Next,
    Break,
    Continue,
}

/// The part of the template that is being evaluated, for messages.
#[derive(Clone, Copy)]
enum At<'t> {
    Start,
    Word(&'t Expr),
    Command(&'t TemplateCommand),
    Pipe(&'t Pipe),
    Call(&'t Call),
}

/// How a template is run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Mode {
    /// Over a value of a Go type.
    Typed,
    /// Over the JSON of such a value, with `missingkey=error`.
    Json,
    /// Over headers: functions marked so return their first argument.
    Header,
}

pub(super) struct Run<'t, 'v> {
    source: &'t str,
    parsed: &'t Parsed,
    pub(super) mode: Mode,
    root: Val<'v>,
    /// Name of the template that runs: empty for the main one.
    name: &'t str,
    at: At<'t>,
    variables: Vec<(&'t str, Val<'v>)>,
    depth: usize,
    out: String,
}

pub(super) type Ran<T> = Result<T, String>;

impl<'t, 'v> Run<'t, 'v> {
    pub(super) fn new(source: &'t str, parsed: &'t Parsed, mode: Mode, root: Val<'v>) -> Self {
        let variables = vec![("$", root.clone())];
        Self { source, parsed, mode, root, name: "", at: At::Start, variables, depth: 0, out: String::new() }
    }

    /// The output, up to the error if there is one, and that error.
    pub(super) fn run(mut self) -> (String, Ran<()>) {
        let root = self.root.clone();
        let result = self.body(&self.parsed.main, &root);
        (self.out, result.map(|_| ()))
    }

    /// A message with the place in the template, formatted as in Go.
    pub(super) fn fail(&self, message: impl AsRef<str>) -> String {
        let (pos, shown) = match self.at {
            At::Start => (0, String::new()),
            At::Word(word) => (word.pos, word.term.to_string()),
            At::Command(command) => (command.pos, command.to_string()),
            At::Pipe(pipe) => (pipe.pos, pipe.to_string()),
            At::Call(call) => (call.pos, call.to_string()),
        };
        let before = &self.source[..pos];
        let line = 1 + before.matches('\n').count();
        let column = pos - before.rfind('\n').map_or(0, |end| end + 1);
        format!(":{line}:{column}: executing {} at <{shown}>: {}", quote(self.name), message.as_ref())
    }

    fn body(&mut self, nodes: &'t [TemplateNode], dot: &Val<'v>) -> Ran<Flow> {
        if self.depth == MAX_DEPTH {
            return Err(self.fail(format!("exceeded maximum template depth ({MAX_DEPTH})")));
        }
        self.depth += 1;
        for node in nodes {
            let flow = self.node(node, dot)?;
            if flow != Flow::Next {
                self.depth -= 1;
                return Ok(flow);
            }
        }
        self.depth -= 1;
        Ok(Flow::Next)
    }

    fn node(&mut self, node: &'t TemplateNode, dot: &Val<'v>) -> Ran<Flow> {
        match node {
            TemplateNode::Text(text) => self.out.push_str(text),
            TemplateNode::Action(pipe) => {
                let value = self.pipe(pipe, dot)?;
                if pipe.variables.is_empty() {
                    self.print(&value);
                }
            }
            TemplateNode::If(branch) => return self.conditional(branch, dot, false),
            TemplateNode::With(branch) => return self.conditional(branch, dot, true),
            TemplateNode::Range(branch) => return self.range(branch, dot),
            TemplateNode::Call(call) => self.call(call, dot)?,
            TemplateNode::Break => return Ok(Flow::Break),
            TemplateNode::Continue => return Ok(Flow::Continue),
        }
        Ok(Flow::Next)
    }

    fn print(&mut self, value: &Val<'v>) {
        match (self.mode, value.value.as_ref()) {
            (Mode::Typed | Mode::Header, _) => self.out.push_str(&value.shown()),
            (Mode::Json, Value::Null) => self.out.push_str("<no value>"),
            (Mode::Json, Value::String(text)) => self.out.push_str(text),
            (Mode::Json, other) => self.out.push_str(&display(other)),
        }
    }

    fn conditional(&mut self, branch: &'t Branch, dot: &Val<'v>, sets_dot: bool) -> Ran<Flow> {
        let known = self.variables.len();
        let value = self.pipe(&branch.pipe, dot)?;
        let flow = match (funcs::is_true(&value), sets_dot) {
            (true, true) => self.body(&branch.body, &value),
            (true, false) => self.body(&branch.body, dot),
            (false, _) => self.body(&branch.otherwise, dot),
        };
        self.variables.truncate(known);
        flow
    }

    fn range(&mut self, branch: &'t Branch, dot: &Val<'v>) -> Ran<Flow> {
        let known = self.variables.len();
        self.at = At::Pipe(&branch.pipe);
        let value = self.commands(&branch.pipe, dot)?;
        let mut count = 0;
        let has_key = branch.pipe.variables.len() > 1;
        let entries = access::entries(value, has_key).map_err(|message| self.fail(message))?;
        for (key, item) in entries {
            count += 1;
            self.bind(&branch.pipe, key, &item);
            let flow = self.body(&branch.body, &item)?;
            self.variables.truncate(known);
            if flow == Flow::Break {
                break;
            }
        }
        if count == 0 { self.body(&branch.otherwise, dot) } else { Ok(Flow::Next) }
    }

    fn bind(&mut self, pipe: &'t Pipe, key: Value, item: &Val<'v>) {
        match pipe.variables.as_slice() {
            [] => {}
            [name] => self.set(pipe, name, item.clone()),
            [first, second, ..] => {
                self.set(pipe, first, Val::any(key));
                self.set(pipe, second, item.clone());
            }
        }
    }

    fn set(&mut self, pipe: &Pipe, name: &'t str, value: Val<'v>) {
        match self.variables.iter_mut().rev().find(|(known, _)| pipe.assigns && *known == name) {
            Some((_, slot)) => *slot = value,
            None => self.variables.push((name, value)),
        }
    }

    fn call(&mut self, call: &'t Call, dot: &Val<'v>) -> Ran<()> {
        self.at = At::Call(call);
        let Some((name, nodes)) = self.parsed.defined.get_key_value(&call.name) else {
            return Err(self.fail(format!("template {} not defined", quote(&call.name))));
        };
        let value = match &call.pipe {
            Some(pipe) => self.pipe(pipe, dot)?,
            None => Val::none(),
        };
        let caller = std::mem::replace(&mut self.name, name);
        let variables = std::mem::replace(&mut self.variables, vec![("$", value.clone())]);
        self.body(nodes, &value)?;
        (self.name, self.variables) = (caller, variables);
        Ok(())
    }

    fn pipe(&mut self, pipe: &'t Pipe, dot: &Val<'v>) -> Ran<Val<'v>> {
        self.at = At::Pipe(pipe);
        let value = self.commands(pipe, dot)?;
        for name in &pipe.variables {
            self.set(pipe, name, value.clone());
        }
        Ok(value)
    }

    fn commands(&mut self, pipe: &'t Pipe, dot: &Val<'v>) -> Ran<Val<'v>> {
        let mut value = None;
        for command in &pipe.commands {
            value = Some(self.command(command, dot, value)?);
        }
        Ok(value.unwrap_or_else(Val::none))
    }

    fn command(&mut self, command: &'t TemplateCommand, dot: &Val<'v>, last: Option<Val<'v>>) -> Ran<Val<'v>> {
        let (first, arguments) = command.words.split_first().expect("the parser makes no empty commands");
        let has_arguments = last.is_some() || !arguments.is_empty();
        self.at = At::Word(first);
        match &first.term {
            Term::Function(name) => {
                let function = funcs::find(name, self.parsed.functions).expect("the parser knows every function");
                self.function(function, command, arguments, dot, last)
            }
            Term::Field(fields) if has_arguments => {
                let name = fields.last().map_or("", String::as_str);
                let given = arguments.len() + usize::from(last.is_some());
                let has_methods = matches!(self.root.of, Type::Struct(known) if known.has_methods);
                Err(self.fail(if has_methods && fields.len() == 1 && self.root.get(name).is_some() {
                    format!("wrong number of args for {name}: want 0 got {given}")
                } else {
                    format!("{name} is not a method but has arguments")
                }))
            }
            _ if has_arguments => Err(self.fail(format!("can't give argument to non-function {}", first.term))),
            Term::Nil => Err(self.fail("nil is not a command")),
            _ => self.word(first, dot),
        }
    }

    fn word(&mut self, word: &'t Expr, dot: &Val<'v>) -> Ran<Val<'v>> {
        if !matches!(word.term, Term::Pipe(_)) {
            self.at = At::Word(word);
        }
        match &word.term {
            Term::Dot => Ok(dot.clone()),
            Term::Nil => Ok(Val::none()),
            Term::Bool(value) => Ok(Val::any(*value)),
            Term::Number(_, value) | Term::Text(_, value) => Ok(Val::any(value.clone())),
            Term::Field(fields) => self.fields(dot.clone(), fields),
            Term::Variable(name, fields) => {
                let known = self.variables.iter().rev().find(|(known, _)| known == name);
                let value = known.map_or_else(Val::none, |(_, value)| value.clone());
                self.fields(value, fields)
            }
            Term::Pipe(pipe) => self.pipe(pipe, dot),
            Term::Chain(start, fields) => {
                let value = self.word(start, dot)?;
                self.at = At::Word(word);
                self.fields(value, fields)
            }
            Term::Function(name) => {
                let function = funcs::find(name, self.parsed.functions).expect("the parser knows every function");
                self.arity(function, 0)?;
                self.invoke(function, &[], At::Word(word))
            }
        }
    }

    fn function(
        &mut self,
        function: &'static Function,
        command: &'t TemplateCommand,
        arguments: &'t [Expr],
        dot: &Val<'v>,
        last: Option<Val<'v>>,
    ) -> Ran<Val<'v>> {
        self.arity(function, arguments.len() + usize::from(last.is_some()))?;
        if matches!(function.name, "and" | "or") {
            return self.deciding(function.name == "or", arguments, dot, last);
        }
        let mut values = Vec::with_capacity(arguments.len() + 1);
        for (i, argument) in arguments.iter().enumerate() {
            let value = self.word(argument, dot)?;
            self.fits(function, i, &value, Some(&argument.term))?;
            values.push(value);
        }
        if let (Some(first), "call") = (arguments.first(), function.name) {
            self.at = At::Command(command);
            if values[0].is_null() {
                return Err(self.fail("error calling call: call of nil"));
            }
            let kind = type_name(&values[0]);
            return Err(self.fail(format!("error calling call: non-function {} of type {kind}", first.term)));
        }
        if let Some(value) = last {
            self.fits(function, values.len(), &value, None)?;
            values.push(value);
        }
        self.invoke(function, &values, At::Command(command))
    }

    /// `and` and `or`: the first deciding value, or the last one; later ones are not evaluated.
    fn deciding(&mut self, by: bool, words: &'t [Expr], dot: &Val<'v>, last: Option<Val<'v>>) -> Ran<Val<'v>> {
        let mut value = Val::none();
        for word in words {
            value = self.word(word, dot)?;
            if funcs::is_true(&value) == by {
                return Ok(value);
            }
        }
        Ok(last.unwrap_or(value))
    }

    fn arity(&self, function: &Function, given: usize) -> Ran<()> {
        let wanted = function.params.len();
        let (fits, least) = if function.variadic { (given >= wanted, "at least ") } else { (given == wanted, "") };
        if fits {
            return Ok(());
        }
        Err(self.fail(format!("wrong number of args for {}: want {least}{wanted} got {given}", function.name)))
    }

    /// Whether a value may be the argument at `index`; `term` is how it was written, if it was not piped.
    fn fits(&self, function: &Function, index: usize, value: &Value, term: Option<&Term>) -> Ran<()> {
        let Some(param) = function.params.get(index) else { return Ok(()) };
        let (fits, go, literal) = match param {
            Param::Any => return Ok(()),
            Param::Text => (value.is_string(), "string", "string"),
            Param::Int => (value.as_i64().is_some(), "int", "integer"),
        };
        if fits {
            return Ok(());
        }
        Err(self.fail(match term {
            Some(Term::Nil) => format!("cannot assign nil to {go}"),
            Some(term @ (Term::Bool(_) | Term::Number(..) | Term::Text(..))) => {
                format!("expected {literal}; found {term}")
            }
            _ if value.is_null() => format!("wrong type for value; expected {go}; got interface {{}}"),
            _ => format!("wrong type for value; expected {go}; got {}", type_name(value)),
        }))
    }

    /// Calls a function with checked arguments; `at` is the place that its error names.
    fn invoke(&mut self, function: &Function, values: &[Val<'v>], at: At<'t>) -> Ran<Val<'v>> {
        if self.mode == Mode::Header && function.identity_in_header {
            return Ok(values[0].clone());
        }
        let result = match self.mode {
            // JSON has no types.
            Mode::Json => function.body.run(&values.iter().map(Val::untyped).collect::<Vec<_>>()),
            Mode::Typed | Mode::Header => function.body.run(values),
        };
        result.map_err(|message| {
            self.at = at;
            self.fail(format!("error calling {}: {message}", function.name))
        })
    }
}
