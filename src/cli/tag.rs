use super::completes::Completes;
use super::error::CliError;
use super::session::Session;
use super::usage::Arity;
use crate::ops;

/// Give an image another name
#[derive(Debug, clap::Args)]
#[command(override_usage = "tag SOURCE_IMAGE[:TAG] TARGET_IMAGE[:TAG]")]
pub(super) struct Args {
    /// The image, by name or ID, and its new name
    #[arg(value_name = "IMAGE", add = Completes::Each(&[Completes::Images, Completes::Images]))]
    images: Vec<String>,
}

impl Args {
    pub(super) fn run(self, session: &Session) -> Result<(), CliError> {
        session.check(Arity::Exactly(2), &self.images)?;
        Ok(ops::tag::tag(&session.context, &self.images[0], &self.images[1])?)
    }
}
