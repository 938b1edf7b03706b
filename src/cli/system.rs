use clap::Subcommand;
use serde_json::{Map, Value, json};

use super::error::CliError;
use super::session::Session;
use super::usage::Arity;
use crate::oci::Reference;
use crate::ops::df::{ImageUsage, Usage, usage as measure};
use crate::ui::{Format, human, render_rows};

/// Manage the store
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Df(Df),
}

/// Show disk usage: layers that several images have count once
#[derive(Debug, clap::Args)]
#[command(override_usage = "df [OPTIONS]")]
struct Df {
    /// Show detailed information on space usage
    #[arg(short, long)]
    verbose: bool,
    /// Format output: 'table', 'table TEMPLATE', 'json', or a Go template
    #[arg(long, value_name = "FORMAT")]
    format: Option<String>,
    #[arg(hide = true)]
    extra: Vec<String>,
}

const TABLE: &str = "table {{.Type}}\t{{.TotalCount}}\t{{.Active}}\t{{.Size}}\t{{.Reclaimable}}";
const HEADERS: [(&str, &str); 5] =
    [("Type", "TYPE"), ("TotalCount", "TOTAL"), ("Active", "ACTIVE"), ("Size", "SIZE"), ("Reclaimable", "RECLAIMABLE")];
const IMAGE_TABLE: &str = "table {{.Repository}}\t{{.Tag}}\t{{.ID}}\t{{.CreatedSince}}\t{{.Size}}\t{{.SharedSize}}\t{{.UniqueSize}}\t{{.Containers}}";
const IMAGE_HEADERS: [(&str, &str); 8] = [
    ("Repository", "REPOSITORY"),
    ("Tag", "TAG"),
    ("ID", "IMAGE ID"),
    ("CreatedSince", "CREATED"),
    ("Size", "SIZE"),
    ("SharedSize", "SHARED SIZE"),
    ("UniqueSize", "UNIQUE SIZE"),
    ("Containers", "CONTAINERS"),
];

impl Args {
    pub(super) fn run(self, session: &Session) -> Result<(), CliError> {
        match self.command {
            Command::Df(args) => args.run(session),
        }
    }
}

impl Df {
    fn run(self, session: &Session) -> Result<(), CliError> {
        session.check(Arity::None, &self.extra)?;
        let measured = measure(&session.context)?;
        for problem in &measured.problems {
            session.ui.warn(&problem.to_string());
        }
        if !self.verbose {
            let format = Format::parse(self.format.as_deref(), TABLE)?;
            return Ok(session.ui.data(&render_rows(&format, &HEADERS, &summary(&measured))?)?);
        }
        let rows: Vec<_> = measured.images.iter().flat_map(|image| rows(session, image)).collect();
        if self.format.is_none() {
            session.ui.line("Images space usage:\n")?;
        }
        let format = Format::parse(self.format.as_deref(), IMAGE_TABLE)?;
        Ok(session.ui.data(&render_rows(&format, &IMAGE_HEADERS, &rows)?)?)
    }
}

/// Docker's four kinds; here there are only images.
fn summary(measured: &Usage) -> Vec<Map<String, Value>> {
    let row = |kind: &str, count: usize, size: u64| {
        let size = human::size(size, 4);
        let reclaimable = if count > 0 { format!("{size} (100%)") } else { size.clone() };
        let pairs = [
            ("Active", json!("0")),
            ("Reclaimable", json!(reclaimable)),
            ("Size", json!(size)),
            ("TotalCount", json!(count.to_string())),
            ("Type", json!(kind)),
        ];
        pairs.into_iter().map(|(key, value)| (key.to_owned(), value)).collect()
    };
    vec![
        row("Images", measured.images.len(), measured.size),
        row("Containers", 0, 0),
        row("Local Volumes", 0, 0),
        row("Build Cache", 0, 0),
    ]
}

fn rows(session: &Session, image: &ImageUsage) -> Vec<Map<String, Value>> {
    let record = &image.record;
    let none = || "<none>".to_owned();
    let row = |name: Option<&Reference>| {
        let pairs = [
            ("Containers", json!("0")),
            ("CreatedSince", json!(human::ago(session.now, super::time::seconds(record.created)))),
            ("ID", json!(record.id.short().to_string())),
            ("Repository", json!(name.map_or_else(none, Reference::familiar_name))),
            ("SharedSize", json!(human::size(image.shared, 4))),
            ("Size", json!(human::size(record.size, 4))),
            ("Tag", json!(name.and_then(Reference::tag).map_or_else(none, str::to_owned))),
            ("UniqueSize", json!(human::size(record.size.saturating_sub(image.shared), 4))),
        ];
        pairs.into_iter().map(|(key, value)| (key.to_owned(), value)).collect()
    };
    if record.names.is_empty() {
        return vec![row(None)];
    }
    record.names.iter().map(|(name, _)| row(Some(name))).collect()
}
