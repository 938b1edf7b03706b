use std::ffi::OsString;
use std::io;

use super::common::{Operands, WhichArgs, told};
use crate::cli::completes::Completes;
use crate::cli::error::CliError;
use crate::cli::session::Session;
use crate::cli::usage::Arity;
use crate::layer::overlay::ViewNode;
use crate::ops::files::cat::cat;
use crate::ops::look::Take;
use crate::ui::{OutputError, Ui};

/// Print files of an image
///
/// Symbolic links are followed inside the image. On a terminal, what would act upon it is escaped. A file that a higher
/// layer deleted is shown with --layer: imgtool which tells the layer. IMAGE is a name or an ID in the store,
/// `docker://NAME` in a registry, or an archive or OCI layout: ./file.tar, docker-archive:PATH[:REF|:@N],
/// oci-archive:PATH[:REF], oci:DIR[:REF].
#[derive(Debug, clap::Args)]
#[command(override_usage = "cat [OPTIONS] IMAGE[:PATH] [PATH...]")]
pub(in crate::cli) struct Args {
    #[command(flatten)]
    which: WhichArgs,
    /// The image, and paths in it
    #[arg(value_name = "IMAGE", add = Completes::Each(&[Completes::Images]))]
    operands: Vec<OsString>,
}

impl Args {
    pub(in crate::cli) fn run(self, session: &Session) -> Result<(), CliError> {
        let Operands { image, paths } = Operands::read(session, self.operands, Arity::AtLeast(1))?;
        if paths.is_empty() {
            return Err(CliError::Plain(format!("no path is given: imgtool cat {image} PATH")));
        }
        let look = self.which.open(session, &image)?;
        let mut output = Output { ui: &session.ui, failed: None, left: Vec::new() };
        let wrong = cat(&look, &session.context, &paths, &mut output);
        // Why nothing could be written any more matters more than that nothing was.
        if let Some(failed) = output.failed.take() {
            return Err(failed.into());
        }
        let wrong = wrong?;
        output.flush()?;
        told(session, wrong, 1)
    }
}

/// Standard output, escaped on a terminal.
struct Output<'a> {
    ui: &'a Ui,
    failed: Option<OutputError>,
    /// The beginning of a character, on a terminal.
    left: Vec<u8>,
}

impl Output<'_> {
    /// Writes what is left of a broken character.
    fn flush(&mut self) -> Result<(), OutputError> {
        let left = std::mem::take(&mut self.left);
        if left.is_empty() { Ok(()) } else { self.ui.data(&String::from_utf8_lossy(&left)) }
    }

    fn write(&mut self, bytes: &[u8]) -> Result<(), OutputError> {
        if !self.ui.stdout_is_terminal() {
            return self.ui.bytes(bytes);
        }
        self.left.extend_from_slice(bytes);
        let ready = match std::str::from_utf8(&self.left) {
            Err(error) if error.error_len().is_none() => error.valid_up_to(),
            _ => self.left.len(),
        };
        let rest = self.left.split_off(ready);
        let ready = std::mem::replace(&mut self.left, rest);
        self.ui.data(&String::from_utf8_lossy(&ready))
    }
}

impl<'v> Take<'v> for Output<'_> {
    fn bytes(&mut self, _: ViewNode<'v>, bytes: &[u8]) -> io::Result<()> {
        self.write(bytes).map_err(|error| {
            self.failed = Some(error);
            io::Error::other("output")
        })
    }

    fn verified(&mut self, _: ViewNode<'v>) -> io::Result<()> {
        Ok(())
    }
}
