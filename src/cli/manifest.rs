use std::cell::RefCell;
use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use clap::Subcommand;
use serde_json::{Map, Value, json};

use super::completes::Completes;
use super::error::CliError;
use super::session::Session;
use super::target::check_target;
use super::usage::Arity;
use crate::oci::{Digest, MediaType, Platform, Reference};
use crate::ops::Context;
use crate::ops::manifest::{Annotation, ListOptions, Shown, annotate, create, forget, push, show};
use crate::ops::output::{Readers, write_to_path};
use crate::ops::save;
use crate::ui::{manifest_json, verbose_json};

/// Manage image manifests and manifest lists
#[derive(Debug, clap::Args)]
#[command(disable_help_subcommand = true)]
pub(super) struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Annotate(Annotate),
    Create(Create),
    Inspect(InspectArgs),
    Push(Push),
    Rm(Rm),
}

/// Add additional information to a local image manifest: the platform of an image in a manifest list
#[derive(Debug, clap::Args)]
#[command(override_usage = "annotate [OPTIONS] MANIFEST_LIST MANIFEST")]
struct Annotate {
    /// Set architecture
    #[arg(long, value_name = "ARCH")]
    arch: Option<String>,
    /// Set operating system
    #[arg(long, value_name = "OS")]
    os: Option<String>,
    /// Set operating system feature
    #[arg(long, value_name = "FEATURE", value_delimiter = ',')]
    os_features: Vec<String>,
    /// Set operating system version
    #[arg(long, value_name = "VERSION")]
    os_version: Option<String>,
    /// Set architecture variant
    #[arg(long, value_name = "VARIANT")]
    variant: Option<String>,
    /// The manifest list, and an image in it
    #[arg(value_name = "MANIFEST", add = Completes::Each(&[Completes::Images, Completes::Images]))]
    operands: Vec<String>,
}

/// Create a local manifest list for annotating and pushing to a registry
///
/// An image that the store does not have is looked for in its registry, and so is `docker://NAME`, whatever the store
/// has. Its manifest and its config are fetched, no layer.
#[derive(Debug, clap::Args)]
#[command(override_usage = "create MANIFEST_LIST MANIFEST [MANIFEST...]")]
struct Create {
    /// Amend an existing manifest list
    #[arg(short, long)]
    amend: bool,
    /// Allow communication with an insecure registry
    #[arg(long)]
    insecure: bool,
    /// The name of the manifest list, and the images
    #[arg(value_name = "MANIFEST", add = Completes::Images)]
    operands: Vec<String>,
}

/// Display an image manifest, or manifest list
///
/// A name that the store does not have is looked for in its registry, and so is `docker://NAME`, whatever the store has.
/// No layer is fetched.
#[derive(Debug, clap::Args)]
#[command(override_usage = "inspect [OPTIONS] [MANIFEST_LIST] MANIFEST")]
struct InspectArgs {
    /// Output additional info including layers and platform
    #[arg(short, long)]
    verbose: bool,
    /// Allow communication with an insecure registry
    #[arg(long)]
    insecure: bool,
    /// An image, by name or ID in the store, in a registry (`docker://NAME`), or in an OCI layout or archive:
    /// oci:DIR[:REF], oci-archive:PATH[:REF]
    #[arg(value_name = "MANIFEST", add = Completes::Each(&[Completes::Images, Completes::Images]))]
    operands: Vec<String>,
}

/// Push a manifest list to a repository
///
/// It goes to the registry of its name, or to DESTINATION: another name, or oci-archive:PATH. Images that the repository
/// has are not sent; those of other repositories of the registry are mounted; those of other registries have to be in the
/// store.
#[derive(Debug, clap::Args)]
#[command(override_usage = "push [OPTIONS] MANIFEST_LIST [DESTINATION]")]
struct Push {
    /// Remove the local manifest list after push
    #[arg(short, long)]
    purge: bool,
    /// Allow push to an insecure registry
    #[arg(long)]
    insecure: bool,
    /// Send so many blobs at a time
    #[arg(long, value_name = "N", default_value_t = 5, value_parser = clap::value_parser!(u16).range(1..=64))]
    jobs: u16,
    /// The manifest list, and the destination
    #[arg(value_name = "MANIFEST_LIST", add = Completes::Each(&[Completes::Images, Completes::Files]))]
    operands: Vec<String>,
}

/// Delete one or more manifest lists from the store
#[derive(Debug, clap::Args)]
#[command(override_usage = "rm MANIFEST_LIST [MANIFEST_LIST...]")]
struct Rm {
    /// The lists
    #[arg(value_name = "MANIFEST_LIST", add = Completes::Images)]
    operands: Vec<String>,
}

impl Args {
    pub(super) fn run(self, session: &Session) -> Result<(), CliError> {
        match self.command {
            Command::Annotate(args) => args.run(session),
            Command::Create(args) => args.run(session),
            Command::Inspect(args) => args.run(session),
            Command::Push(args) => args.run(session),
            Command::Rm(args) => args.run(session),
        }
    }
}

impl Annotate {
    fn run(self, session: &Session) -> Result<(), CliError> {
        session.check(Arity::Exactly(2), &self.operands)?;
        let annotation = Annotation {
            os: self.os,
            architecture: self.arch,
            variant: self.variant,
            os_version: self.os_version,
            os_features: self.os_features,
        };
        Ok(annotate(&session.context, &self.operands[0], &self.operands[1], &annotation)?)
    }
}

impl Create {
    fn run(self, session: &Session) -> Result<(), CliError> {
        session.check(Arity::AtLeast(2), &self.operands)?;
        if let Err(why) = self.operands[0].parse::<Reference>() {
            let list = &self.operands[0];
            return Err(CliError::Plain(format!("error parsing name for manifest list {list}: {why}")));
        }
        let context = trusting(session, &self.operands, self.insecure);
        let name = create(&context, &self.operands[0], &self.operands[1..], self.amend)?;
        Ok(session.ui.line(&format!("Created manifest list {}", name.canonical()))?)
    }
}

impl InspectArgs {
    fn run(self, session: &Session) -> Result<(), CliError> {
        session.check(Arity::Between(1, 2), &self.operands)?;
        let (list, image) = match self.operands.as_slice() {
            [list, image] => (Some(list.as_str()), image),
            operands => (None, &operands[0]),
        };
        let context = trusting(session, &self.operands, self.insecure);
        let shown = show(&context, list, image, self.verbose)?;
        let text = match (&shown.manifests, self.verbose) {
            (None, false) => manifest_json(&shown.bytes, false),
            (Some(_), false) => manifest_json(&as_docker_lists(&shown.bytes), true),
            (None, true) => verbose_json(&verbose(&shown, shown.descriptor.platform.as_ref())),
            (Some(manifests), true) => {
                // Docker shows a platform of each entry, also where the list does not say any.
                let blank = Platform::new("", "");
                let entry = |shown: &Shown| verbose(shown, shown.descriptor.platform.as_ref().or(Some(&blank)));
                verbose_json(&manifests.iter().map(entry).collect())
            }
        };
        Ok(session.ui.data(&text)?)
    }
}

impl Push {
    fn run(self, session: &Session) -> Result<(), CliError> {
        session.check(Arity::Between(1, 2), &self.operands)?;
        let (list, destination) = (&self.operands[0], self.operands.get(1).map(String::as_str));
        let path = destination.and_then(|text| text.strip_prefix("oci-archive:")).map(Path::new);
        let digest = match path {
            Some(path) => write(session, list, path)?,
            None => self.push(session, list, destination)?,
        };
        session.ui.line(&digest.to_string())?;
        if self.purge {
            forget(&session.context, list)?;
        }
        Ok(())
    }

    fn push(&self, session: &Session, list: &str, destination: Option<&str>) -> Result<Digest, CliError> {
        let context = trusting(session, &self.operands, self.insecure);
        let failed = RefCell::new(None);
        let tell = |image: &Reference| {
            let digest = image.digest().map(ToString::to_string).unwrap_or_default();
            if let Err(error) = session.ui.line(&format!("Pushed ref {} with digest: {digest}", image.canonical())) {
                failed.borrow_mut().get_or_insert(error);
            }
        };
        let options = ListOptions { jobs: self.jobs.into() };
        let digest = push(&context, list, destination, &options, &tell, &*session.progress(false))?;
        failed.into_inner().map_or(Ok(digest), |error| Err(error.into()))
    }
}

/// Writes a list and its images to an archive.
fn write(session: &Session, list: &str, path: &Path) -> Result<Digest, CliError> {
    check_target(path, "push manifest list")?;
    let digest = show(&session.context, None, list, false)?.descriptor.digest;
    let progress = session.progress(false);
    let options =
        save::SaveOptions { format: save::ArchiveFormat::Oci, mtime: Session::epoch()?, ..Default::default() };
    let members = save::plan(&session.context, &[list.to_owned()], &options, &*progress)?;
    write_to_path(&members, path, Readers::Owner, session.context.store.job(), &*progress)?;
    Ok(digest)
}

/// The context in which the registries of what was typed may be insecure, if that is allowed.
fn trusting(session: &Session, typed: &[String], insecure: bool) -> Context {
    let typed = typed.iter().filter(|_| insecure);
    typed.fold(session.context.clone(), |context, typed| context.trusting(typed))
}

impl Rm {
    fn run(self, session: &Session) -> Result<(), CliError> {
        session.check(Arity::AtLeast(1), &self.operands)?;
        let mut failed = false;
        for list in &self.operands {
            if let Err(error) = forget(&session.context, list) {
                CliError::from(error).report(&session.ui);
                failed = true;
            }
        }
        if failed { Err(CliError::AlreadyReported { code: 1 }) } else { Ok(()) }
    }
}

/// A list as docker shows it, which makes it anew of what it keeps of each entry. What cannot be read stays as it is.
fn as_docker_lists(bytes: &[u8]) -> Vec<u8> {
    let Ok(list) = serde_json::from_slice::<Value>(bytes) else { return bytes.to_vec() };
    let entries = list.get("manifests").and_then(Value::as_array).into_iter().flatten();
    let entry = |entry: &Value| {
        let mut kept = picked(entry, &["mediaType", "size", "digest"]);
        let platform = entry.get("platform").unwrap_or(&Value::Null);
        let mut platform = picked(platform, &["architecture", "os", "os.version", "os.features", "variant"]);
        for part in ["architecture", "os"] {
            platform.entry(part).or_insert_with(|| "".into());
        }
        kept.insert("platform".to_owned(), platform.into());
        Value::from(kept)
    };
    let entries: Vec<Value> = entries.map(entry).collect();
    let is_oci = entries.first().is_some_and(|first| first["mediaType"] == MediaType::OCI_MANIFEST.as_str());
    let media_type = if is_oci { MediaType::OCI_INDEX } else { MediaType::DOCKER_MANIFEST_LIST };
    json!({"schemaVersion": 2, "mediaType": media_type, "manifests": entries}).to_string().into_bytes()
}

/// The fields of an object that have those names, in this order.
fn picked(object: &Value, names: &[&str]) -> Map<String, Value> {
    names.iter().filter_map(|name| Some(((*name).to_owned(), object.get(name)?.clone()))).collect()
}

/// A manifest with all that is known of it, in the fields of docker's `--verbose`.
fn verbose(shown: &Shown, platform: Option<&Platform>) -> Value {
    let document: Value = serde_json::from_slice(&shown.bytes).unwrap_or_default();
    let is_docker = shown.descriptor.media_type.as_str().starts_with("application/vnd.docker.");
    let field = if is_docker { "SchemaV2Manifest" } else { "OCIManifest" };
    let mut descriptor = json!({
        "mediaType": shown.descriptor.media_type,
        "digest": shown.descriptor.digest,
        "size": shown.descriptor.size,
    });
    if let Some(platform) = platform {
        descriptor["platform"] = json!(platform);
    }
    json!({ "Ref": shown.reference, "Descriptor": descriptor, "Raw": STANDARD.encode(&shown.bytes), field: document })
}
