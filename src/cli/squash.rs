use super::completes::Completes;
use super::error::CliError;
use super::made::{self, MadeArgs};
use super::session::Session;
use super::usage::Arity;
use crate::ops::squash::{SquashOptions, squash};

/// Make one layer of several layers of an image
///
/// The new layer has only what is still there: files that a higher layer deleted or replaced are gone, and so are
/// whiteouts that hide nothing. With --from, the layers below stay as they are, byte for byte. The history keeps all
/// steps, as that of docker build --squash does.
#[derive(Debug, clap::Args)]
#[command(override_usage = "squash [OPTIONS] IMAGE NAME[:TAG]")]
pub(super) struct Args {
    /// The lowest layer to squash: a number that imgtool layers shows (the lowest is 1), or a digest [default: 1]
    #[arg(long, value_name = "LAYER")]
    from: Option<String>,
    #[command(flatten)]
    made: MadeArgs,
    /// The image, and a name for the new one
    #[arg(value_name = "IMAGE", add = Completes::Each(&[Completes::Images, Completes::Images]))]
    operands: Vec<String>,
}

impl Args {
    pub(super) fn run(self, session: &Session) -> Result<(), CliError> {
        session.check(Arity::Exactly(2), &self.operands)?;
        let from = self.from.iter().flat_map(|layer| ["--from".to_owned(), layer.clone()]);
        let words: Vec<String> = std::iter::once("squash".to_owned()).chain(from).collect();
        let options = SquashOptions {
            platform: self.made.platform()?,
            from: self.from.clone(),
            stamp: self.made.stamp(session, &words)?,
            name: made::required_name(&self.operands[1])?,
        };
        let made = squash(&session.context, &self.operands[0], &options, &*session.progress(false))?;
        self.made.print(session, &made)
    }
}
