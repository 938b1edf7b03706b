use std::cmp::Reverse;
use std::path::Path;

use serde_json::{Map, Value, json};

use super::completes::Completes;
use super::error::CliError;
use super::session::Session;
use super::time;
use super::tree;
use super::usage::Arity;
use crate::docker::types::IMAGE_ROW;
use crate::oci::{Digest, Reference};
use crate::ops::Location;
use crate::ops::filter::Filters;
use crate::ops::images::{ImageRecord, Listing, images, images_at};
use crate::ui::{OutputFormat, human, render_rows};

/// List images
#[derive(Debug, clap::Args)]
#[expect(clippy::struct_excessive_bools, reason = "each is a flag of docker's")]
#[command(override_usage = "images [OPTIONS] [REPOSITORY[:TAG]]")]
pub(super) struct Args {
    /// Show all images (default hides unnamed parents of other images)
    #[arg(short, long)]
    all: bool,
    /// Show digests
    #[arg(long)]
    digests: bool,
    /// Filter output based on conditions provided: dangling=BOOL, label=KEY[=VALUE], before=IMAGE, since=IMAGE, until=TIME,
    /// reference=PATTERN
    #[arg(short, long, value_name = "FILTER", add = Completes::FILTER)]
    filter: Vec<String>,
    /// Format output: 'table', 'table TEMPLATE', 'json', or a Go template
    #[arg(long, value_name = "FORMAT", add = Completes::FORMAT)]
    format: Option<String>,
    /// Don't truncate output
    #[arg(long)]
    no_trunc: bool,
    /// Only show image IDs
    #[arg(short, long)]
    quiet: bool,
    /// Sort by created (newest first), size (largest first) or name
    #[arg(long, value_name = "KEY", value_enum)]
    sort: Option<Sort>,
    /// Reverse the order
    #[arg(long)]
    reverse: bool,
    /// List images and their platforms as a tree
    #[arg(long)]
    tree: bool,
    /// A name, with * and ? as in a shell; or an archive or OCI layout whose images are listed: ./FILE, ./DIR,
    /// docker-archive:FILE, oci-archive:FILE or oci:DIR
    #[arg(value_name = "REPOSITORY[:TAG]", add = Completes::Each(&[Completes::Images]))]
    pattern: Vec<String>,
}

#[derive(Debug, Clone, Copy, clap::ValueEnum)]
enum Sort {
    Created,
    Size,
    Name,
}

const TABLE: &str =
    "table {{.Repository}}\t{{.Tag}}\t{{.ID}}\t{{if .CreatedSince}}{{.CreatedSince}}{{else}}N/A{{end}}\t{{.Size}}";
const DIGEST_TABLE: &str = "table {{.Repository}}\t{{.Tag}}\t{{.Digest}}\t{{.ID}}\t{{if .CreatedSince}}{{.CreatedSince}}{{else}}N/A{{end}}\t{{.Size}}";
const RAW: &str = "repository: {{.Repository}}\ntag: {{.Tag}}\nimage_id: {{.ID}}\ncreated_at: {{.CreatedAt}}\nvirtual_size: {{.Size}}\n";
const DIGEST_RAW: &str = "repository: {{.Repository}}\ntag: {{.Tag}}\ndigest: {{.Digest}}\nimage_id: {{.ID}}\ncreated_at: {{.CreatedAt}}\nvirtual_size: {{.Size}}\n";
const HEADERS: [(&str, &str); 11] = [
    ("ID", "IMAGE ID"),
    ("Repository", "REPOSITORY"),
    ("Tag", "TAG"),
    ("Digest", "DIGEST"),
    ("CreatedSince", "CREATED"),
    ("CreatedAt", "CREATED AT"),
    ("Size", "SIZE"),
    ("Containers", "CONTAINERS"),
    ("VirtualSize", "SIZE"),
    ("SharedSize", "SHARED SIZE"),
    ("UniqueSize", "UNIQUE SIZE"),
];

/// What may stand behind `image`, in docker or here.
const SUBCOMMANDS: [&str; 14] = [
    "build", "history", "import", "inspect", "list", "load", "ls", "prune", "pull", "push", "remove", "rm", "save",
    "tag",
];

/// What to use for an image that is in a registry.
fn in_registry(name: &str) -> CliError {
    let repository = name.parse().map_or_else(|_| "REPOSITORY".to_owned(), |name: Reference| name.familiar_name());
    CliError::Plain(format!(
        "images lists what is in the store, or in an archive or layout; the tags in a registry are listed by imgtool tags \
         {repository}, and one image there is shown by imgtool inspect docker://{name}"
    ))
}

impl Args {
    pub(super) fn run(self, session: &Session) -> Result<(), CliError> {
        session.check(Arity::AtMost(1), &self.pattern)?;
        let (listing, filters) = self.list(session)?;
        for problem in listing.problems {
            session.ui.warn(&CliError::from(problem).sentence());
        }
        let shown = |record: &ImageRecord| self.all || !record.is_intermediate;
        let meant = listing.images.into_iter().filter(shown).filter_map(|record| filters.apply(record));
        let mut records: Vec<ImageRecord> = meant.collect();
        self.sort(&mut records);
        if self.tree {
            self.check_tree()?;
            return Ok(session.ui.data(&tree::render(&session.ui, &records))?);
        }
        let (table, raw) = if self.digests { (DIGEST_TABLE, DIGEST_RAW) } else { (TABLE, RAW) };
        let format = match (self.format.as_deref(), self.quiet) {
            (None | Some("table" | ""), true) => Some("{{.ID}}"),
            (Some("raw"), true) => Some("image_id: {{.ID}}"),
            (format, _) => format,
        };
        let format = OutputFormat::parse(format, table)?.raw(raw)?;
        let mut rows: Vec<_> = records.iter().flat_map(|record| self.rows(session, record)).collect();
        self.sort_rows(&mut rows);
        if rows.is_empty() {
            self.hint(session);
        }
        Ok(session.ui.data(&render_rows(&format, &IMAGE_ROW, &HEADERS, &rows)?)?)
    }

    /// The images of the store, or of an archive or layout if one is named, and which of them are meant.
    fn list(&self, session: &Session) -> Result<(Listing, Filters), CliError> {
        let context = &session.context;
        let typed = self.pattern.first().map(String::as_str).unwrap_or_default();
        let location = Location::parse(typed, Path::exists);
        if let Location::Registry(name) = &location {
            return Err(in_registry(name));
        }
        if !matches!(location, Location::Store(_)) {
            let listing = images_at(context, typed)?;
            let filters = Filters::parse_among(&self.filter, session.now, &|name| listing.created(name))?;
            return Ok((listing, filters));
        }
        let mut filters = Filters::parse(context, &self.filter, session.now)?;
        if !typed.is_empty() {
            filters.add_reference(typed)?;
        }
        Ok((images(context)?, filters))
    }

    /// Images come the newest first.
    fn sort(&self, records: &mut [ImageRecord]) {
        if matches!(self.sort, Some(Sort::Size)) {
            records.sort_by_key(|record| Reverse(record.size));
        }
        if self.reverse {
            records.reverse();
        }
    }

    /// An image has a row for each of its names. What has no name comes last.
    fn sort_rows(&self, rows: &mut [Map<String, Value>]) {
        let Some(Sort::Name) = self.sort else { return };
        let text = |row: &Map<String, Value>, key| row.get(key).and_then(Value::as_str).unwrap_or_default().to_owned();
        rows.sort_by_cached_key(|row| {
            let repository = text(row, "Repository");
            (repository == "<none>", repository, text(row, "Tag"))
        });
        if self.reverse {
            rows.reverse();
        }
    }

    fn check_tree(&self) -> Result<(), CliError> {
        let flags = [
            ("--quiet", self.quiet),
            ("--no-trunc", self.no_trunc),
            ("--show-digest", self.digests),
            ("--format", self.format.is_some()),
        ];
        match flags.into_iter().find(|(_, given)| *given) {
            Some((flag, _)) => Err(CliError::Plain(format!("{flag} is not yet supported with --tree"))),
            None => Ok(()),
        }
    }

    fn rows(&self, session: &Session, record: &ImageRecord) -> Vec<Map<String, Value>> {
        let digest = record.descriptor.digest;
        if record.is_dangling() {
            return vec![self.row(session, record, None, digest)];
        }
        let mut rows = Vec::new();
        for foreign in &record.foreign_names {
            let mut row = self.row(session, record, None, digest);
            row.insert("Repository".to_owned(), Value::String(session.ui.word(foreign).into_owned()));
            rows.push(row);
        }
        // A name with a digest says nothing more than one with a tag that leads to the same.
        let is_said = |(name, digest): &&(Reference, Digest)| {
            let tagged = |(other, target): &(Reference, Digest)| {
                other.tag().is_some() && other.name() == name.name() && (target == digest || !self.digests)
            };
            name.tag().is_some() || !record.names.iter().any(tagged)
        };
        let shown = record.names.iter().filter(is_said);
        rows.extend(shown.map(|(name, digest)| self.row(session, record, Some(name), *digest)));
        rows
    }

    fn row(
        &self,
        session: &Session,
        record: &ImageRecord,
        name: Option<&Reference>,
        digest: Digest,
    ) -> Map<String, Value> {
        let none = || "<none>".to_owned();
        let created = time::seconds(record.created);
        let id = if self.no_trunc { record.id.to_string() } else { record.id.short().to_string() };
        let size = human::size(record.size, 3);
        let pairs = [
            ("Containers", json!("N/A")),
            ("CreatedAt", json!(time::go_string(created))),
            ("CreatedSince", json!(time::since(session.now, record.created))),
            ("Digest", if record.has_manifest { json!(digest) } else { json!("<none>") }),
            ("ID", json!(id)),
            ("Repository", json!(name.map_or_else(none, Reference::familiar_name))),
            ("SharedSize", json!("N/A")),
            ("Size", json!(size)),
            ("Tag", json!(name.and_then(Reference::tag).map_or_else(none, str::to_owned))),
            ("UniqueSize", json!("N/A")),
            ("VirtualSize", json!(human::size(record.size, 4))),
        ];
        pairs.into_iter().map(|(key, value)| (key.to_owned(), value)).collect()
    }

    /// Whoever types `images ls` means another command.
    fn hint(&self, session: &Session) {
        let called = session.called();
        if let Some(file) = self.pattern.first().filter(|word| Path::new(word).is_file()) {
            let program = &called.program;
            session.ui.note(&format!("\nTo list the images in the file {file}, say {program} images ./{file}"));
            return;
        }
        let word = self.pattern.first().filter(|word| SUBCOMMANDS.contains(&word.as_str()));
        if let (true, Some(word)) = (called.names == ["images"], word) {
            let program = called.program;
            session
                .ui
                .note(&format!("\nNo images found matching \"{word}\": did you mean \"{program} image {word}\"?"));
        }
    }
}
