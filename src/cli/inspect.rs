use serde_json::Value;

use super::error::CliError;
use super::session::Session;
use super::usage::Arity;
use crate::ops::inspect::{Inspect, inspect};
use crate::ui::{self, Inspection, TemplateError};

/// Display detailed information on one or more images
///
/// IMAGE is a name or an ID in the store, or an archive or OCI layout: ./file.tar, docker-archive:PATH[:REF|:@N],
/// oci-archive:PATH[:REF], oci:DIR[:REF].
#[derive(Debug, clap::Args)]
#[command(override_usage = "inspect [OPTIONS] IMAGE [IMAGE...]")]
pub(super) struct Args {
    /// Format output using a custom template: 'json', or a Go template
    #[arg(short, long, value_name = "FORMAT")]
    format: Option<String>,
    /// Inspect the image of the given platform: os[/arch[/variant]]
    #[arg(long, value_name = "PLATFORM")]
    platform: Option<String>,
    /// The images
    #[arg(value_name = "IMAGE")]
    images: Vec<String>,
}

/// Docker's exit code for a template that cannot be parsed.
const BAD_TEMPLATE: u8 = 64;

impl Args {
    pub(super) fn run(self, session: &Session) -> Result<(), CliError> {
        session.check(Arity::AtLeast(1), &self.images)?;
        let platform = Session::platforms(self.platform.as_slice())?.pop();
        let (mut items, mut errors) = (Vec::new(), Vec::new());
        for image in &self.images {
            match inspect(&session.context, image, platform.as_ref()) {
                Ok(found) => items.push(found),
                Err(error) => errors.push(CliError::from(error)),
            }
        }
        errors.extend(self.print(session, &items)?.map(CliError::from));
        for error in &errors {
            error.report(&session.ui);
            session.suggest(error);
        }
        if errors.is_empty() { Ok(()) } else { Err(CliError::Told { code: 1 }) }
    }

    fn print(&self, session: &Session, items: &[Inspect]) -> Result<Option<TemplateError>, CliError> {
        let Some(template) = self.format.as_deref().filter(|template| !template.is_empty()) else {
            let items: Vec<Value> = items.iter().map(Inspect::to_json).collect();
            session.ui.data(&ui::inspect_json(&items))?;
            return Ok(None);
        };
        match execute(template, items) {
            Ok(inspection) => {
                session.ui.data(&inspection.text)?;
                Ok(inspection.failure)
            }
            Err(error) => {
                session.ui.error(&error.to_string());
                Err(CliError::Told { code: BAD_TEMPLATE })
            }
        }
    }
}

/// Docker tries a template on its own types first, where every field is there, and then on the JSON; here it is tried on
/// the JSON first, and then with all fields.
fn execute(template: &str, items: &[Inspect]) -> Result<Inspection, TemplateError> {
    let plain: Vec<Value> = items.iter().map(Inspect::to_json).collect();
    let inspection = ui::inspect(template, &plain)?;
    if inspection.failure.is_none() {
        return Ok(inspection);
    }
    let typed: Vec<Value> = items.iter().map(Inspect::to_typed_json).collect();
    ui::inspect_typed(template, &typed)
}
