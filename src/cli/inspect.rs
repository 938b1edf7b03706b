use serde_json::Value;

use super::completes::Completes;
use super::error::CliError;
use super::session::Session;
use super::usage::Arity;
use crate::go::template::TemplateError;
use crate::ops;
use crate::ops::inspect::{Inspect, inspect};
use crate::ui::{self, Inspection};

/// Display detailed information on one or more images
///
/// IMAGE is a name or an ID in the store, `docker://NAME` in a registry, or an archive or OCI layout: ./file.tar,
/// docker-archive:PATH[:REF|:@N], oci-archive:PATH[:REF], oci:DIR[:REF].
#[derive(Debug, clap::Args)]
#[command(override_usage = "inspect [OPTIONS] IMAGE [IMAGE...]")]
pub(super) struct Args {
    /// Format output using a custom template: 'json', or a Go template
    #[arg(short, long, value_name = "FORMAT", add = Completes::FORMAT)]
    format: Option<String>,
    /// Inspect the image of the given platform: os[/arch[/variant]]
    #[arg(long, value_name = "PLATFORM", add = Completes::PLATFORM)]
    platform: Option<String>,
    /// The images
    #[arg(value_name = "IMAGE", add = Completes::Images)]
    images: Vec<String>,
}

/// Display detailed information on one or more images
///
/// IMAGE is a name or an ID in the store, `docker://NAME` in a registry, or an archive or OCI layout: ./file.tar,
/// docker-archive:PATH[:REF|:@N], oci-archive:PATH[:REF], oci:DIR[:REF].
#[derive(Debug, clap::Args)]
#[command(override_usage = "inspect [OPTIONS] NAME|ID [NAME|ID...]")]
pub(super) struct AnyArgs {
    #[command(flatten)]
    args: Args,
    /// Only inspect objects of the given type; imgtool has only images
    #[arg(long = "type", value_name = "TYPE")]
    kind: Option<String>,
    /// Ignored: imgtool has no containers
    #[arg(short, long)]
    size: bool,
}

/// Docker's exit code for a template that cannot be parsed.
const BAD_TEMPLATE: u8 = 64;
/// The types of things that docker has.
const KINDS: [&str; 10] =
    ["config", "container", "image", "network", "node", "plugin", "secret", "service", "task", "volume"];

impl Args {
    /// `image inspect`.
    pub(super) fn run(self, session: &Session) -> Result<(), CliError> {
        self.run_saying(session, &image_missed)
    }

    fn run_saying(self, session: &Session, missed: &dyn Fn(&str, ops::Error) -> CliError) -> Result<(), CliError> {
        session.check(Arity::AtLeast(1), &self.images)?;
        let platform = Session::platform(self.platform.as_ref())?;
        let (mut items, mut errors) = (Vec::new(), Vec::new());
        for image in &self.images {
            match inspect(&session.context, image, platform.as_ref()) {
                Ok(found) => items.push(found),
                Err(error) => errors.push(missed(image, error)),
            }
        }
        errors.extend(self.print(session, &items)?.into_iter().map(CliError::from));
        for error in &errors {
            error.report(&session.ui);
            session.suggest(error);
        }
        if errors.is_empty() { Ok(()) } else { Err(CliError::AlreadyReported { code: 1 }) }
    }

    fn print(&self, session: &Session, items: &[Inspect]) -> Result<Vec<TemplateError>, CliError> {
        let Some(template) = self.format.as_deref().filter(|template| !template.is_empty()) else {
            let items: Vec<Value> = items.iter().map(Inspect::to_json).collect();
            session.ui.data(&ui::inspect_json(&items))?;
            return Ok(Vec::new());
        };
        let items: Vec<Value> = items.iter().map(Inspect::to_json).collect();
        match ui::inspect(template, &items) {
            Ok(Inspection { text, failures }) => {
                session.ui.data(&text)?;
                Ok(failures)
            }
            Err(error) => {
                session.ui.error(&error.to_string());
                Err(CliError::AlreadyReported { code: BAD_TEMPLATE })
            }
        }
    }
}

impl AnyArgs {
    /// `inspect`, which in docker is for things of all types.
    pub(super) fn run(self, session: &Session) -> Result<(), CliError> {
        session.check(Arity::AtLeast(1), &self.args.images)?;
        match self.kind.as_deref() {
            None => self.args.run_saying(session, &object_missed)?,
            Some("image") => self.args.run(session)?,
            Some(kind) if KINDS.contains(&kind) => return self.none_of(session, kind),
            Some(kind) => {
                let what = if kind.is_empty() { "type is empty".to_owned() } else { format!("unknown type: {kind:?}") };
                let kinds = KINDS.map(|kind| format!("{kind:?}")).join(", ");
                return Err(CliError::Plain(format!("{what}: must be one of {kinds}")));
            }
        }
        if self.size {
            session.ui.note("WARNING: --size ignored for image");
        }
        Ok(())
    }

    /// Whatever is no image, is not here.
    fn none_of(&self, session: &Session, kind: &str) -> Result<(), CliError> {
        session.ui.line(if self.args.format.is_some() { "" } else { "[]" })?;
        for name in &self.args.images {
            session.ui.error(&match kind {
                "container" => format!("No such container: {name}"),
                "volume" => format!("get {name}: no such volume"),
                "network" => format!("network {name} not found"),
                _ => format!("no such {kind}: {name}"),
            });
        }
        Err(CliError::AlreadyReported { code: 1 })
    }
}

/// What `image inspect` says of an image that is not there.
fn image_missed(typed: &str, error: ops::Error) -> CliError {
    match error {
        ops::Error::NoSuchImage(_) | ops::Error::Reference(_) if typed.is_empty() => worded("No such image: ", error),
        ops::Error::NoSuchImage(_) | ops::Error::Reference(_) => {
            worded(&format!("no such image: {typed}: {error}"), error)
        }
        other => other.into(),
    }
}

/// What `inspect` says of it.
fn object_missed(typed: &str, error: ops::Error) -> CliError {
    match error {
        ops::Error::NoSuchImage(_) | ops::Error::Reference(_) if typed.is_empty() => {
            worded("invalid container name or ID: value is empty", error)
        }
        ops::Error::NoSuchImage(_) | ops::Error::Reference(_) => worded(&format!("no such object: {typed}"), error),
        other => other.into(),
    }
}

fn worded(text: &str, error: ops::Error) -> CliError {
    CliError::Reworded { text: text.to_owned(), error: Box::new(error.into()) }
}
