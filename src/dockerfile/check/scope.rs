//! The variables of a stage, for the rules.

use std::collections::BTreeMap;
use std::rc::Rc;

use super::super::error::{Fault, ParseError};
use super::super::expand::{Variables, expand};
use super::super::instruction::Dockerfile;

/// How many scopes may lie above each other before they are joined: looking up a name passes all of them.
const DEEPEST: usize = 32;
/// Among how many names one is looked for that was meant.
const MOST_MEANT: usize = 1000;

/// Names with their values; none where an `ARG` has no value. What is not here may be above.
#[derive(Debug, Default)]
pub(super) struct Scope {
    names: BTreeMap<String, Option<String>>,
    above: Option<Rc<Scope>>,
    depth: usize,
}

impl Variables for Scope {
    fn get(&self, name: &str) -> Option<&str> {
        self.and_above().find_map(|scope| scope.names.get(name)?.as_deref())
    }
}

impl Scope {
    /// A scope below another one.
    pub(super) fn below(above: &Rc<Self>) -> Self {
        if above.depth < DEEPEST {
            return Self { names: BTreeMap::new(), above: Some(Rc::clone(above)), depth: above.depth + 1 };
        }
        let mut joined = Self::default();
        for scope in above.and_above() {
            for (name, value) in &scope.names {
                let known = joined.names.entry(name.clone()).or_default();
                if known.is_none() {
                    known.clone_from(value);
                }
            }
        }
        joined
    }

    pub(super) fn set(&mut self, name: &str, value: &str) {
        self.names.insert(name.to_owned(), Some(value.to_owned()));
    }

    /// An `ARG` without a value: what the name means does not change.
    pub(super) fn declare(&mut self, name: &str) {
        self.names.entry(name.to_owned()).or_default();
    }

    /// Whether a name has a value, or was declared.
    pub(super) fn knows(&self, name: &str) -> bool {
        self.and_above().any(|scope| scope.names.contains_key(name))
    }

    /// The name that was meant: the nearest that differs in one or two letters.
    pub(super) fn meant(&self, name: &str) -> Option<&str> {
        let names = self.and_above().flat_map(|scope| scope.names.keys()).take(MOST_MEANT);
        let rated = names.map(|known| (strsim::levenshtein(name, known), known.as_str()));
        rated.filter(|(slips, _)| *slips < 3).min().map(|(_, known)| known)
    }

    fn and_above(&self) -> impl Iterator<Item = &Self> {
        std::iter::successors(Some(self), |scope| scope.above.as_deref())
    }
}

/// The predefined variables.
fn predefined(platform: &str) -> Scope {
    let mut parts = platform.splitn(3, '/');
    let (os, architecture) = (parts.next().unwrap_or_default(), parts.next().unwrap_or_default());
    let variant = parts.next().unwrap_or_default();
    let mut scope = Scope::default();
    for of in ["BUILD", "TARGET"] {
        let values =
            [("PLATFORM", platform), ("OS", os), ("OSVERSION", ""), ("ARCH", architecture), ("VARIANT", variant)];
        for (name, value) in values {
            scope.set(&format!("{of}{name}"), value);
        }
    }
    scope.set("TARGETSTAGE", "default");
    scope
}

/// The predefined variables, and the `ARG`s before the first `FROM`.
pub(super) fn globals(file: &Dockerfile, platform: &str, given: &[(String, String)]) -> Result<Scope, ParseError> {
    let given: BTreeMap<&str, &str> = given.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    let mut scope = predefined(platform);
    for arg in &file.global_args {
        for (name, default) in &arg.value {
            let value = match (given.get(name.as_str()), default) {
                (Some(value), _) => (*value).to_owned(),
                (None, Some(word)) => {
                    let fault = |source| ParseError {
                        fault: Fault::Expand { word: word.clone(), source },
                        lines: Some(arg.lines.clone()),
                    };
                    expand(word, &scope, file.directives.escape).map_err(fault)?.text
                }
                (None, None) => {
                    scope.declare(name);
                    continue;
                }
            };
            scope.set(name, &value);
        }
    }
    Ok(scope)
}
