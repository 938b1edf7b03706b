use std::io::{self, IsTerminal as _};
use std::path::PathBuf;

use super::commit::warn;
use super::completes::Completes;
use super::error::CliError;
use super::made::{self, MadeArgs};
use super::session::Session;
use super::usage::Arity;
use crate::ops::append::{AppendInput, AppendOptions, Appended, append};

/// Put tars or directories as layers on top of an image
///
/// Each becomes one layer: a tar, compressed or not, byte for byte as it is (- is standard input), a directory as commit
/// would take it. A tar may have whiteouts (.wh.NAME), which hide files of the layers below. IMAGE may be `scratch`: then
/// the new image has no other layers, and --platform is its own.
#[derive(Debug, clap::Args)]
#[command(override_usage = "append [OPTIONS] IMAGE|scratch NAME[:TAG] TAR|DIR|- [TAR|DIR|-...]")]
pub(super) struct Args {
    #[command(flatten)]
    made: MadeArgs,
    /// The image, a name for the new one, and what becomes its layers
    #[arg(value_name = "IMAGE", add = Completes::Each(&[Completes::Images, Completes::Images, Completes::Files]))]
    operands: Vec<String>,
}

impl Args {
    pub(super) fn run(self, session: &Session) -> Result<(), CliError> {
        session.check(Arity::AtLeast(3), &self.operands)?;
        let (image, typed) = (&self.operands[0], &self.operands[2..]);
        if typed.iter().filter(|input| *input == "-").count() > 1 {
            return Err(CliError::Plain("standard input (-) can be appended only once".to_owned()));
        }
        let stamp = self.made.stamp(session, &["append".to_owned()])?;
        let latest = self.made.is_reproducible().then(|| stamp.created.unix_seconds());
        let options = AppendOptions {
            platform: self.made.platform()?,
            latest,
            stamp,
            name: made::required_name(&self.operands[1])?,
        };
        let inputs = typed.iter().map(|input| read(input)).collect::<Result<_, _>>()?;
        let appended = append(&session.context, image, inputs, &options, &*session.progress(false))?;
        let Appended { made, skipped } = appended;
        warn(&session.ui, &skipped, "layer");
        self.made.print(session, &made)
    }
}

fn read(typed: &str) -> Result<AppendInput, CliError> {
    if typed != "-" {
        return Ok(AppendInput::Path(PathBuf::from(typed)));
    }
    if io::stdin().is_terminal() {
        return Err(CliError::Plain("a tar is expected on standard input, which is a terminal".to_owned()));
    }
    Ok(AppendInput::Stream(Box::new(io::stdin())))
}
