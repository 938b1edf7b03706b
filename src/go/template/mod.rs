//! Go's `text/template` over JSON values of known types: the language of docker's `--format`.
//!
//! Text and messages are Go's, byte for byte (`template: :1:2: executing "" at <.Nope>: map has no entry for key
//! "Nope"`); scripts compare both. An existing port of the language does not fit: it detects unknown functions only
//! when they are called (docker rejects the template, with another exit code), its messages lack positions, and its
//! maps lose the order of keys that `{{json .Config}}` prints.
//!
//! A template is split into tokens (`lex`), parsed (`parse`) into nodes (`node`), and run (`exec`) over a value
//! (`value`) of a [`Type`]: a struct and a map are both objects in JSON, but only a map may lack a key, and each prints
//! in its own way. Types and further functions are passed in; the engine defines no types of its own.

mod access;
mod compare;
mod exec;
mod field;
mod funcs;
mod lex;
mod literal;
mod node;
mod parse;
mod pipeline;
mod strings;
mod tokens;
mod value;

use std::borrow::Cow;

use serde_json::Value;

use self::exec::{Mode, Run};
pub use self::funcs::{Function, Param};
use self::parse::Parsed;
use self::value::Val;
pub use self::value::{Field, Struct, Type};

/// Why a template failed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TemplateError {
    /// The text is not a valid template.
    #[error("template parsing error: {message}")]
    Parse {
        /// Go's message, with the line: `template: :1: unclosed action`.
        message: String,
    },
    /// The template does not fit the value. Docker calls that a parsing error too.
    #[error("template parsing error: {message}")]
    Execute {
        /// Go's message, with line and column: `template: :1:2: executing "" at <.Nope>: …`.
        message: String,
    },
}

/// A parsed template.
#[derive(Debug, Clone)]
pub struct Template {
    source: String,
    parsed: Parsed,
}

impl Template {
    /// Parses `text`, which may call `functions` besides Go's own.
    pub fn parse(text: &str, functions: &'static [Function]) -> Result<Self, TemplateError> {
        match parse::parse(text, functions) {
            Ok(parsed) => Ok(Self { source: text.to_owned(), parsed }),
            Err(message) => Err(TemplateError::Parse { message: format!("template: :{message}") }),
        }
    }

    /// Executes the template over a value of type `of`.
    pub fn execute(&self, value: &Value, of: Type) -> Result<String, TemplateError> {
        self.run(Mode::Typed, value, of)
    }

    /// Executes the template over the JSON of a value of type `of`. A missing key is an error unless the type has such
    /// a field: then it is the field's zero value.
    pub fn execute_json(&self, value: &Value, of: Type) -> Result<String, TemplateError> {
        self.run(Mode::Json, value, of)
    }

    fn run(&self, mode: Mode, value: &Value, of: Type) -> Result<String, TemplateError> {
        let (text, result) = Run::new(&self.source, &self.parsed, mode, Val::new(Cow::Borrowed(value), of)).run();
        match result {
            Ok(()) => Ok(text),
            Err(message) => Err(TemplateError::Execute { message: format!("template: {message}") }),
        }
    }

    /// The header row: the template executed over the names of its fields, up to the first error, which docker ignores
    /// here.
    pub fn header(&self, names: &Value) -> String {
        let names = Val::new(Cow::Borrowed(names), Type::Any);
        Run::new(&self.source, &self.parsed, Mode::Header, names).run().0
    }
}
