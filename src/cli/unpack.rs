use std::path::PathBuf;

use super::error::CliError;
use super::session::Session;
use super::usage::Arity;
use crate::ops::bundle::bundle;
use crate::ops::unpack::{Options, Report, unpack};
use crate::rootfs::Lacking;

/// Unpack the file system of an image into a directory
///
/// The directory must not be there, or be empty. The store remembers what it looked like, so that `diff` and `commit`
/// find what changed. As an ordinary user everything is applied that can be; owners, devices and the like are remembered,
/// and `commit` loses nothing.
#[derive(Debug, clap::Args)]
#[command(override_usage = "unpack [OPTIONS] IMAGE DIR")]
pub(super) struct Args {
    /// Unpack the given platform: os[/arch[/variant]]
    #[arg(long, value_name = "PLATFORM")]
    platform: Option<String>,
    /// Make device nodes; else an empty file stands for each
    #[arg(long)]
    devices: bool,
    /// Make an OCI bundle: DIR/rootfs, and DIR/config.json for `runc run -b DIR`
    #[arg(long)]
    bundle: bool,
    /// Suppress the progress
    #[arg(short, long)]
    quiet: bool,
    /// The image, and the directory
    #[arg(value_name = "IMAGE")]
    operands: Vec<String>,
}

impl Args {
    pub(super) fn run(self, session: &Session) -> Result<(), CliError> {
        session.check(Arity::Exactly(2), &self.operands)?;
        let platform = Session::platforms(self.platform.as_slice())?.pop();
        let options = Options { platform, devices: self.devices };
        let (image, target) = (&self.operands[0], PathBuf::from(&self.operands[1]));
        let progress = session.progress(self.quiet);
        let report = if self.bundle {
            bundle(&session.context, image, &target, &options, &*progress)?
        } else {
            unpack(&session.context, image, &target, &options, &*progress)?
        };
        if let Some(text) = lacking(&report) {
            session.ui.note(&text);
        }
        Ok(())
    }
}

/// One line for all that was not applied.
fn lacking(report: &Report) -> Option<String> {
    let Lacking { owners, devices, xattrs, modes } = report.lacking;
    let parts = [(owners, "owners"), (devices, "device nodes"), (xattrs, "extended attributes"), (modes, "modes")];
    let parts: Vec<String> =
        parts.iter().filter(|(count, _)| *count > 0).map(|(count, what)| format!("{what} ({count})")).collect();
    (!parts.is_empty()).then(|| format!("not applied, but remembered for commit: {}", parts.join(", ")))
}
