use std::fmt::Write as _;
use std::fs::File;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

use super::completes::Completes;
use super::error::CliError;
use super::session::Session;
use super::usage::Arity;
use crate::go::json;
use crate::layer::path::Escaped;
use crate::ops::analysis::ci::Rules;
use crate::ops::analysis::{Analysis, Duplicate, Large, dive_ci_file};
use crate::ops::look::Look;
use crate::ui::table::Table;
use crate::ui::{human, text};

/// Show what takes the space of an image, and what of it could go
///
/// The figures are those of dive, by its formulas. IMAGE is a name or an ID in the store, `docker://NAME` in a registry,
/// or an archive or OCI layout: ./file.tar, docker-archive:PATH[:REF|:@N], oci-archive:PATH[:REF], oci:DIR[:REF].
#[derive(Debug, clap::Args)]
#[command(override_usage = "analyze [OPTIONS] IMAGE")]
pub(super) struct Args {
    #[command(flatten)]
    ci: CiArgs,
    /// Also list files with the same content, across layers and within
    #[arg(long)]
    duplicates: bool,
    /// How many lines of each list to show; 0 for all
    #[arg(long, value_name = "NUMBER", default_value_t = 10)]
    top: usize,
    /// Format output: 'json' is the export of dive, and what dive does not know
    #[arg(long, value_name = "FORMAT", value_parser = ["json"])]
    format: Option<String>,
    /// Analyze the image for the given platform: os[/arch[/variant]]
    #[arg(long, value_name = "PLATFORM", add = Completes::PLATFORM)]
    platform: Option<String>,
    /// The image
    #[arg(value_name = "IMAGE", add = Completes::Each(&[Completes::Images]))]
    images: Vec<String>,
}

/// dive's flags for continuous integration.
#[derive(Debug, clap::Args)]
struct CiArgs {
    /// Judge the image by dive's rules, and end with 1 if it fails one
    #[arg(long)]
    ci: bool,
    /// The file of rules
    #[arg(long, value_name = "FILE", default_value = ".dive-ci", add = Completes::Files)]
    ci_config: PathBuf,
    /// The lowest efficiency that passes, from 0 to 1, or 'disabled' [default: 0.9]
    #[arg(long = "lowestEfficiency", value_name = "RATIO")]
    lowest_efficiency: Option<String>,
    /// The most wasted bytes that pass, as a size like 20MB, or 'disabled' [default: disabled]
    #[arg(long = "highestWastedBytes", value_name = "SIZE")]
    highest_wasted_bytes: Option<String>,
    /// The largest part of all bytes but those of the lowest layer that may be wasted, from 0 to 1, or 'disabled'
    /// [default: 0.1]
    #[arg(long = "highestUserWastedPercent", value_name = "RATIO")]
    highest_user_wasted_percent: Option<String>,
}

impl Args {
    pub(super) fn run(self, session: &Session) -> Result<(), CliError> {
        session.check(Arity::Exactly(1), &self.images)?;
        // A file of rules that is wrong is told before an image is read.
        let rules = if self.ci.ci { Some(self.ci.rules()?) } else { None };
        let platform = Session::platform(self.platform.as_ref())?;
        let progress = session.progress(false);
        let look = Look::open(&session.context, &self.images[0], platform.as_ref(), &*progress)?;
        let most = if self.top == 0 { usize::MAX } else { self.top };
        let analysis = Analysis::of(&session.context, &look, most)?;
        if let Some((rules, said)) = rules {
            let verdict = rules.judge(&analysis.figures);
            if self.format.is_some() {
                json(session, &analysis, &look)?;
            } else {
                session.ui.data(&format!("{said}\n{}", verdict.text))?;
            }
            return if verdict.passes { Ok(()) } else { Err(CliError::AlreadyReported { code: 1 }) };
        }
        if self.format.is_some() {
            return json(session, &analysis, &look);
        }
        let page = Page { session, analysis: &analysis, most };
        Ok(session.ui.data(&page.text(&self.images[0], self.duplicates))?)
    }
}

impl CiArgs {
    /// The rules: the flags count more than the file, and the file more than what dive takes by itself. Also what dive
    /// says of where they are from.
    fn rules(&self) -> Result<(Rules, String), CliError> {
        let failed = |error: &dyn std::fmt::Display| {
            CliError::Plain(format!("{}: {error}", Escaped(self.ci_config.as_os_str().as_encoded_bytes())))
        };
        let (mut rules, said) = match read(&self.ci_config) {
            Ok(text) => {
                let rules = dive_ci_file::parse(&text).map_err(|error| failed(&error))?;
                (rules, format!("  Using CI config: {}", self.ci_config.display()))
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound && self.ci_config == Path::new(".dive-ci") => {
                (Rules::default(), "  Using default CI config".to_owned())
            }
            Err(error) => return Err(failed(&error)),
        };
        let given = [
            (&mut rules.lowest_efficiency, &self.lowest_efficiency),
            (&mut rules.highest_wasted_bytes, &self.highest_wasted_bytes),
            (&mut rules.highest_user_wasted_percent, &self.highest_user_wasted_percent),
        ];
        for (rule, flag) in given {
            if let Some(flag) = flag {
                rule.clone_from(flag);
            }
        }
        Ok((rules, said))
    }
}

fn read(path: &Path) -> io::Result<String> {
    let mut text = String::new();
    File::open(path)?.take(dive_ci_file::MOST_BYTES).read_to_string(&mut text)?;
    Ok(text)
}

fn json(session: &Session, analysis: &Analysis, look: &Look) -> Result<(), CliError> {
    let export = analysis.export(&session.context, look)?;
    Ok(session.ui.data(&format!("{}\n", json::to_string_indent(&export, "  ")))?)
}

/// What is printed.
struct Page<'a> {
    session: &'a Session,
    analysis: &'a Analysis,
    /// The most lines of a list.
    most: usize,
}

/// How wide a command may be in a table.
const COMMAND_WIDTH: usize = 60;

impl Page<'_> {
    fn text(&self, name: &str, duplicates: bool) -> String {
        let mut text = self.summary(name);
        let parts = [self.waste(), self.deleted(), self.inefficient(), self.directories(), self.files()];
        for part in parts.into_iter().chain(duplicates.then(|| self.duplicates())) {
            if !part.is_empty() {
                text.push('\n');
                text.push_str(&part);
            }
        }
        text
    }

    fn summary(&self, name: &str) -> String {
        let Analysis { figures, layers, visible, hidden, .. } = self.analysis;
        let plural = if layers.len() == 1 { "" } else { "s" };
        let percent = |part: f64| if part.is_finite() { format!("{:.2} %", part * 100.0) } else { "0 %".to_owned() };
        let user = if figures.wasted == 0 { "0 %".to_owned() } else { percent(figures.user_wasted()) };
        let again = self.analysis.duplicates.iter().map(Duplicate::wasted).fold(0, u64::saturating_add);
        let rows = [
            ("Image:", self.session.ui.word(name).into_owned()),
            (
                "Size:",
                format!("{} in {} layer{plural}, {} of it visible", size(figures.size), layers.len(), size(*visible)),
            ),
            ("Efficiency:", percent(figures.efficiency)),
            ("Wasted:", format!("{} in {} paths", size(figures.wasted), figures.inefficient.len())),
            ("User wasted:", format!("{user} of what is above the lowest layer")),
            ("Hidden:", format!("{} that later layers deleted or wrote again", size(*hidden))),
            ("Duplicates:", format!("{} in files with the same content", size(again))),
        ];
        rows.iter().fold(String::new(), |text, (what, said)| format!("{text}{what:<13} {said}\n"))
    }

    fn waste(&self) -> String {
        let waste = &self.analysis.waste;
        let mut part = String::new();
        for waste in waste.iter().take(self.most) {
            let layer = &self.analysis.layers[waste.layer];
            let gone = if waste.hidden == waste.size { ", deleted too late" } else { "" };
            let _ = write!(
                part,
                "{:>8}  {} in {} ({} {}, layer {}{gone})\n          {}\n          → {}\n",
                size(waste.size),
                self.analysis.what(waste),
                self.path(&waste.directory),
                waste.files,
                if waste.files == 1 { "file" } else { "files" },
                waste.layer + 1,
                self.command(&layer.step.line),
                self.session.ui.word(&self.analysis.instead(waste)),
            );
        }
        let rest = self.rest(waste.len());
        if part.is_empty() {
            part
        } else {
            format!("NOT NEEDED, the line that brought it, and what to write instead\n{part}{rest}")
        }
    }

    fn deleted(&self) -> String {
        let mut table = Table::new(&["DELETED TOO LATE", "FILES", "PATH", "WRITTEN BY", "DELETED BY"]);
        let step = |layer: usize| {
            let line = &self.analysis.layers[layer].step.line;
            format!("{}: {}", layer + 1, text::ellipsis(&self.session.ui.word(line), COMMAND_WIDTH / 2))
        };
        for deleted in self.analysis.deleted.iter().take(self.most) {
            table.row(&[
                size(deleted.size),
                deleted.files.to_string(),
                self.path(&deleted.path),
                step(deleted.written),
                step(deleted.deleted),
            ]);
        }
        self.list(&table, self.analysis.deleted.len())
    }

    fn inefficient(&self) -> String {
        let mut table = Table::new(&["WASTED", "LAYERS", "PATH"]);
        let inefficient = &self.analysis.figures.inefficient;
        for one in inefficient.iter().take(self.most) {
            table.row(&[size(one.size), one.count.to_string(), self.path(&one.path)]);
        }
        self.list(&table, inefficient.len())
    }

    fn directories(&self) -> String {
        let mut table = Table::new(&["DIRECTORY SIZE", "FILES", "LAYER", "PATH"]);
        for Large { path, size: bytes, layer, files } in &self.analysis.large_directories {
            table.row(&[size(*bytes), files.to_string(), (layer + 1).to_string(), self.path(path)]);
        }
        self.list(&table, self.analysis.large_directories.len())
    }

    fn files(&self) -> String {
        let mut table = Table::new(&["FILE SIZE", "LAYER", "PATH"]);
        for Large { path, size: bytes, layer, .. } in &self.analysis.large_files {
            table.row(&[size(*bytes), (layer + 1).to_string(), self.path(path)]);
        }
        self.list(&table, self.analysis.large_files.len())
    }

    fn duplicates(&self) -> String {
        let mut table = Table::new(&["DUPLICATES", "COPIES", "LAYER", "PATH"]);
        for duplicate in self.analysis.duplicates.iter().take(self.most) {
            let (mut wasted, mut count) = (size(duplicate.wasted()), duplicate.copies.len().to_string());
            for (path, layer) in duplicate.copies.iter().take(self.most) {
                table.row(&[
                    std::mem::take(&mut wasted),
                    std::mem::take(&mut count),
                    (layer + 1).to_string(),
                    self.path(path),
                ]);
            }
        }
        self.list(&table, self.analysis.duplicates.len())
    }

    /// A table that has rows, and how many more there are.
    fn list(&self, table: &Table, rows: usize) -> String {
        if rows == 0 { String::new() } else { format!("{}{}", table.render(), self.rest(rows)) }
    }

    fn rest(&self, rows: usize) -> String {
        let rest = rows.saturating_sub(self.most);
        if rest == 0 { String::new() } else { format!("… and {rest} more: --top 0 shows all\n") }
    }

    fn path(&self, path: &[u8]) -> String {
        if self.session.ui.stdout_is_terminal() {
            Escaped(path).to_string()
        } else {
            String::from_utf8_lossy(path).into_owned()
        }
    }

    fn command(&self, line: &str) -> String {
        text::ellipsis(&self.session.ui.word(line), COMMAND_WIDTH * 2).into_owned()
    }
}

fn size(bytes: u64) -> String {
    human::size(bytes, 3)
}
