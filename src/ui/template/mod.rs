//! Go's `text/template` with docker's functions, over JSON values: the language of `--format`.
//!
//! Text and messages are docker's, byte for byte where JSON can tell (`template: :1:2: executing "" at <.Nope>: map has no
//! entry for key "Nope"`); scripts compare both. An existing port of the language was tried and does not fit: it finds
//! unknown functions only when they run (docker refuses the template, with another exit code), its messages have no
//! place, and its maps forget the order of keys that `{{json .Config}}` prints.
//!
//! A template is cut into tokens (`lex`), parsed (`parse`) into nodes (`node`), and run (`exec`). What Go knows from types
//! is guessed from JSON: a struct and a map are both objects and print as `map[a:b]`, but for what `typed` knows.

mod access;
mod compare;
mod exec;
mod field;
mod fmt;
mod funcs;
pub(crate) mod json;
mod lex;
mod literal;
mod node;
mod parse;
mod printf;
mod strings;
#[cfg(test)]
mod tests;
mod tokens;
mod typed;

use serde_json::Value;

use self::exec::{Options, Run};
use self::parse::Parsed;

/// Why a template gave no text.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TemplateError {
    /// The text is no template.
    #[error("template parsing error: {message}")]
    Parse {
        /// What Go says, with the line: `template: :1: unclosed action`.
        message: String,
    },
    /// The template does not fit the value. Docker calls that a parsing error too.
    #[error("template parsing error: {message}")]
    Execute {
        /// What Go says, with line and column: `template: :1:2: executing "" at <.Nope>: …`.
        message: String,
    },
}

/// What a template gets for a field that the value does not have.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum MissingKey {
    /// An error that names the type: the value is the row of a list, and its fields are the ones that there are.
    Field {
        /// The type as Go prints it: `*formatter.imageContext`.
        type_name: String,
    },
    /// An error that names the key: the value is a document, as `docker inspect` shows it.
    #[default]
    MapEntry,
    /// The same, for a document that has every field of docker's types: what is empty in it is Go's nil, which prints as
    /// an empty list or map and is `null` as JSON.
    TypedEntry,
    /// Nothing, which prints as `<no value>`.
    NoValue,
}

/// A parsed template.
#[derive(Debug, Clone)]
pub struct Template {
    source: String,
    parsed: Parsed,
    missing: MissingKey,
}

impl Template {
    /// Parses `text`, whose missing fields will be errors as in a document; see [`Template::missing_key`].
    pub fn parse(text: &str) -> Result<Self, TemplateError> {
        match parse::parse(text) {
            Ok(parsed) => Ok(Self { source: text.to_owned(), parsed, missing: MissingKey::default() }),
            Err(message) => Err(TemplateError::Parse { message: format!("template: :{message}") }),
        }
    }

    /// The same template with another opinion on missing fields.
    pub fn missing_key(mut self, missing: MissingKey) -> Self {
        self.missing = missing;
        self
    }

    /// The text that the template makes of `value`.
    pub fn execute(&self, value: &Value) -> Result<String, TemplateError> {
        let options = Options { missing: &self.missing, is_header: false };
        let (text, result) = Run::new(&self.source, &self.parsed, options, value).run();
        match result {
            Ok(()) => Ok(text),
            Err(message) => Err(TemplateError::Execute { message: format!("template: {message}") }),
        }
    }

    /// The line of headers that the template makes of the names of its fields, up to the first mistake: docker does not
    /// look for one here.
    pub(crate) fn header(&self, names: &Value) -> String {
        let options = Options { missing: &MissingKey::NoValue, is_header: true };
        Run::new(&self.source, &self.parsed, options, names).run().0
    }
}
