use serde_json::{Value, json};

use super::completes::Completes;
use super::error::CliError;
use super::made::{self, MadeArgs};
use super::session::{self, Session};
use super::usage::Arity;
use crate::image::edit::{Adjustment, ConfigChange, Setting};
use crate::oci::{Platform, Reference};
use crate::ops;
use crate::ops::edit::{EditOptions, Edited, EditedIndex, RunsOn, edit, edit_all};
use crate::ops::remake::Made;

/// Change or remove settings of an image, on the same layers
///
/// The layers stay as they are, byte for byte. Without NAME, the name by which IMAGE was found in the store moves to the
/// new image; of an ID, an archive or an image in a registry, the new image has no name. Of an image for several
/// platforms one is edited: --platform says which, and NAME is needed; with --all, all of them are, in the same way.
///
/// A - removes a setting, and a - behind a name, a port or a volume removes just that: --env DEBUG-, --expose 80-.
/// Values are taken as they stand; with --change, variables are substituted as in a Dockerfile.
#[derive(Debug, clap::Args)]
#[command(override_usage = "edit [OPTIONS] IMAGE [NAME[:TAG]]")]
pub(super) struct Args {
    #[command(flatten)]
    run: RunArgs,
    #[command(flatten)]
    about: AboutArgs,
    /// Edit the images for all platforms, and make an index of them; what is about the images as they were is left out
    #[arg(long)]
    all: bool,
    #[command(flatten)]
    made: MadeArgs,
    /// The image, and a name for the new one
    #[arg(value_name = "IMAGE", add = Completes::Each(&[Completes::Images, Completes::Images]))]
    operands: Vec<String>,
}

/// What containers of the image run, and with what.
#[derive(Debug, clap::Args)]
struct RunArgs {
    /// Set a variable, or remove it (NAME-); may be given several times
    #[arg(short, long, value_name = "NAME=VALUE|NAME-", allow_hyphen_values = true)]
    env: Vec<String>,
    /// Set a label, or remove it (NAME-); may be given several times
    #[arg(short, long, value_name = "NAME=VALUE|NAME-", allow_hyphen_values = true)]
    label: Vec<String>,
    /// Set the entrypoint as a Dockerfile does (a JSON array, or text for the shell), or remove it (-); a new one clears
    /// the command
    #[arg(long, value_name = "COMMAND|-", allow_hyphen_values = true)]
    entrypoint: Option<String>,
    /// Set the command as a Dockerfile does (a JSON array, or text for the shell), or remove it (-)
    #[arg(long, value_name = "COMMAND|-", allow_hyphen_values = true)]
    cmd: Option<String>,
    /// Set the user, or remove it (-)
    #[arg(short, long, value_name = "USER|-", allow_hyphen_values = true)]
    user: Option<String>,
    /// Set the working directory, or remove it (-)
    #[arg(short, long, value_name = "DIR|-", allow_hyphen_values = true)]
    workdir: Option<String>,
    /// Expose a port, or no longer (80-); may be given several times
    #[arg(long, value_name = "PORT|PORT-", allow_hyphen_values = true)]
    expose: Vec<String>,
    /// Make a directory a volume, or no longer (/data-); may be given several times
    #[arg(long, value_name = "DIR|DIR-", allow_hyphen_values = true)]
    volume: Vec<String>,
    /// Set the signal that stops the container, or remove it (-)
    #[arg(long, value_name = "SIGNAL|-", allow_hyphen_values = true)]
    stop_signal: Option<String>,
    /// Set the health check as a Dockerfile does ('[OPTIONS] CMD COMMAND'), disable it (none), or remove it (-)
    #[arg(long, value_name = "CHECK|none|-", allow_hyphen_values = true)]
    healthcheck: Option<String>,
    /// Add an instruction for images that are built on this one, or remove all of them (-)
    #[arg(long, value_name = "INSTRUCTION|-", allow_hyphen_values = true)]
    onbuild: Vec<String>,
    /// Apply Dockerfile instruction before all other changes; may be given several times
    #[arg(short, long, value_name = "INSTRUCTION", allow_hyphen_values = true)]
    change: Vec<String>,
}

/// What the image says of itself.
#[derive(Debug, clap::Args)]
struct AboutArgs {
    /// Set an annotation of the manifest, or remove it (NAME-); may be given several times
    #[arg(long, value_name = "NAME=VALUE|NAME-", allow_hyphen_values = true)]
    annotation: Vec<String>,
    /// Set the author, or remove it (-)
    #[arg(short, long, value_name = "AUTHOR|-", allow_hyphen_values = true)]
    author: Option<String>,
    /// Say that the image is for this operating system
    #[arg(long, value_name = "OS")]
    os: Option<String>,
    /// Say that the image is for this architecture
    #[arg(long, value_name = "ARCH")]
    arch: Option<String>,
    /// Say that the image is for this variant of the architecture, or for no certain one (-)
    #[arg(long, value_name = "VARIANT|-", allow_hyphen_values = true)]
    variant: Option<String>,
    /// Remove commands, authors and comments from the history; one empty step for each layer stays
    #[arg(long)]
    history_strip: bool,
}

impl Args {
    pub(super) fn run(self, session: &Session) -> Result<(), CliError> {
        session.check(Arity::Between(1, 2), &self.operands)?;
        let words = self.words();
        if words.is_empty() && self.operands.len() == 1 {
            return Err(CliError::Plain(format!(
                "nothing to change in {}: {} --help lists what can be",
                self.operands[0],
                session.called().path()
            )));
        }
        let options = self.options(session, words)?;
        if self.all {
            return self.run_all(session, &options);
        }
        let edited = edit(&session.context, &self.operands[0], &options, &*session.progress(false))?;
        tell(session, &edited, "");
        self.made.print(session, &edited.made)
    }

    fn run_all(&self, session: &Session, options: &EditOptions) -> Result<(), CliError> {
        if options.platform.is_some() || options.runs_on != RunsOn::default() {
            let flags = "--platform, --os, --arch and --variant are about one platform, and not for --all";
            return Err(CliError::Plain(flags.to_owned()));
        }
        let progress = session.progress(false);
        let EditedIndex { digest, name, images, left_out } =
            edit_all(&session.context, &self.operands[0], options, &*progress)?;
        drop(progress);
        for (platform, edited) in &images {
            tell(session, edited, &format!("{platform}: "));
        }
        if left_out > 0 {
            session.ui.note(&format!("left out what is about the images as they were: {left_out} of the index"));
        }
        let line = if self.made.is_json() {
            let names: Vec<String> = name.iter().map(Reference::familiar).collect();
            let image = |(platform, edited): &(Platform, Edited)| {
                let Made { id, digest, .. } = &edited.made;
                json!({"Platform": platform.to_string(), "ID": id, "Digest": digest})
            };
            let images: Vec<Value> = images.iter().map(image).collect();
            session::json_line(&json!({"Names": names, "Digest": digest, "Images": images}))
        } else {
            digest.to_string()
        };
        Ok(session.ui.line(&line)?)
    }

    fn options(&self, session: &Session, words: Vec<String>) -> Result<EditOptions, CliError> {
        let words: Vec<String> = std::iter::once("edit".to_owned()).chain(words).collect();
        let none = |value: &String| if value == "-" { String::new() } else { value.clone() };
        let AboutArgs { annotation, author, os, arch, variant, history_strip } = &self.about;
        Ok(EditOptions {
            platform: self.made.platform()?,
            changes: ConfigChange::parse_all(&self.run.change).map_err(ops::Error::from)?,
            adjustments: self.run.adjustments()?,
            author: author.as_ref().map(none),
            runs_on: RunsOn { os: os.clone(), architecture: arch.clone(), variant: variant.as_ref().map(none) },
            annotations: annotation.iter().map(|typed| pair(typed)).collect::<Result<_, _>>()?,
            strips_history: *history_strip,
            stamp: self.made.stamp(session, &words)?,
            name: made::name(self.operands.get(1))?,
        })
    }

    /// The flags that were typed, as the history shows them.
    fn words(&self) -> Vec<String> {
        let AboutArgs { annotation, author, os, arch, variant, history_strip } = &self.about;
        let mut words: Vec<String> = Vec::new();
        let mut add = |flag: &str, value: &String| words.extend([format!("--{flag}"), value.clone()]);
        for value in &self.run.change {
            add("change", value);
        }
        for (flag, _, value) in self.run.settings() {
            add(flag, value);
        }
        for value in annotation {
            add("annotation", value);
        }
        for (flag, value) in [("author", author), ("os", os), ("arch", arch), ("variant", variant)] {
            if let Some(value) = value {
                add(flag, value);
            }
        }
        words.extend(history_strip.then(|| "--history-strip".to_owned()));
        words
    }
}

impl RunArgs {
    /// The settings that were typed, with their flags.
    fn settings(&self) -> Vec<(&'static str, Setting, &String)> {
        let lists = [
            ("env", Setting::Env, &self.env),
            ("label", Setting::Label, &self.label),
            ("expose", Setting::Expose, &self.expose),
            ("volume", Setting::Volume, &self.volume),
            ("onbuild", Setting::Onbuild, &self.onbuild),
        ];
        let single = [
            ("entrypoint", Setting::Entrypoint, &self.entrypoint),
            ("cmd", Setting::Cmd, &self.cmd),
            ("user", Setting::User, &self.user),
            ("workdir", Setting::Workdir, &self.workdir),
            ("stop-signal", Setting::StopSignal, &self.stop_signal),
            ("healthcheck", Setting::Healthcheck, &self.healthcheck),
        ];
        let lists =
            lists.into_iter().flat_map(|(flag, setting, typed)| typed.iter().map(move |one| (flag, setting, one)));
        let single = single.into_iter().filter_map(|(flag, setting, typed)| Some((flag, setting, typed.as_ref()?)));
        lists.chain(single).collect()
    }

    fn adjustments(&self) -> Result<Vec<Adjustment>, CliError> {
        let parse = |(flag, setting, typed): (&str, Setting, &String)| {
            let wrong = |error| CliError::Plain(format!("invalid --{flag} {typed:?}: {error}"));
            Adjustment::parse(setting, typed).map_err(wrong)
        };
        self.settings().into_iter().map(parse).collect()
    }
}

/// Reads `NAME=VALUE`, or `NAME-`.
fn pair(typed: &str) -> Result<(String, Option<String>), CliError> {
    let pair = match typed.split_once('=') {
        Some((name, value)) => Some((name, Some(value.to_owned()))),
        None => typed.strip_suffix('-').map(|name| (name, None)),
    };
    let wrong =
        || CliError::Plain(format!("invalid --annotation {typed:?}: expected NAME=VALUE, or NAME- to remove it"));
    pair.filter(|(name, _)| !name.is_empty()).map(|(name, value)| (name.to_owned(), value)).ok_or_else(wrong)
}

/// Tells what could not be removed, and what went with something else.
fn tell(session: &Session, edited: &Edited, of: &str) {
    let Edited { adjusted, missing_annotations, .. } = edited;
    for missing in &adjusted.missing {
        session.ui.note(&format!("{of}the image has no {missing} to remove"));
    }
    for name in missing_annotations {
        session.ui.note(&format!("{of}the image has no annotation {name} to remove"));
    }
    if let Some(words) = &adjusted.cleared {
        session
            .ui
            .note(&format!("{of}the new entrypoint cleared the command {words:?}, as in a Dockerfile; --cmd sets one"));
    }
}
