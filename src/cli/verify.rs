use std::path::Path;

use serde_json::json;

use super::error::CliError;
use super::session::Session;
use super::usage::Arity;
use crate::image::check::{Damage, PartName};
use crate::oci::go_json;
use crate::ops::Location;
use crate::ops::verify::{Verified, verify};

/// Verify that images are undamaged
///
/// Reads every byte of an image, or of all images of the store if none is named, and checks digests, sizes, diff IDs,
/// history and the structure of each layer. All damage is reported, and the command ends in 1 if there is any. IMAGE is
/// a name or an ID in the store, `docker://NAME` in a registry, or an archive or OCI layout: ./file.tar,
/// docker-archive:PATH[:REF|:@N], oci-archive:PATH[:REF], oci:DIR[:REF].
#[derive(Debug, clap::Args)]
#[command(override_usage = "verify [OPTIONS] [IMAGE]")]
pub(super) struct Args {
    /// Verify all images of the store, as without IMAGE
    #[arg(short, long)]
    all: bool,
    /// Print nothing: the exit code says whether anything is damaged
    #[arg(short, long)]
    quiet: bool,
    /// Print the result as JSON, one object an image
    #[arg(long, value_name = "FORMAT", value_parser = ["json"])]
    format: Option<String>,
    /// The image, archive or layout
    #[arg(value_name = "IMAGE", add = super::completes::Completes::Each(&[super::completes::Completes::Images]))]
    images: Vec<String>,
}

impl Args {
    pub(super) fn run(self, session: &Session) -> Result<(), CliError> {
        session.check(Arity::AtMost(1), &self.images)?;
        let typed = self.images.first().map(String::as_str);
        if self.all && typed.is_some() {
            return Err(CliError::Plain("--all verifies the whole store: leave out IMAGE, or --all".to_owned()));
        }
        let verified = verify(&session.context, typed, &*session.progress(self.quiet))?;
        let damaged = verified.iter().filter(|image| !image.damage.is_empty()).count();
        if !self.quiet {
            match self.format {
                Some(_) => session.ui.data(&json_lines(&verified))?,
                None => verified.iter().try_for_each(|image| tell(session, image))?,
            }
        }
        if damaged == 0 {
            return Ok(());
        }
        if !self.quiet {
            let place = typed.map(|typed| Location::parse(typed, Path::exists));
            session.ui.error(&sentence(damaged, verified.len(), place.as_ref()));
        }
        Err(CliError::AlreadyReported { code: 1 })
    }
}

fn sentence(damaged: usize, all: usize, place: Option<&Location>) -> String {
    let way_out = match place {
        None | Some(Location::Store(_)) => "load it again to repair it",
        Some(Location::Registry(_)) => "push it again to the registry",
        Some(_) => "get it again from where it came from",
    };
    match (damaged, all) {
        (1, 1) => format!("the image is damaged: {way_out}"),
        (1, _) => format!("1 of {all} images is damaged: {way_out}"),
        _ => format!("{damaged} of {all} images are damaged: {}", way_out.replace(" it", " them")),
    }
}

/// One line for an image that is well, else one for each part that is damaged.
fn tell(session: &Session, image: &Verified) -> Result<(), CliError> {
    if image.damage.is_empty() {
        session.ui.line(&format!("{}: OK", image.name))?;
    }
    for damage in &image.damage {
        session.ui.line(&format!("{}: {}", image.name, line(damage)))?;
    }
    Ok(())
}

fn line(damage: &Damage) -> String {
    let Damage { part, digest, kind, problem } = damage;
    let digest = digest.map(|digest| format!(" ({digest})")).unwrap_or_default();
    format!("{part}{digest} {}: {problem}", kind.as_str())
}

/// One object a line.
fn json_lines(verified: &[Verified]) -> String {
    let mut lines = String::new();
    for image in verified {
        let damage: Vec<_> = image.damage.iter().map(damage_object).collect();
        let object = json!({"Image": image.name, "OK": image.damage.is_empty(), "Damage": damage});
        lines.push_str(&String::from_utf8_lossy(&go_json::to_vec_plain(&object)));
        lines.push('\n');
    }
    lines
}

fn damage_object(damage: &Damage) -> serde_json::Value {
    let (part, layer) = match damage.part {
        PartName::Layer(number) => ("layer".to_owned(), Some(number)),
        other => (other.to_string(), None),
    };
    json!({
        "Part": part,
        "Layer": layer,
        "Digest": damage.digest,
        "Kind": damage.kind.as_str(),
        "Problem": damage.problem,
    })
}
