use std::ffi::OsString;

use serde_json::json;

use super::common::{Operands, WhichArgs, json_name, told};
use super::out::Out;
use crate::cli::completes::Completes;
use crate::cli::error::CliError;
use crate::cli::session::{Session, json_line};
use crate::cli::usage::Arity;
use crate::ops::files::sum::{line, sums};

/// Print the SHA-256 of files of an image, as sha256sum does
///
/// Of directories, all files in them. Without a PATH, all files of the image, by paths that `sha256sum -c` finds in the
/// directory that the image is unpacked to. IMAGE is a name or an ID in the store, `docker://NAME` in a registry, or an
/// archive or OCI layout: ./file.tar, docker-archive:PATH[:REF|:@N], oci-archive:PATH[:REF], oci:DIR[:REF].
#[derive(Debug, clap::Args)]
#[command(override_usage = "sum [OPTIONS] IMAGE[:PATH] [PATH...]")]
pub(in crate::cli) struct Args {
    #[command(flatten)]
    which: WhichArgs,
    /// End each line with a NUL byte, and escape no name
    #[arg(short = '0', long)]
    null: bool,
    /// Print one JSON object a line for each file
    #[arg(long, value_name = "FORMAT", value_parser = ["json"])]
    format: Option<String>,
    /// The image, and paths in it
    #[arg(value_name = "IMAGE", add = Completes::Each(&[Completes::Images]))]
    operands: Vec<OsString>,
}

impl Args {
    pub(in crate::cli) fn run(self, session: &Session) -> Result<(), CliError> {
        let Operands { image, mut paths } = Operands::read(session, self.operands, Arity::AtLeast(1))?;
        if paths.is_empty() {
            paths.push(Vec::new());
        }
        let look = self.which.open(session, &image)?;
        let progress = session.progress(false);
        let (found, wrong) = sums(&look, &session.context, &paths, &*progress)?;
        drop(progress);
        let mut out = Out::new(&session.ui, self.null);
        for file in found {
            if self.format.is_some() {
                let digest = file.digest.to_string();
                out.text(&json_line(
                    &json!({"Path": json_name(&file.path), "Digest": digest, "Size": file.node.size()}),
                ));
            } else if self.null {
                out.text(&format!("{}  ", file.digest.hex()));
                out.name(&file.path);
            } else {
                out.name(&line(&file.path, &file.digest));
            }
            out.end()?;
        }
        out.flush()?;
        told(session, wrong, 1)
    }
}
