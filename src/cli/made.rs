//! What the commands have in common that make an image of another: when, how it is told, and what its history says.

use super::completes::Completes;
use super::error::CliError;
use super::session::{self, Session};
use crate::oci::{Platform, Reference};
use crate::ops;
use crate::ops::remake::{Made, Stamp};

const CREATED_HELP: &str =
    "Make the image at this time (seconds since 1970, or RFC 3339) [default: $SOURCE_DATE_EPOCH, or now]";

const PLATFORM_HELP: &str = "Take the image for the given platform: os[/arch[/variant]]";

/// Of which image another one is made, when, and how it is told.
#[derive(Debug, clap::Args)]
pub(super) struct MadeArgs {
    /// Make the image at this time
    #[arg(long, visible_alias = "timestamp", value_name = "TIME", help = CREATED_HELP)]
    created: Option<String>,
    /// Print the ID, name, digest and layers of the new image as JSON
    #[arg(long, value_name = "FORMAT", value_parser = ["json"])]
    format: Option<String>,
    /// Take the image for the given platform
    #[arg(long, value_name = "PLATFORM", add = Completes::PLATFORM, help = PLATFORM_HELP)]
    platform: Option<String>,
}

impl MadeArgs {
    /// What the last step of the history says: these words, which follow the name of the command.
    pub(super) fn stamp(&self, session: &Session, words: &[String]) -> Result<Stamp, CliError> {
        let command = words.iter().map(|word| quoted(word)).collect::<Vec<_>>().join(" ");
        Ok(Stamp { created: session.created(self.created.as_deref())?, command: format!("imgtool {command}") })
    }

    /// The one platform that was typed.
    pub(super) fn platform(&self) -> Result<Option<Platform>, CliError> {
        Session::platform(self.platform.as_ref())
    }

    /// Whether the same input gives the same bytes each time.
    pub(super) fn is_reproducible(&self) -> bool {
        self.created.is_some() || Session::is_reproducible()
    }

    /// Whether what is printed is JSON.
    pub(super) fn is_json(&self) -> bool {
        self.format.is_some()
    }

    /// Prints the image.
    pub(super) fn print(&self, session: &Session, made: &Made) -> Result<(), CliError> {
        let Made { id, digest, name, layers } = made;
        let line = match &self.format {
            Some(_) => session::json_line(&session::made(name.as_ref(), id, digest, layers)),
            None => id.to_string(),
        };
        Ok(session.ui.line(&line)?)
    }
}

/// The name of a new image that was typed, if it is not empty.
pub(super) fn name(typed: Option<&String>) -> Result<Option<Reference>, CliError> {
    let name = typed.filter(|name| !name.is_empty()).map(|name| name.parse::<Reference>()).transpose();
    Ok(name.map_err(ops::Error::from)?)
}

/// The name of a new image that must have one.
pub(super) fn required_name(typed: &str) -> Result<Reference, CliError> {
    Ok(typed.parse::<Reference>().map_err(ops::Error::from)?)
}

/// A word as a shell reads it.
pub(super) fn quoted(word: &str) -> String {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_./:=@,+%".contains(&byte);
    if !word.is_empty() && word.bytes().all(is_plain) {
        return word.to_owned();
    }
    format!("'{}'", word.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use super::quoted;

    #[test]
    fn words_are_quoted_where_a_shell_needs_it() {
        for (word, expected) in
            [("A=1", "A=1"), ("", "''"), ("a b", "'a b'"), ("it's", r"'it'\''s'"), ("*.log", "'*.log'"), ("-", "-")]
        {
            assert_eq!(quoted(word), expected);
        }
    }
}
