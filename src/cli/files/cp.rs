use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;

use super::common::{WhichArgs, exists, text};
use crate::cli::completes::Completes;
use crate::cli::error::CliError;
use crate::cli::session::Session;
use crate::cli::target::refuse_terminal;
use crate::cli::usage::Arity;
use crate::layer::overlay::FollowError;
use crate::ops::files::copy::{landing, source, start, to_disk, to_tar};
use crate::ops::files::opened::split_last;
use crate::ops::{Error, FilesError};

/// Copy a file or directory of an image to a local path
///
/// By docker cp's rules: into DEST if that is a directory, else under that name; IMAGE:DIR/. means what is in the
/// directory; `-` writes a tar to standard output. Nothing outside of DEST is written, whatever is in the image. IMAGE
/// is a name or an ID in the store, `docker://NAME` in a registry, or an archive or OCI layout: ./file.tar,
/// docker-archive:PATH[:REF|:@N], oci-archive:PATH[:REF], oci:DIR[:REF].
#[derive(Debug, clap::Args)]
#[command(override_usage = "cp [OPTIONS] IMAGE:SRC_PATH DEST_PATH|-")]
pub(in crate::cli) struct Args {
    #[command(flatten)]
    which: WhichArgs,
    /// Keep owners and groups, as far as this user may
    #[arg(short, long)]
    archive: bool,
    /// Always follow a symbolic link at the end of the source
    #[arg(short = 'L', long)]
    follow_link: bool,
    /// Suppress progress output
    #[arg(short, long)]
    quiet: bool,
    /// What is copied, and where
    #[arg(value_name = "IMAGE:PATH", add = Completes::Each(&[Completes::Images, Completes::Files]))]
    operands: Vec<OsString>,
}

impl Args {
    pub(in crate::cli) fn run(self, session: &Session) -> Result<(), CliError> {
        let shown: Vec<String> = self.operands.iter().map(|word| word.to_string_lossy().into_owned()).collect();
        session.check(Arity::Exactly(2), &shown)?;
        let (from, to) = (&self.operands[0], &self.operands[1]);
        let Some((image, path)) = split_last(from.as_bytes(), exists) else { return Err(no_image(from, to)) };
        let look = self.which.open(session, &text(image)?)?;
        let source = source(&look.view, path, self.follow_link).map_err(|error| not_there(error, path, image))?;
        if to == "-" {
            refuse_terminal(session, None)?;
            let progress = session.progress(self.quiet);
            start(&source, &*progress);
            return Ok(to_tar(&look, &session.context, &source, &mut session.ui.raw(), &*progress)?);
        }
        let landing = landing(&source, Path::new(OsStr::from_bytes(to.as_bytes()))).map_err(Error::from)?;
        let lacking = to_disk(&look, &session.context, &source, &landing, self.archive)?;
        if lacking.devices > 0 {
            let devices = if lacking.devices == 1 { "1 device is an empty file" } else { "devices are empty files" };
            session.ui.warn(&format!("{devices}: only root may make devices"));
        }
        Ok(())
    }
}

/// What is not in the image, in docker's words.
fn not_there(error: FilesError, path: &[u8], image: &[u8]) -> Error {
    match error {
        FilesError::Path { source: FollowError::Missing, .. } => {
            let image = String::from_utf8_lossy(image).into_owned();
            FilesError::NotInImage { path: path.to_vec(), image }.into()
        }
        other => other.into(),
    }
}

/// What to say if the first operand is no image.
fn no_image(from: &OsStr, to: &OsStr) -> CliError {
    let (from, to) = (from.to_string_lossy(), to.to_string_lossy());
    if to.contains(':') {
        let way = "imgtool append adds files to an image, imgtool build makes one of a Dockerfile";
        return CliError::Plain(format!("images are not changed by cp: {way}"));
    }
    CliError::Plain(format!("{from} names no file of an image: imgtool cp IMAGE:PATH {to}"))
}
