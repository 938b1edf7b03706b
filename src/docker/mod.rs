//! What docker's clients make of Go's templates: their functions, their types, and how `inspect` tries a template twice.

mod functions;
#[cfg(test)]
mod tests;
pub mod types;

use serde_json::Value;

use crate::go::template::{Struct, Template, TemplateError, Type};

/// Parses a template that may call docker's functions.
pub fn template(text: &str) -> Result<Template, TemplateError> {
    Template::parse(text, &functions::FUNCTIONS)
}

/// The text that a template makes of one image, given as `inspect` prints it.
///
/// As docker does it: first over its own type, in which every field is there and `Id` is `ID`, and if the template does
/// not fit that, over the JSON. A field that is not set is its zero value in both, and `json` writes a value in the same
/// way in both, whatever else the template names. (In docker it does not: the second try sorts keys, and shows fields
/// that the first one leaves out.)
pub fn inspect(template: &Template, image: &Value) -> Result<String, TemplateError> {
    execute_twice(template, image, &types::IMAGE)
}

fn execute_twice(template: &Template, value: &Value, of: &'static Struct) -> Result<String, TemplateError> {
    template.execute(value, Type::Struct(of)).or_else(|_| template.execute_json(value, Type::Struct(of)))
}
