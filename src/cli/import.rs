use std::io::{self, IsTerminal as _};
use std::path::{Path, PathBuf};

use super::completes::Completes;
use super::error::CliError;
use super::network::network;
use super::session::{self, Session, variable};
use super::usage::Arity;
use crate::http::Url;
use crate::image::edit::ConfigChange;
use crate::oci::{Platform, Reference};
use crate::ops;
use crate::ops::import::{ImportInput, ImportOptions, Imported, import};

const PLATFORM_HELP: &str =
    "Set platform of the image: os[/arch[/variant]] [default: $DOCKER_DEFAULT_PLATFORM, or this machine's]";

const TIMESTAMP_HELP: &str =
    "Make the image at this time (seconds since 1970, or RFC 3339) [default: $SOURCE_DATE_EPOCH, or now]";

/// Import the contents from a tarball to create a filesystem image
///
/// The tar, compressed or not, becomes the only layer of the new image, byte for byte. It is
/// read from a file, from STDIN (-), or from a web server.
#[derive(Debug, clap::Args)]
#[command(override_usage = "import [OPTIONS] file|URL|- [REPOSITORY[:TAG]]")]
pub(super) struct Args {
    /// Apply Dockerfile instruction to the created image: CMD, ENTRYPOINT, ENV, EXPOSE, HEALTHCHECK, LABEL, ONBUILD,
    /// STOPSIGNAL, USER, VOLUME or WORKDIR; can be repeated
    #[arg(short, long, value_name = "INSTRUCTION", allow_hyphen_values = true)]
    change: Vec<String>,
    /// Set commit message for imported image
    #[arg(short, long, value_name = "MESSAGE", allow_hyphen_values = true)]
    message: Option<String>,
    /// Set platform of the image
    #[arg(long, value_name = "PLATFORM", add = Completes::PLATFORM, help = PLATFORM_HELP)]
    platform: Option<String>,
    /// Keep the config (command, environment, labels and so on) of this image
    #[arg(long, value_name = "IMAGE", add = Completes::Images)]
    config_from: Option<String>,
    /// Make the image at this time
    #[arg(long, value_name = "TIME", help = TIMESTAMP_HELP)]
    timestamp: Option<String>,
    /// Print what was imported as JSON
    #[arg(long, value_name = "FORMAT", value_parser = ["json"])]
    format: Option<String>,
    /// The tar, and a name for the image
    #[arg(value_name = "SOURCE", add = Completes::Each(&[Completes::Files, Completes::Images]))]
    operands: Vec<String>,
}

impl Args {
    pub(super) fn run(self, session: &Session) -> Result<(), CliError> {
        session.check(Arity::AtLeast(1), &self.operands)?;
        session.check(Arity::AtMost(2), &self.operands)?;
        self.import(session).map_err(|error| match &self.operands[..] {
            [name, file] if Path::new(file).is_file() && !Path::new(name).exists() => {
                error.with_hint(format!("did you mean {} {file} {name}?", session.called().path()))
            }
            _ => error,
        })
    }

    fn import(&self, session: &Session) -> Result<(), CliError> {
        let options = self.options(session)?;
        let input = input(&self.operands[0])?;
        let imported = import(&session.context, input, &options, &*session.progress(false))?;
        if self.format.is_some() {
            let Imported { id, digest, layer } = &imported;
            let name = options.name.clone().map(Reference::with_default_tag);
            let object = session::made(name.as_ref(), id, digest, &[*layer]);
            return Ok(session.ui.line(&session::json_line(&object))?);
        }
        Ok(session.ui.line(&imported.id.to_string())?)
    }

    fn options(&self, session: &Session) -> Result<ImportOptions, CliError> {
        let name = self.operands.get(1).filter(|name| !name.is_empty()).map(|name| name.parse::<Reference>());
        Ok(ImportOptions {
            changes: ConfigChange::parse_all(&self.change).map_err(ops::Error::from)?,
            comment: self
                .message
                .clone()
                .filter(|text| !text.is_empty())
                .unwrap_or_else(|| default_message(&self.operands[0])),
            created: session.created(self.timestamp.as_deref())?,
            platform: self.platform()?,
            config_from: self.config_from.clone(),
            name: name.transpose().map_err(ops::Error::from)?,
        })
    }

    /// What was typed; else, if there is no image that knows better, what the environment says.
    fn platform(&self) -> Result<Option<Platform>, CliError> {
        let default = || variable("DOCKER_DEFAULT_PLATFORM").filter(|_| self.config_from.is_none());
        let typed = self.platform.clone().filter(|text| !text.is_empty()).or_else(default);
        typed.map(|text| text.parse().map_err(CliError::Platform)).transpose()
    }
}

/// Docker's words; a password does not go into an image.
fn default_message(source: &str) -> String {
    match source.parse::<Url>() {
        Ok(url) if Url::is_meant(source) && source.contains('@') => format!("Imported from {url}"),
        _ if Url::is_meant(source) => format!("Imported from {source}"),
        _ => "Imported from -".to_owned(),
    }
}

fn input(source: &str) -> Result<ImportInput, CliError> {
    if source == "-" {
        if io::stdin().is_terminal() {
            return Err(CliError::Plain("requested import from stdin, but stdin is empty".to_owned()));
        }
        return Ok(ImportInput::Stream(Box::new(io::stdin())));
    }
    if !Url::is_meant(source) {
        return Ok(ImportInput::Path(PathBuf::from(source)));
    }
    let url = source.parse().map_err(|error| CliError::Plain(format!("{source}: {error}")))?;
    Ok(ImportInput::Url(url, Box::new(network())))
}
