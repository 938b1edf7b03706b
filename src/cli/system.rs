use clap::Subcommand;
use serde_json::{Map, Value, json};

use super::completes::Completes;
use super::error::CliError;
use super::session::Session;
use super::time;
use super::usage::Arity;
use crate::docker::types;
use crate::go::template::TemplateError;
use crate::oci::Reference;
use crate::ops::df::{ImageUsage, Usage, usage as measure};
use crate::ui::{OutputFormat, human, render_object, render_rows};

/// Manage the store
#[derive(Debug, clap::Args)]
#[command(disable_help_subcommand = true)]
pub(super) struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Df(Df),
    Info(super::info::Args),
}

/// Show disk usage; shared layers are counted once
#[derive(Debug, clap::Args)]
#[command(override_usage = "df [OPTIONS]")]
struct Df {
    /// Show detailed information on space usage
    #[arg(short, long)]
    verbose: bool,
    /// Format output: 'table', 'table TEMPLATE', 'json', or a Go template
    #[arg(long, value_name = "FORMAT", add = Completes::FORMAT)]
    format: Option<String>,
    #[arg(hide = true)]
    extra: Vec<String>,
}

const TABLE: &str = "table {{.Type}}\t{{.TotalCount}}\t{{.Active}}\t{{.Size}}\t{{.Reclaimable}}";
const RAW: &str =
    "type: {{.Type}}\ntotal: {{.TotalCount}}\nactive: {{.Active}}\nsize: {{.Size}}\nreclaimable: {{.Reclaimable}}\n";
const HEADERS: [(&str, &str); 5] =
    [("Type", "TYPE"), ("TotalCount", "TOTAL"), ("Active", "ACTIVE"), ("Size", "SIZE"), ("Reclaimable", "RECLAIMABLE")];
const IMAGE_TABLE: &str = "table {{.Repository}}\t{{.Tag}}\t{{.ID}}\t{{if .CreatedSince}}{{.CreatedSince}}{{else}}N/A{{end}}\t{{.Size}}\t{{.SharedSize}}\t{{.UniqueSize}}\t{{.Containers}}";
/// What docker shows of other things than images: there are none.
const NOTHING_ELSE: &str = "
Containers space usage:

CONTAINER ID   IMAGE     COMMAND   LOCAL VOLUMES   SIZE      CREATED   STATUS    NAMES

Local Volumes space usage:

VOLUME NAME   LINKS     SIZE

Build cache usage: 0B

CACHE ID   CACHE TYPE   SIZE      CREATED   LAST USED   USAGE     SHARED
";
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
            Command::Info(args) => args.run(session),
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
        let text = if self.verbose {
            details(session, self.format.as_deref(), &measured)?
        } else {
            let format = OutputFormat::parse(self.format.as_deref(), TABLE)?.raw(RAW)?;
            render_rows(&format, &types::DISK_USAGE_ROW, &HEADERS, &summary(&measured))?
        };
        Ok(session.ui.data(&text)?)
    }
}

/// All images, and that there is nothing else.
fn details(session: &Session, format: Option<&str>, measured: &Usage) -> Result<String, TemplateError> {
    let mut images: Vec<_> = measured.images.iter().map(|image| row(session, image)).collect();
    match format {
        None | Some("" | "table") => {
            for (row, image) in images.iter_mut().zip(&measured.images) {
                row.insert("ID".to_owned(), json!(image.record.id.short().to_string()));
            }
            let table =
                render_rows(&OutputFormat::parse(None, IMAGE_TABLE)?, &types::IMAGE_ROW, &IMAGE_HEADERS, &images)?;
            let cache = human::size(measured.build_cache.bytes, 4);
            let others = NOTHING_ELSE.replace("usage: 0B", &format!("usage: {cache}"));
            Ok(format!("Images space usage:\n\n{table}{others}"))
        }
        Some(format) => {
            let all = json!({ "Images": images, "Containers": [], "Volumes": [], "BuildCache": [] });
            render_object(format, &types::DISK_USAGE, &all)
        }
    }
}

/// Docker's four kinds; here there are only images and what builds remember.
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
    let records = usize::try_from(measured.build_cache.records).unwrap_or(usize::MAX);
    vec![
        row("Images", measured.images.len(), measured.size),
        row("Containers", 0, 0),
        row("Local Volumes", 0, 0),
        row("Build Cache", records, measured.build_cache.bytes),
    ]
}

/// An image by its first name, as docker has it here.
fn row(session: &Session, image: &ImageUsage) -> Map<String, Value> {
    let record = &image.record;
    let none = || "<none>".to_owned();
    let name = record.names.first().map(|(name, _)| name);
    let created = time::seconds(record.created);
    let pairs = [
        ("Containers", json!("0")),
        ("CreatedAt", json!(time::go_string(created))),
        ("CreatedSince", json!(time::since(session.now, record.created))),
        ("Digest", json!("")),
        ("ID", json!(record.id)),
        ("Repository", json!(name.map_or_else(none, Reference::familiar_name))),
        ("SharedSize", json!(human::size(image.shared, 4))),
        ("Size", json!(human::size(image.size, 3))),
        ("Tag", json!(name.and_then(Reference::tag).map_or_else(none, str::to_owned))),
        ("UniqueSize", json!(human::size(image.size.saturating_sub(image.shared), 4))),
        ("VirtualSize", json!(human::size(image.size, 4))),
    ];
    pairs.into_iter().map(|(key, value)| (key.to_owned(), value)).collect()
}
