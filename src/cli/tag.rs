use super::error::CliError;
use super::session::Session;
use super::usage::{self, Arity};
use crate::ops;

/// Create a tag TARGET_IMAGE that refers to SOURCE_IMAGE
#[derive(Debug, clap::Args)]
#[command(override_usage = "tag SOURCE_IMAGE[:TAG] TARGET_IMAGE[:TAG]")]
pub(super) struct Args {
    /// The image, by name or ID, and its further name
    #[arg(value_name = "IMAGE")]
    images: Vec<String>,
}

impl Args {
    pub(super) fn run(self, session: &Session) -> Result<(), CliError> {
        usage::check(Arity::Exactly(2), &self.images, &["tag"])?;
        Ok(ops::tag::tag(&session.context, &self.images[0], &self.images[1])?)
    }
}
