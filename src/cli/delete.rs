use super::error::CliError;
use super::session::Session;
use super::usage::Arity;
use crate::ops::delete::{DeleteOptions, Deleted, delete};

/// Delete tags and manifests from a registry
///
/// Of a tag, only the tag is deleted, where the registry can do so. The space of what no tag leads to any more is freed
/// by the registry's garbage collection.
#[derive(Debug, clap::Args)]
#[command(override_usage = "delete [OPTIONS] NAME:TAG|NAME@DIGEST [NAME:TAG|NAME@DIGEST...]")]
pub(super) struct Args {
    /// Print what would be deleted without deleting it; whether the registry can delete a tag alone is not tried
    #[arg(long)]
    dry_run: bool,
    /// Delete the manifest that a tag leads to, and with it all tags that lead to it
    #[arg(long)]
    manifest: bool,
    /// The images in registries: localhost:5000/app:1, or localhost:5000/app@sha256:…
    #[arg(value_name = "NAME")]
    names: Vec<String>,
}

impl Args {
    pub(super) fn run(self, session: &Session) -> Result<(), CliError> {
        session.check(Arity::AtLeast(1), &self.names)?;
        let options = DeleteOptions { manifest: self.manifest, dry_run: self.dry_run };
        let (mut failed, mut frees) = (false, false);
        for name in &self.names {
            match delete(&session.context, name, options) {
                Ok(gone) => {
                    frees |= gone.iter().any(|gone| matches!(gone, Deleted::Manifest(_)));
                    gone.iter().try_for_each(|gone| session.ui.line(&line(gone)))?;
                }
                Err(error) => {
                    CliError::from(error).report(&session.ui);
                    failed = true;
                }
            }
        }
        if frees && !self.dry_run {
            session.ui.note(
                "the layers take their space until the registry collects its garbage; for distribution's registry: \
                 registry garbage-collect --delete-untagged CONFIG",
            );
        }
        if failed { Err(CliError::AlreadyReported { code: 1 }) } else { Ok(()) }
    }
}

fn line(gone: &Deleted) -> String {
    match gone {
        Deleted::Tag(name) => format!("Untagged: {}", name.familiar()),
        Deleted::Manifest(name) => format!("Deleted: {}", name.familiar()),
    }
}
