use std::ffi::OsString;

use serde_json::{Map, Value, json};

use super::common::{Operands, json_name};
use crate::cli::completes::Completes;
use crate::cli::error::CliError;
use crate::cli::session::Session;
use crate::cli::time;
use crate::cli::usage::Arity;
use crate::docker::types::CHANGE_ROW;
use crate::layer::diff::Aspect;
use crate::layer::entry::EntryKind;
use crate::layer::path::Escaped;
use crate::ops::files::life::{Change, ChangeKind, which};
use crate::ui::{OutputFormat, human, render_rows, text};

/// Show which layers brought, changed and deleted a file of an image
///
/// Each with its size, the difference to what was there before, and the command that made the layer. What a higher layer
/// deleted is still in the image: `imgtool cat --layer N IMAGE PATH` shows it. IMAGE is a name or an ID in the store,
/// `docker://NAME` in a registry, or an archive or OCI layout: ./file.tar, docker-archive:PATH[:REF|:@N],
/// oci-archive:PATH[:REF], oci:DIR[:REF].
#[derive(Debug, clap::Args)]
#[command(override_usage = "which [OPTIONS] IMAGE PATH")]
pub(in crate::cli) struct Args {
    /// If PATH is a symbolic link, show what it leads to
    #[arg(short = 'L', long)]
    follow_link: bool,
    /// Don't truncate output
    #[arg(long)]
    no_trunc: bool,
    /// Format output: 'table', 'table TEMPLATE', 'json', or a Go template
    #[arg(long, value_name = "FORMAT", add = Completes::FORMAT)]
    format: Option<String>,
    /// Look at the image for the given platform: os[/arch[/variant]]
    #[arg(long, value_name = "PLATFORM", add = Completes::PLATFORM)]
    platform: Option<String>,
    /// The image, and the path
    #[arg(value_name = "IMAGE", add = Completes::Each(&[Completes::Images]))]
    operands: Vec<OsString>,
}

const TABLE: &str = "table {{.Layer}}\t{{.Change}}\t{{.Size}}\t{{.Difference}}\t{{.What}}\t{{.CreatedBy}}";
const HEADERS: [(&str, &str); 10] = [
    ("Path", "PATH"),
    ("Layer", "LAYER"),
    ("Change", "CHANGE"),
    ("Type", "TYPE"),
    ("Size", "SIZE"),
    ("Difference", "DIFFERENCE"),
    ("What", "WHAT"),
    ("Target", "TARGET"),
    ("CreatedAt", "CREATED AT"),
    ("CreatedBy", "CREATED BY"),
];
/// How wide a command may be in a table.
const COMMAND_WIDTH: usize = 45;

impl Args {
    pub(in crate::cli) fn run(self, session: &Session) -> Result<(), CliError> {
        let Operands { image, paths } = Operands::read(session, self.operands, Arity::Between(1, 2))?;
        let [path] = &paths[..] else {
            return Err(CliError::Plain(format!("one path is needed: imgtool which {image} PATH")));
        };
        let format = OutputFormat::parse(self.format.as_deref(), TABLE)?;
        let platform = Session::platform(self.platform.as_ref())?;
        let progress = session.progress(false);
        let life = which(&session.context, &image, platform.as_ref(), path, self.follow_link, &*progress)?;
        drop(progress);
        let is_json = matches!(format, OutputFormat::Json);
        let shown = [b"/", life.path.as_bytes()].concat();
        let whole = self.no_trunc || is_json;
        let row = |change: &Change| row(session, &shown, change, is_json, whole);
        let rows: Vec<Map<String, Value>> = life.changes.iter().map(row).collect();
        session.ui.data(&render_rows(&format, &CHANGE_ROW, &HEADERS, &rows)?)?;
        let last = life.changes.last().and_then(|change| change.after.as_ref());
        if let (Some(EntryKind::Symlink { target }), false) = (last.map(|last| &last.kind), is_json) {
            let (path, target) = (Escaped(&shown), Escaped(target));
            let more = if self.follow_link { ", where nothing is" } else { "; --follow-link shows what it leads to" };
            session.ui.note(&format!("{path} is a symbolic link to {target}{more}"));
        }
        Ok(())
    }
}

fn row(session: &Session, path: &[u8], change: &Change, is_json: bool, whole: bool) -> Map<String, Value> {
    let size_of = |state: &Option<crate::layer::overlay::PathState>| state.as_ref().map_or(0, |state| state.size);
    let (before, after) = (size_of(&change.before), size_of(&change.after));
    let state = change.after.as_ref().or(change.before.as_ref());
    let what: Vec<&str> = change.aspects.iter().map(|aspect| Aspect::word(*aspect)).collect();
    let difference = i128::from(after) - i128::from(before);
    let signed = format!("{}{}", if difference < 0 { "-" } else { "+" }, human::size(after.abs_diff(before), 3));
    let (size, difference, layer, what) = if is_json {
        (json!(after), json!(i64::try_from(difference).unwrap_or_default()), json!(change.layer + 1), json!(what))
    } else {
        let size = if change.kind == ChangeKind::Deleted { "-".to_owned() } else { human::size(after, 3) };
        (json!(size), json!(signed), json!((change.layer + 1).to_string()), json!(what.join(",")))
    };
    let command = change.step.as_ref().map(|step| step.created_by.replace('\t', " ")).unwrap_or_default();
    let command = if whole { command } else { text::ellipsis(&command, COMMAND_WIDTH).into_owned() };
    let created = change.step.as_ref().and_then(|step| step.created).map(|created| time::seconds(Some(created)));
    let target = match state.map(|state| &state.kind) {
        Some(EntryKind::Symlink { target }) => json_name(target),
        _ => String::new(),
    };
    let word = |text: &str| json!(session.ui.word(text));
    let pairs = [
        ("Change", json!(change.kind.word())),
        ("CreatedAt", json!(created.map(time::rfc3339).unwrap_or_default())),
        ("CreatedBy", word(&command)),
        ("Difference", difference),
        ("Layer", layer),
        ("Path", word(&json_name(path))),
        ("Size", size),
        ("Target", word(&target)),
        ("Type", json!(state.map(|state| kind_word(&state.kind)).unwrap_or_default())),
        ("What", what),
    ];
    pairs.into_iter().map(|(key, value)| (key.to_owned(), value)).collect()
}

fn kind_word(kind: &EntryKind) -> &'static str {
    match kind {
        EntryKind::File | EntryKind::Hardlink { .. } => "file",
        EntryKind::Directory => "directory",
        EntryKind::Symlink { .. } => "symlink",
        EntryKind::CharDevice { .. } => "char-device",
        EntryKind::BlockDevice { .. } => "block-device",
        EntryKind::Fifo => "fifo",
    }
}
