//! What docker adds to Go's templates: its functions, its types, and the two attempts of `inspect`.

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

/// Executes a template over one image, given as the JSON that `inspect` prints.
///
/// Like docker, it first tries docker's own type, which has every field and in which `Id` is `ID`, and if that fails,
/// the JSON. In both, an unset field has its zero value and `json` prints a value in the same way, whatever else the
/// template names. (Docker differs here: its second attempt sorts keys and shows fields that the first omits.)
pub fn inspect(template: &Template, image: &Value) -> Result<String, TemplateError> {
    execute_twice(template, image, &types::IMAGE)
}

fn execute_twice(template: &Template, value: &Value, of: &'static Struct) -> Result<String, TemplateError> {
    template.execute(value, Type::Struct(of)).or_else(|_| template.execute_json(value, Type::Struct(of)))
}
