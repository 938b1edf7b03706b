use serde_json::{Map, Value, json};

use super::completes::Completes;
use super::error::CliError;
use super::session::Session;
use super::usage::Arity;
use crate::docker::types::PACKAGE_ROW;
use crate::layer::path::Escaped;
use crate::ops::installed::{Installed, InstalledPackage, Record, Unread};
use crate::ops::packages::{Bill, PackagesOptions, cyclonedx, packages, spdx};
use crate::packages::{Kind, KindError};
use crate::ui::{OutputFormat, human, render_rows};

/// List the packages that are installed in an image
///
/// Read are the records of dpkg (distroless images too), apk, rpm (sqlite and ndb), Python (dist-info, egg-info), npm,
/// gems, composer and Maven (jars, also in jars), and what programs say of themselves that Go 1.18 or later or
/// `cargo auditable` built. NAME is a pattern, as in 'lib*'; without one all packages are listed. LAYER is the layer
/// that the package came with; where its record does not say that, the last layer that changed the record.
///
/// IMAGE is a name or an ID in the store, `docker://NAME` in a registry, or an archive or OCI layout: ./file.tar,
/// docker-archive:PATH[:REF|:@N], oci-archive:PATH[:REF], oci:DIR[:REF].
///
/// Not covered: what was copied or compiled without a record, rpm's old Berkeley DB (RHEL 7 and 8, Amazon Linux 2),
/// pacman, opkg, Nix, programs for Windows or packed ones, and lock files. Licences are given as the records have them, which
/// Debian's have not. The list of a system that cannot be
/// read is an error; of other records it is a warning.
#[derive(Debug, clap::Args)]
#[command(override_usage = "packages [OPTIONS] IMAGE [NAME...]")]
pub(super) struct Args {
    /// List only packages of these types: deb, apk, rpm, python, npm, gem, composer, go, cargo, java
    #[arg(short = 't', long = "type", value_name = "TYPE", value_delimiter = ',', value_parser = kind, add = TYPES)]
    kinds: Vec<Kind>,
    /// Format output: 'table', 'table TEMPLATE', 'json', 'spdx' (SPDX 2.3), 'cyclonedx' (1.6), or a Go template
    #[arg(long, value_name = "FORMAT", add = Completes::Words(&["cyclonedx", "json", "spdx", "table"]))]
    format: Option<String>,
    /// List the packages of the image for the given platform: os[/arch[/variant]]
    #[arg(long, value_name = "PLATFORM", add = Completes::PLATFORM)]
    platform: Option<String>,
    /// The image, and patterns for names
    #[arg(value_name = "IMAGE", add = Completes::Each(&[Completes::Images]))]
    operands: Vec<String>,
}

const TYPES: Completes =
    Completes::Words(&["apk", "cargo", "composer", "deb", "gem", "go", "java", "npm", "python", "rpm"]);
const TABLE: &str = "table {{.Name}}\t{{.Version}}\t{{.Type}}\t{{.Arch}}\t{{.Layer}}";
const HEADERS: [(&str, &str); 9] = [
    ("Name", "NAME"),
    ("Version", "VERSION"),
    ("Type", "TYPE"),
    ("Arch", "ARCH"),
    ("Layer", "LAYER"),
    ("License", "LICENSE"),
    ("Size", "SIZE"),
    ("Purl", "PURL"),
    ("Paths", "PATHS"),
];

fn kind(typed: &str) -> Result<Kind, KindError> {
    typed.parse()
}

impl Args {
    pub(super) fn run(self, session: &Session) -> Result<(), CliError> {
        session.check(Arity::AtLeast(1), &self.operands)?;
        let platform = Session::platform(self.platform.as_ref())?;
        let (image, names) = self.operands.split_first().expect("at least one was checked");
        let options = PackagesOptions { kinds: self.kinds, names: names.to_vec() };
        let format = self.format.as_deref();
        let rows = match format {
            Some("spdx" | "cyclonedx") => None,
            _ => Some(OutputFormat::parse(format, TABLE)?),
        };
        let progress = session.progress(false);
        let (look, found) = packages(&session.context, image, platform.as_ref(), &options, &*progress)?;
        drop(progress);
        if let Some(rows) = rows {
            session.ui.data(&table(session, &rows, &found)?)?;
        } else {
            let bill = Bill::new(&look, &found, session.created(None)?);
            let document = if format == Some("spdx") { spdx(&bill) } else { cyclonedx(&bill) };
            session.ui.line(&serde_json::to_string_pretty(&document).expect("maps have text as keys"))?;
        }
        tell_unread(session, &found.unread)
    }
}

fn table(session: &Session, format: &OutputFormat, found: &Installed) -> Result<String, CliError> {
    let rows: Vec<Map<String, Value>> = found.packages.iter().map(|found| row(session, format, found)).collect();
    Ok(render_rows(format, &PACKAGE_ROW, &HEADERS, &rows)?)
}

fn row(session: &Session, format: &OutputFormat, found: &InstalledPackage) -> Map<String, Value> {
    let is_json = matches!(format, OutputFormat::Json);
    // JSON escapes by itself.
    let word = |text: &str| Value::String(if is_json { text.to_owned() } else { session.ui.word(text).into_owned() });
    let package = &found.package;
    let path = |record: &Record| format!("/{}", Escaped(&record.path));
    let paths: Vec<String> = found.records.iter().map(path).collect();
    // As docker shows sizes in tables.
    let size = if is_json {
        json!(package.size)
    } else {
        json!(package.size.map(|size| human::size(size, 3)).unwrap_or_default())
    };
    let pairs = [
        ("Name", word(&package.name)),
        ("Version", word(&package.version)),
        ("Type", json!(package.kind.word())),
        ("Arch", word(&package.arch)),
        ("Layer", json!(found.layer() + 1)),
        ("License", word(&package.license)),
        ("Size", size),
        ("Purl", word(found.purl.as_deref().unwrap_or_default())),
        ("Paths", if is_json { json!(paths) } else { word(&paths.join(" ")) }),
    ];
    pairs.into_iter().map(|(key, value)| (key.to_owned(), value)).collect()
}

/// Names the records whose packages are missing.
fn tell_unread(session: &Session, unread: &[Unread]) -> Result<(), CliError> {
    for record in unread {
        let text = format!("/{} is not read: {}; its packages are missing", Escaped(&record.path), record.why);
        if record.is_database { session.ui.error(&text) } else { session.ui.warn(&text) }
    }
    let is_lost = unread.iter().any(|record| record.is_database);
    if is_lost { Err(CliError::AlreadyReported { code: 1 }) } else { Ok(()) }
}
