use serde_json::{Map, Value, json};

use crate::cli::completes::Completes;
use crate::cli::error::CliError;
use crate::cli::session::Session;
use crate::cli::time;
use crate::cli::usage::Arity;
use crate::docker::types::LAYER_ROW;
use crate::ops::files::layers::{LayerRow, layers};
use crate::ui::{OutputFormat, human, render_rows, text};

/// Show the layers of an image: sizes, number of files, what made each, and which images share it
///
/// The lowest layer is number 1: so other commands name it, as in `imgtool ls --layer 1`. PACKED is the size of the blob,
/// TAR that of the uncompressed layer, FILES counts names that are no directories, DELETES those of lower layers that it
/// hides. SHARED BY is one of the other images of the store that have it, and how many more. IMAGE is a name or an ID in the store, `docker://NAME` in a registry, or an archive or OCI layout: ./file.tar,
/// docker-archive:PATH[:REF|:@N], oci-archive:PATH[:REF], oci:DIR[:REF].
#[derive(Debug, clap::Args)]
#[command(override_usage = "layers [OPTIONS] IMAGE")]
pub(in crate::cli) struct Args {
    /// Don't truncate output
    #[arg(long)]
    no_trunc: bool,
    /// Format output: 'table', 'table TEMPLATE', 'json', or a Go template
    #[arg(long, value_name = "FORMAT", add = Completes::FORMAT)]
    format: Option<String>,
    /// Show the layers for the given platform: os[/arch[/variant]]
    #[arg(long, value_name = "PLATFORM", add = Completes::PLATFORM)]
    platform: Option<String>,
    /// The image
    #[arg(value_name = "IMAGE", add = Completes::Each(&[Completes::Images]))]
    images: Vec<String>,
}

const TABLE: &str =
    "table {{.Number}}\t{{.Digest}}\t{{.Packed}}\t{{.Tar}}\t{{.Files}}\t{{.Deletes}}\t{{.Shared}}\t{{.CreatedBy}}";
const HEADERS: [(&str, &str); 12] = [
    ("Number", "LAYER"),
    ("Digest", "DIGEST"),
    ("DiffID", "DIFF ID"),
    ("MediaType", "MEDIA TYPE"),
    ("Packed", "PACKED"),
    ("Tar", "TAR"),
    ("Size", "SIZE"),
    ("Files", "FILES"),
    ("Deletes", "DELETES"),
    ("Shared", "SHARED BY"),
    ("CreatedAt", "CREATED AT"),
    ("CreatedBy", "CREATED BY"),
];
/// How wide a command may be in a table.
const COMMAND_WIDTH: usize = 45;

impl Args {
    pub(in crate::cli) fn run(self, session: &Session) -> Result<(), CliError> {
        session.check(Arity::Exactly(1), &self.images)?;
        let format = OutputFormat::parse(self.format.as_deref(), TABLE)?;
        let platform = Session::platform(self.platform.as_ref())?;
        let rows = layers(&session.context, &self.images[0], platform.as_ref())?;
        let is_json = matches!(format, OutputFormat::Json);
        let rows: Vec<Map<String, Value>> = rows.iter().map(|row| self.row(session, row, is_json)).collect();
        Ok(session.ui.data(&render_rows(&format, &LAYER_ROW, &HEADERS, &rows)?)?)
    }

    fn row(&self, session: &Session, row: &LayerRow, is_json: bool) -> Map<String, Value> {
        let size = |bytes: Option<u64>| match bytes {
            Some(bytes) if is_json => json!(bytes),
            Some(bytes) => json!(human::size(bytes, 3)),
            None if is_json => Value::Null,
            None => json!("-"),
        };
        let count = |count: Option<u64>| match count {
            Some(count) if is_json => json!(count),
            Some(count) => json!(count.to_string()),
            None if is_json => Value::Null,
            None => json!("-"),
        };
        let whole = self.no_trunc || is_json;
        let digest = match row.digest {
            Some(digest) if whole => digest.to_string(),
            Some(digest) => digest.short().to_string(),
            None => "<none>".to_owned(),
        };
        let diff_id = row.diff_id.digest();
        let command = row.step.as_ref().map(|step| step.created_by.replace('\t', " ")).unwrap_or_default();
        let command = if whole { command } else { text::ellipsis(&command, COMMAND_WIDTH).into_owned() };
        let created = row.step.as_ref().and_then(|step| step.created).map(|created| time::seconds(Some(created)));
        let shared = match row.shared.first() {
            _ if is_json => json!(row.shared),
            None => json!("-"),
            Some(_) if whole => {
                json!(row.shared.iter().map(|name| session.ui.word(name)).collect::<Vec<_>>().join(","))
            }
            Some(name) if row.shared.len() == 1 => json!(session.ui.word(name)),
            Some(name) => json!(format!("{} +{}", session.ui.word(name), row.shared.len() - 1)),
        };
        let number = if is_json { json!(row.number) } else { json!(row.number.to_string()) };
        let content = row.content;
        let pairs = [
            ("CreatedAt", json!(created.map(time::rfc3339).unwrap_or_default())),
            ("CreatedBy", json!(session.ui.word(&command))),
            ("Deletes", count(content.map(|content| content.deletes))),
            ("DiffID", json!(if whole { diff_id.to_string() } else { diff_id.short().to_string() })),
            ("Digest", json!(digest)),
            ("Files", count(content.map(|content| content.files))),
            ("MediaType", json!(session.ui.word(row.media_type.as_deref().unwrap_or_default()))),
            ("Number", number),
            ("Packed", size(row.packed)),
            ("Shared", shared),
            ("Size", size(content.map(|content| content.size))),
            ("Tar", size(content.map(|content| content.tar))),
        ];
        pairs.into_iter().map(|(key, value)| (key.to_owned(), value)).collect()
    }
}
