use std::io::Write as _;
use std::path::{Path, PathBuf};

use super::completes::Completes;
use super::error::CliError;
use super::session::Session;
use super::usage::Arity;
use crate::ops::diff::images;
use crate::ops::look::Look;
use crate::ops::output::{Readers, Target, to_path};
use crate::ops::report::{Compared, KnownBase, report};
use crate::ops::{Context, Error};

/// Write a page that shows what is in an image
///
/// One HTML file that needs nothing else and asks nothing of any network: what takes the space, which line made it,
/// what can go, how old it is, every file and every package and the layer that brought it. With two images it is about
/// the second, and says what changed since the first. IMAGE is a name or an ID in the store, `docker://NAME` in a
/// registry, or an archive or OCI layout: ./file.tar, docker-archive:PATH[:REF|:@N], oci-archive:PATH[:REF],
/// oci:DIR[:REF].
#[derive(Debug, clap::Args)]
#[command(override_usage = "report [OPTIONS] IMAGE\n       imgtool report [OPTIONS] OLD NEW")]
pub(super) struct Args {
    /// The file to write; - is standard output
    #[arg(short, long, value_name = "FILE", default_value = "report.html", add = Completes::Files)]
    output: PathBuf,
    /// Report on the image for the given platform: os[/arch[/variant]]
    #[arg(long, value_name = "PLATFORM", add = Completes::PLATFORM)]
    platform: Option<String>,
    /// The image, or an older and a newer one
    #[arg(value_name = "IMAGE", add = Completes::Each(&[Completes::Images]))]
    images: Vec<String>,
}

impl Args {
    pub(super) fn run(self, session: &Session) -> Result<(), CliError> {
        session.check(Arity::AtLeast(1), &self.images)?;
        let is_stream = self.output == Path::new("-");
        if is_stream && session.ui.stdout_is_terminal() {
            return Err(CliError::Plain("a page is not written to a terminal: use -o FILE, or a pipe".to_owned()));
        }
        let page = match &self.images[..] {
            [image] => self.page(&session.context, session, image, None)?,
            [old, new] => self.page(&session.context, session, new, Some(old))?,
            more => {
                return Err(CliError::Plain(format!("a report is about one image, or two, not {}", more.len())));
            }
        };
        if is_stream {
            return Ok(session.ui.bytes(&page)?);
        }
        let failed = |source| Error::Io { what: self.output.display().to_string(), source };
        to_path(&self.output, Readers::Umask, session.context.store.job(), |target| {
            match target {
                Target::File(mut file) => file.write_all(&page),
                Target::Stream(stream) => stream.write_all(&page),
            }
            .map_err(failed)
        })?;
        session.ui.note(&format!("wrote {}", self.output.display()));
        Ok(())
    }

    fn page(&self, context: &Context, session: &Session, name: &str, old: Option<&str>) -> Result<Vec<u8>, CliError> {
        let platform = Session::platform(self.platform.as_ref())?;
        let progress = session.progress(false);
        let look = Look::open(context, name, platform.as_ref(), &*progress)?;
        let base = KnownBase::find(context, &look);
        let Some(old_name) = old else { return Ok(report(context, &look, name, None, base.as_ref(), &*progress)?) };
        let old = Look::open(context, old_name, platform.as_ref(), &*progress)?;
        let changes = images(context, old_name, name, platform.as_ref(), &*progress)?;
        let compared = Compared { old: &old, name: old_name, changes: &changes };
        Ok(report(context, &look, name, Some(&compared), base.as_ref(), &*progress)?)
    }
}
