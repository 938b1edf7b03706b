//! `# check=skip=RULE,…;error=true;experimental=RULE,…`.

use super::rule::Rule;

/// What of a `# check=` makes no sense.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CheckOptionError {
    /// An option that does not exist, or has no `=`.
    #[error("invalid check option {option:?}")]
    Unknown {
        /// The option.
        option: String,
    },
    /// `error` is neither true nor false.
    #[error("failed to parse check option {option:?}: {value:?} is neither true nor false")]
    Boolean {
        /// The option.
        option: String,
        /// Its value.
        value: String,
    },
}

/// Which rules count, and how much.
#[derive(Debug, Default)]
pub(super) struct CheckOptions {
    skipped: Names,
    experimental: Names,
    /// Whether a finding ends a build.
    pub(super) is_error: bool,
}

#[derive(Debug, Default)]
enum Names {
    #[default]
    None,
    All,
    These(Vec<String>),
}

impl CheckOptions {
    pub(super) fn parse(text: &str) -> Result<Self, CheckOptionError> {
        let mut options = Self::default();
        if text.trim().is_empty() {
            return Ok(options);
        }
        for option in text.trim().splitn(3, ';') {
            let unknown = |option: &str| CheckOptionError::Unknown { option: option.to_owned() };
            let (name, value) = option.split_once('=').ok_or_else(|| unknown(option))?;
            match name.trim() {
                "skip" => options.skipped = Names::parse(value),
                "experimental" => options.experimental = Names::parse(value),
                "error" => options.is_error = boolean(option, value.trim())?,
                other => return Err(unknown(other)),
            }
        }
        Ok(options)
    }

    /// Whether a rule is looked at.
    pub(super) fn includes(&self, rule: Rule) -> bool {
        let is_skipped = matches!(self.skipped, Names::All);
        if rule.is_experimental() {
            return !is_skipped && self.experimental.has(rule);
        }
        !is_skipped && !self.skipped.has(rule)
    }
}

impl Names {
    fn parse(value: &str) -> Self {
        match value.trim() {
            "all" => Self::All,
            names => Self::These(names.split(',').map(|name| name.trim().to_owned()).collect()),
        }
    }

    fn has(&self, rule: Rule) -> bool {
        match self {
            Self::None => false,
            Self::All => true,
            Self::These(names) => names.iter().any(|name| name == rule.name()),
        }
    }
}

/// As Go's `strconv.ParseBool`.
fn boolean(option: &str, value: &str) -> Result<bool, CheckOptionError> {
    match value {
        "1" | "t" | "T" | "TRUE" | "true" | "True" => Ok(true),
        "0" | "f" | "F" | "FALSE" | "false" | "False" => Ok(false),
        _ => Err(CheckOptionError::Boolean { option: option.to_owned(), value: value.to_owned() }),
    }
}
