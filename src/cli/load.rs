use std::io::{self, IsTerminal as _};
use std::path::PathBuf;

use serde_json::{Value, json};

use super::completes::Completes;
use super::error::CliError;
use super::session::Session;
use super::usage::Arity;
use crate::oci::{Reference, go_json};
use crate::ops::load::{LoadOptions, Loaded, SourceInput, load};

/// Load images from an archive or STDIN
///
/// Reads what docker, podman, skopeo, crane, buildkit, jib, kaniko, nix, regctl and others write, compressed or not, and
/// OCI image layouts. The format is detected automatically. Loading is atomic: if verification fails, nothing is loaded.
#[derive(Debug, clap::Args)]
#[command(override_usage = "load [OPTIONS]")]
pub(super) struct Args {
    /// Read from an archive file or an OCI layout folder, instead of STDIN
    #[arg(short, long, value_name = "FILE", add = Completes::Files)]
    input: Option<PathBuf>,
    /// Suppress the progress output
    #[arg(short, long)]
    quiet: bool,
    /// Load only the given platform(s): os[/arch[/variant]],...
    #[arg(long, value_name = "PLATFORM", add = Completes::PLATFORM)]
    platform: Vec<String>,
    /// Refuse to move a name from one image to another
    #[arg(long)]
    no_clobber: bool,
    /// Load the image OLD (a name in the archive, or an image ID) as NEW
    #[arg(long, value_name = "OLD=NEW")]
    tag: Vec<String>,
    /// Replace the registry of all names with this registry and path
    #[arg(long, value_name = "PREFIX")]
    prefix: Option<String>,
    /// Load only the image with this name; can be repeated
    #[arg(long, value_name = "REF", add = Completes::Images)]
    only: Vec<String>,
    /// Verify everything and say what would be loaded, but store nothing
    #[arg(long)]
    dry_run: bool,
    /// Print the loaded images as JSON
    #[arg(long, value_name = "FORMAT", value_parser = ["json"])]
    format: Option<String>,
    #[arg(hide = true)]
    extra: Vec<String>,
}

impl Args {
    pub(super) fn run(self, session: &Session) -> Result<(), CliError> {
        session.check(Arity::None, &self.extra).map_err(|error| match &self.extra[..] {
            [file, ..] if self.input.is_none() => {
                error.with_hint(format!("did you mean {} -i {file}?", session.called().path()))
            }
            _ => error,
        })?;
        let options = self.options()?;
        let input = match self.input {
            Some(path) => SourceInput::Path(path),
            None if io::stdin().is_terminal() => {
                return Err(CliError::Plain("requested load from stdin, but stdin is empty".to_owned()));
            }
            None => SourceInput::Stream(Box::new(io::stdin())),
        };
        let loaded = load(&session.context, input, &options, &*session.progress(self.quiet))?;
        if self.format.is_some() {
            return Ok(session.ui.data(&json_lines(&loaded))?);
        }
        let done = if self.dry_run { "Would load" } else { "Loaded" };
        loaded.iter().try_for_each(|image| tell(session, image, done))
    }

    fn options(&self) -> Result<LoadOptions, CliError> {
        let name = |text: &str| text.parse::<Reference>().map(Reference::with_default_tag);
        let mut rename = Vec::new();
        for pair in &self.tag {
            let Some((old, new)) = pair.split_once('=') else {
                return Err(CliError::Plain(format!("invalid --tag {pair:?}: expected OLD=NEW")));
            };
            let new = new.parse::<Reference>().map_err(crate::ops::Error::from)?;
            rename.push((old.to_owned(), crate::ops::naming::checked(new)?));
        }
        let only =
            self.only.iter().map(|text| name(text)).collect::<Result<_, _>>().map_err(crate::ops::Error::from)?;
        Ok(LoadOptions {
            platforms: Session::platforms(&self.platform)?,
            no_clobber: self.no_clobber,
            rename,
            prefix: self.prefix.clone(),
            only,
            dry_run: self.dry_run,
        })
    }
}

/// Docker's lines.
fn tell(session: &Session, image: &Loaded, done: &str) -> Result<(), CliError> {
    for loaded in &image.names {
        let name = loaded.name.familiar();
        if let Some(old) = &loaded.moved_from {
            let line = format!("The image {name} already exists, renaming the old one with ID {old} to empty string");
            session.ui.line(&line)?;
        }
        session.ui.line(&format!("{done} image: {name}"))?;
    }
    if image.names.is_empty() {
        session.ui.line(&format!("{done} image ID: {}", image.id))?;
    }
    Ok(())
}

/// One object a line.
fn json_lines(loaded: &[Loaded]) -> String {
    let mut lines = String::new();
    for image in loaded {
        let names: Vec<String> = image.names.iter().map(|loaded| loaded.name.familiar()).collect();
        let moved: serde_json::Map<String, Value> =
            image.names.iter().filter_map(|loaded| Some((loaded.name.familiar(), json!(loaded.moved_from?)))).collect();
        let object = json!({
            "ID": image.id,
            "Names": names,
            "Digest": image.digest,
            "Layers": image.layers,
            "MovedFrom": moved,
        });
        lines.push_str(&String::from_utf8_lossy(&go_json::to_vec_plain(&object)));
        lines.push('\n');
    }
    lines
}
