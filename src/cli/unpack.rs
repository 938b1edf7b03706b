use std::path::PathBuf;

use super::completes::Completes;
use super::error::CliError;
use super::session::Session;
use super::usage::Arity;
use crate::ops::unpack::bundle::bundle;
use crate::ops::unpack::{UnpackImageOptions, UnpackReport, unpack};
use crate::rootfs::{Lacking, ordinary_user};

/// Unpack the file system of an image into a directory
///
/// The directory must be empty or not exist. The store keeps a snapshot of it, so that `diff` and `commit` find what
/// changed. Without root, ownership and device nodes cannot be set; they are recorded and `commit` restores them.
#[derive(Debug, clap::Args)]
#[command(override_usage = "unpack [OPTIONS] IMAGE DIR")]
pub(super) struct Args {
    /// Unpack the given platform: os[/arch[/variant]]
    #[arg(long, value_name = "PLATFORM", add = Completes::PLATFORM)]
    platform: Option<String>,
    /// Create device nodes (needs root); by default an empty file stands for each
    #[arg(long)]
    devices: bool,
    /// Create an OCI runtime bundle: DIR/rootfs and DIR/config.json, for `runc run -b DIR`
    #[arg(long)]
    bundle: bool,
    /// Suppress the progress output
    #[arg(short, long)]
    quiet: bool,
    /// The image, and the directory
    #[arg(value_name = "IMAGE", add = Completes::Each(&[Completes::Images, Completes::Dirs]))]
    operands: Vec<String>,
}

impl Args {
    pub(super) fn run(self, session: &Session) -> Result<(), CliError> {
        session.check(Arity::Exactly(2), &self.operands)?;
        let platform = Session::platform(self.platform.as_ref())?;
        let options = UnpackImageOptions { platform, devices: self.devices };
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

/// One line for all that could not be applied.
fn lacking(report: &UnpackReport) -> Option<String> {
    let Lacking { owners, devices, xattrs, modes } = report.lacking;
    let files = |count| format!("{count} {}", if count == 1 { "file" } else { "files" });
    let stand_ins =
        if devices == 1 { "1 device is an empty file" } else { &format!("{devices} devices are empty files") };
    let parts = [
        (owners, format!("ownership of {} not set", files(owners))),
        (xattrs, format!("extended attributes of {} not set", files(xattrs))),
        (modes, format!("permissions of {} not set", files(modes))),
        (devices, stand_ins.to_owned()),
    ];
    let parts: Vec<String> = parts.into_iter().filter(|(count, _)| *count > 0).map(|(_, text)| text).collect();
    let text = parts.join(", ");
    let (first, rest) = text.split_at_checked(1)?;
    // Root gets everything set, but devices only if asked for.
    let way = match ordinary_user() {
        Some(_) => " (needs root)",
        None if devices > 0 => " (use --devices)",
        None => "",
    };
    Some(format!("{}{rest}{way}; recorded for commit", first.to_uppercase()))
}
