use jiff::Timestamp;
use serde_json::{Map, Value, json};

use super::completes::Completes;
use super::error::CliError;
use super::session::Session;
use super::time;
use super::usage::Arity;
use crate::docker::types::HISTORY_ROW;
use crate::ops::history::{HistoryStep, history};
use crate::ui::{OutputFormat, human, render_rows, text};

/// Show the history of an image
///
/// IMAGE is a name or an ID in the store, `docker://NAME` in a registry, or an archive or OCI layout: ./file.tar,
/// docker-archive:PATH[:REF|:@N], oci-archive:PATH[:REF], oci:DIR[:REF].
#[derive(Debug, clap::Args)]
#[command(override_usage = "history [OPTIONS] IMAGE")]
pub(super) struct Args {
    /// Print sizes and dates in human readable format
    #[arg(short = 'H', long, default_value_t = true, num_args = 0..=1, require_equals = true, default_missing_value = "true", action = clap::ArgAction::Set, value_name = "BOOL")]
    human: bool,
    /// Don't truncate output
    #[arg(long)]
    no_trunc: bool,
    /// Only show image IDs
    #[arg(short, long)]
    quiet: bool,
    /// Format output: 'table', 'table TEMPLATE', 'json', or a Go template
    #[arg(long, value_name = "FORMAT", add = Completes::FORMAT)]
    format: Option<String>,
    /// Show history for the given platform: os[/arch[/variant]]
    #[arg(long, value_name = "PLATFORM", add = Completes::PLATFORM)]
    platform: Option<String>,
    /// The image
    #[arg(value_name = "IMAGE", add = Completes::Each(&[Completes::Images]))]
    images: Vec<String>,
}

const TABLE: &str = "table {{.ID}}\t{{.CreatedSince}}\t{{.CreatedBy}}\t{{.Size}}\t{{.Comment}}";
const EXACT_TABLE: &str = "table {{.ID}}\t{{.CreatedAt}}\t{{.CreatedBy}}\t{{.Size}}\t{{.Comment}}";
const HEADERS: [(&str, &str); 6] = [
    ("ID", "IMAGE"),
    ("CreatedSince", "CREATED"),
    ("CreatedAt", "CREATED AT"),
    ("CreatedBy", "CREATED BY"),
    ("Size", "SIZE"),
    ("Comment", "COMMENT"),
];
/// How wide the command may be in a table.
const COMMAND_WIDTH: usize = 45;
/// Docker's `history` does not believe times before 2000.
const FIRST_BELIEVED: i64 = 946_684_800;

impl Args {
    pub(super) fn run(self, session: &Session) -> Result<(), CliError> {
        session.check(Arity::Exactly(1), &self.images)?;
        let format = match self.format.as_deref() {
            None if self.quiet => Some("{{.ID}}"),
            other => other,
        };
        let format = OutputFormat::parse(format, if self.human { TABLE } else { EXACT_TABLE })?;
        let platform = Session::platform(self.platform.as_ref())?;
        let steps = history(&session.context, &self.images[0], platform.as_ref())?;
        let rows: Vec<Map<String, Value>> = steps.iter().map(|step| self.row(session, step)).collect();
        Ok(session.ui.data(&render_rows(&format, &HISTORY_ROW, &HEADERS, &rows)?)?)
    }

    fn row(&self, session: &Session, step: &HistoryStep) -> Map<String, Value> {
        let created = time::seconds(step.entry.created);
        let command = step.entry.created_by.replace('\t', " ");
        let command = if self.no_trunc { command } else { text::ellipsis(&command, COMMAND_WIDTH).into_owned() };
        let id = match &step.id {
            Some(id) if self.no_trunc => id.to_string(),
            Some(id) => id.short().to_string(),
            None => "<missing>".to_owned(),
        };
        let size = if self.human { human::size(step.size, 3) } else { step.size.to_string() };
        let word = |text: String| Value::String(session.ui.word(&text).into_owned());
        let pairs = [
            ("Comment", word(step.entry.comment.clone())),
            ("CreatedAt", json!(time::rfc3339(created))),
            ("CreatedBy", word(command)),
            ("CreatedSince", json!(since(session.now, created))),
            ("ID", json!(id)),
            ("Size", json!(size)),
        ];
        pairs.into_iter().map(|(key, value)| (key.to_owned(), value)).collect()
    }
}

fn since(now: Timestamp, created: Timestamp) -> String {
    if created.as_second() <= FIRST_BELIEVED { "N/A".to_owned() } else { human::ago(now, created) }
}
