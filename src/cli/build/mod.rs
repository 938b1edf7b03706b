//! `build`: flags, and what is shown while it works.

mod cache;
mod fields;
mod flags;
mod output;
mod show;
mod vain;

use std::collections::BTreeMap;
use std::env;
use std::fs;
use std::io::{self, IsTerminal as _, Read as _};
use std::path::{Path, PathBuf};

use self::cache::{CacheTarget, cache_from, cache_to};
use self::flags::{host, secret, ssh, ulimit};
use self::output::Output;
use self::show::Shown;
use super::completes::Completes;
use super::error::CliError;
use super::network::network;
use super::session::{Session, variable};
use super::usage::Arity;
use crate::dockerfile::check::Checked;
use crate::http::{Client, Url};
use crate::layer::Mtime;
use crate::oci::{Platform, Reference};
use crate::ops;
use crate::ops::build::context::{ContextSource, DockerfilePlace, OpenedContext, open};
use crate::ops::build::files::Times;
use crate::ops::build::run::{Network, Runner};
use crate::ops::build::{BuildError, BuildOptions, Built, CacheOptions, build, lint};
use crate::ops::pull::{PullOptions, pull};
use crate::runtime::{Namespaces, Privileges};
use crate::ui::ProgressMode;

/// How many layers of an image are pulled at a time, as docker does it.
const LAYERS: usize = 3;

const TIMESTAMP_HELP: &str = "Make the image at this time (seconds since 1970, or RFC 3339), and no file in its new layers later [default: $SOURCE_DATE_EPOCH, or now]";

/// Build an image from a Dockerfile
///
/// The context is a directory, a tar file, the URL of a tar, or `-`: a tar or a Dockerfile on STDIN. Files that
/// .dockerignore excludes are not in it. No daemon is needed; RUN needs an OCI runtime (crun, runc or youki), all else
/// does not.
#[derive(Debug, clap::Args)]
#[expect(clippy::struct_excessive_bools, reason = "each is a flag")]
#[command(override_usage = "build [OPTIONS] PATH | URL | -")]
pub(super) struct Args {
    /// Add a custom host-to-IP mapping for RUN (format: "host:ip")
    #[arg(long, value_name = "HOST:IP")]
    add_host: Vec<String>,
    /// Set build-time variables (format: "NAME=VALUE", or "NAME" for the environment's)
    #[arg(long, value_name = "NAME=VALUE")]
    build_arg: Vec<String>,
    /// Use what was built elsewhere: an image wherever it is, type=registry,ref=NAME or type=local,src=DIR
    #[arg(long, value_name = "CACHE")]
    cache_from: Vec<String>,
    /// Write what was built for other machines: type=registry,ref=NAME, type=local,dest=DIR or type=inline, with
    /// mode=max also the stages that are not in the image
    #[arg(long, value_name = "CACHE")]
    cache_to: Vec<String>,
    /// Check the Dockerfile and build nothing
    #[arg(long)]
    check: bool,
    /// Name of the Dockerfile (default: "PATH/Dockerfile"); - is STDIN
    #[arg(short, long, value_name = "FILE", add = Completes::Files)]
    file: Option<String>,
    /// Write the image ID to a file
    #[arg(long, value_name = "FILE", add = Completes::Files)]
    iidfile: Option<PathBuf>,
    /// Put the image into the store (the default without --output)
    #[arg(long)]
    load: bool,
    /// Set metadata for an image (format: "NAME=VALUE")
    #[arg(long, value_name = "NAME=VALUE")]
    label: Vec<String>,
    /// Set the networking mode of RUN: host, none or default (host)
    #[arg(long, value_name = "MODE", default_value = "default")]
    network: String,
    /// Do not use what earlier builds made
    #[arg(long)]
    no_cache: bool,
    /// Do not use what earlier builds made of these stages
    #[arg(long, value_name = "STAGE", value_delimiter = ',')]
    no_cache_filter: Vec<String>,
    /// Where the image goes: type=docker|oci|tar|local,dest=PATH, type=image, type=registry, a directory for its files,
    /// or - for a tar of them
    #[arg(short, long, value_name = "OUTPUT", add = Completes::Dirs)]
    output: Vec<String>,
    /// Set platform of the images that stages start from: os[/arch[/variant]]
    #[arg(long, value_name = "PLATFORM", add = Completes::PLATFORM)]
    platform: Option<String>,
    /// Always ask registries for newer images of FROM
    #[arg(long)]
    pull: bool,
    /// Push the image to the registry of its name
    #[arg(long)]
    push: bool,
    /// Suppress the output, and print the image ID
    #[arg(short, long)]
    quiet: bool,
    /// OCI runtime for RUN: a name or a path (default: the first of crun, runc and youki that works)
    #[arg(long, value_name = "RUNTIME")]
    runtime: Option<String>,
    /// Secret for RUN --mount=type=secret (format: "id=NAME[,src=FILE|,env=NAME]")
    #[arg(long, value_name = "SECRET")]
    secret: Vec<String>,
    /// SSH agent for RUN --mount=type=ssh (format: "default|NAME[=SOCKET]")
    #[arg(long, value_name = "AGENT")]
    ssh: Vec<String>,
    /// Name and optionally a tag (format: "name:tag"); can be repeated
    #[arg(short, long, value_name = "NAME", add = Completes::Images)]
    tag: Vec<String>,
    /// Set the target build stage to build
    #[arg(long, value_name = "STAGE")]
    target: Option<String>,
    /// Make the image at this time, and no file in its new layers later
    #[arg(long, value_name = "TIME", help = TIMESTAMP_HELP)]
    timestamp: Option<String>,
    /// Ulimit options for RUN (format: "NAME=SOFT[:HARD]")
    #[arg(long, value_name = "LIMIT")]
    ulimit: Vec<String>,
    #[command(flatten)]
    vain: vain::Flags,
    /// The context
    #[arg(value_name = "PATH", add = Completes::Dirs)]
    operands: Vec<String>,
    /// What the process may do.
    #[arg(skip)]
    privileges: Option<Privileges>,
}

impl Args {
    /// Makes an ordinary user root of a user namespace, which RUN needs. Must be called before there are threads.
    pub(super) fn enter_namespace(&mut self) {
        if !self.check {
            self.privileges = Some(Namespaces::enter_if_needed());
        }
    }

    pub(super) fn run(self, session: &Session) -> Result<(), CliError> {
        session.check(Arity::Exactly(1), &self.operands)?;
        self.vain.note(&session.ui);
        let client = Client::new(&network());
        let outputs = self.outputs(session)?;
        let caches = self.cache_to.iter().map(|text| cache_to(text)).collect::<Result<Vec<_>, _>>()?;
        let mut options = self.options(session, &outputs)?;
        let asked = options.build_args.get("BUILDKIT_INLINE_CACHE").is_some_and(|value| value == "1");
        options.cache.inline = asked || caches.contains(&CacheTarget::Inline);
        // What a build spools may be large, and /tmp is often in memory.
        let _ = tempfile::env::override_temp_dir(&session.context.store.temporary_folder().map_err(ops::Error::from)?);
        let opened = self.open(session, &client)?;
        let checked = lint(&session.context, &opened, &options).map_err(|error| failed(&error))?;
        if self.check {
            return report_check(session, &opened, &checked);
        }
        if let Some(violation) = checked.violation() {
            report_check(session, &opened, &checked).or_else(|_| Ok::<_, CliError>(()))?;
            return Err(CliError::Plain(format!("failed to solve: {violation}")));
        }
        let privileges = self.privileges.clone().unwrap_or_else(Namespaces::enter_if_needed);
        let path = env::var_os("PATH").unwrap_or_default();
        let runner = Runner::new(session.context.store.clone(), privileges, self.runtime.clone(), &path);
        let shown = Shown::new(session, self.quiet);
        let progress = session.progress(self.quiet);
        let fetch = |name: &Reference, platform: Option<&Platform>| {
            let options = PullOptions { platform: platform.cloned(), jobs: LAYERS };
            let pulled = pull(&session.context, std::slice::from_ref(name), &options, &|_, _| {}, &*progress);
            pulled.into_iter().collect::<Result<Vec<_>, _>>().map(drop)
        };
        let built = build(&session.context, &opened, &options, &runner, &client, &fetch, &shown);
        let built = built.map_err(|error| failed(&error))?;
        self.warn(session, &checked);
        if !outputs.is_empty() || !caches.is_empty() {
            // More is to come.
            session.context.store.job().go_on();
        }
        outputs.iter().try_for_each(|output| output.write(session, &built))?;
        caches.iter().try_for_each(|cache| cache.write(session, &built, &options))?;
        self.report(session, &built, &options)
    }

    /// Where the image goes; without any it goes into the store.
    fn outputs(&self, session: &Session) -> Result<Vec<Output>, CliError> {
        let mut outputs = self.output.iter().map(|text| Output::parse(text)).collect::<Result<Vec<_>, _>>()?;
        if self.push {
            outputs.push(Output::pushed());
        }
        if self.load {
            outputs.push(Output::loaded());
        }
        for output in &outputs {
            output.check(session)?;
            if output.is_pushed() && output.names.is_empty() && self.tag.iter().all(String::is_empty) {
                return Err(CliError::Plain("tag is needed when pushing to registry".to_owned()));
            }
            if !output.vain.is_empty() {
                session.ui.note(&format!("without effect in imgtool: {}", output.vain.join(", ")));
            }
        }
        Ok(outputs)
    }

    /// What the rules found, in a line each.
    fn warn(&self, session: &Session, checked: &Checked) {
        if self.quiet || checked.findings.is_empty() || session.progress_mode() == ProgressMode::None {
            return;
        }
        let count = checked.findings.len();
        let (noun, flag) = (if count == 1 { "warning" } else { "warnings" }, "use --check to see the lines");
        session.ui.note(&format!("\n{count} {noun} found ({flag}):"));
        for finding in &checked.findings {
            session.ui.note(&format!(" - {finding}"));
        }
    }

    fn report(&self, session: &Session, built: &Built, options: &BuildOptions) -> Result<(), CliError> {
        if let Some(path) = &self.iidfile {
            let failed =
                |error| CliError::Plain(format!("the image ID cannot be written to {}: {error}", path.display()));
            fs::write(path, built.id.to_string()).map_err(failed)?;
        }
        if self.quiet {
            return Ok(session.ui.line(&built.id.to_string())?);
        }
        session.ui.note(&format!("writing image {}", built.id));
        for name in options.names.iter().filter(|_| options.keep) {
            session.ui.note(&format!("naming to {}", name.clone().with_default_tag().canonical()));
        }
        Ok(())
    }

    fn open(&self, session: &Session, client: &Client) -> Result<OpenedContext, CliError> {
        let typed = self.operands[0].as_str();
        let place = match self.file.as_deref() {
            None | Some("") => DockerfilePlace::Default,
            Some("-") if typed == "-" => {
                return Err(CliError::Plain(
                    "invalid argument: can't use stdin for both build context and dockerfile".to_owned(),
                ));
            }
            Some("-") => DockerfilePlace::Given(stdin()?),
            Some(file) => DockerfilePlace::Named(self.dockerfile(file)),
        };
        let source = if typed == "-" {
            if io::stdin().is_terminal() {
                return Err(CliError::Plain("the context is to come from stdin, but stdin is a terminal".to_owned()));
            }
            ContextSource::Stream(Box::new(io::stdin()))
        } else if Url::is_meant(typed) {
            let url = typed.parse().map_err(|error| CliError::Plain(format!("{typed}: {error}")))?;
            ContextSource::Url(url, client)
        } else {
            ContextSource::Path(PathBuf::from(typed))
        };
        let opened = open(source, &place, &session.context.limits);
        opened.map_err(|error| failed(&BuildError::of_context(self.file.as_deref().unwrap_or("Dockerfile"), error)))
    }

    /// `-f` is a path of this machine; one that is not there may be meant from the context.
    fn dockerfile(&self, file: &str) -> PathBuf {
        let inside = Path::new(&self.operands[0]).join(file);
        if !Path::new(file).exists() && inside.is_file() { inside } else { PathBuf::from(file) }
    }

    fn options(&self, session: &Session, outputs: &[Output]) -> Result<BuildOptions, CliError> {
        let given: Vec<&String> = outputs.iter().flat_map(|output| &output.names).collect();
        let typed = if given.is_empty() { self.tag.iter().collect() } else { given };
        let names = typed.into_iter().filter(|name| !name.is_empty()).map(|name| name.parse::<Reference>());
        let created = session.created(self.timestamp.as_deref())?;
        let is_fixed = self.timestamp.is_some() || Session::is_reproducible();
        let now = Mtime { seconds: created.unix_seconds(), nanos: created.nanoseconds() };
        let platform = self.platform.clone().filter(|text| !text.is_empty());
        let platform = platform.or_else(|| variable("DOCKER_DEFAULT_PLATFORM"));
        let secrets = self.secret.iter().map(|text| secret(text)).collect::<Result<BTreeMap<_, _>, _>>()?;
        Ok(BuildOptions {
            names: names.collect::<Result<_, _>>().map_err(ops::Error::from)?,
            target: self.target.clone().filter(|target| !target.is_empty()),
            platform: platform.map(|text| parse_platform(&text)).transpose()?,
            build_args: self.build_arg.iter().filter_map(|pair| build_arg(pair)).collect(),
            labels: self.label.iter().map(|pair| split(pair)).collect(),
            cache: CacheOptions {
                is_off: self.no_cache,
                off_for: self.no_cache_filter.clone(),
                from: self.cache_from.iter().map(|text| cache_from(text)).collect::<Result<_, _>>()?,
                inline: false,
            },
            keep: outputs.is_empty() || outputs.iter().any(Output::is_kept),
            pull: self.pull,
            jobs: std::thread::available_parallelism().map_or(1, usize::from),
            network: match self.network.as_str() {
                "" | "default" | "host" => Network::Host,
                "none" => Network::None,
                other => {
                    return Err(CliError::Plain(format!("network mode {other:?} is not supported: use host or none")));
                }
            },
            hosts: self.add_host.iter().map(|text| host(text)).collect::<Result<_, _>>()?,
            ulimits: self.ulimit.iter().map(|text| ulimit(text)).collect::<Result<_, _>>()?,
            secrets,
            agents: self.ssh.iter().filter_map(|text| ssh(text)).collect(),
            created,
            times: Times { now, latest: is_fixed.then(|| created.unix_seconds()) },
        })
    }
}

/// Prints what `--check` found; warnings end with 1, as in docker.
fn report_check(session: &Session, opened: &OpenedContext, checked: &Checked) -> Result<(), CliError> {
    let text = String::from_utf8_lossy(&opened.dockerfile.text);
    for line in checked.text(&opened.dockerfile.name, &text).lines() {
        session.ui.line(&session.ui.word(line))?;
    }
    match &checked.problem {
        Some(problem) => Err(CliError::Plain(format!("failed to solve: {problem}"))),
        None if checked.findings.is_empty() => Ok(()),
        None => Err(CliError::AlreadyReported { code: 1 }),
    }
}

fn parse_platform(text: &str) -> Result<Platform, CliError> {
    text.parse().map_err(CliError::Platform)
}

fn stdin() -> Result<Vec<u8>, CliError> {
    /// More than any Dockerfile has.
    const MOST: u64 = 32 << 20;
    let mut text = Vec::new();
    let read = io::stdin().take(MOST + 1).read_to_end(&mut text);
    read.map_err(|error| CliError::Plain(format!("the Dockerfile cannot be read from stdin: {error}")))?;
    if text.len() as u64 > MOST {
        return Err(CliError::Plain(format!("the Dockerfile on stdin has more than {MOST} bytes")));
    }
    Ok(text)
}

/// `NAME=VALUE`; or a name that the environment has.
fn build_arg(pair: &str) -> Option<(String, String)> {
    match pair.split_once('=') {
        Some((name, value)) => Some((name.to_owned(), value.to_owned())),
        None => Some((pair.to_owned(), env::var(pair).ok()?)),
    }
}

fn split(pair: &str) -> (String, String) {
    let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
    (name.to_owned(), value.to_owned())
}

/// The words of an error, behind the lines that it is about.
fn failed(error: &BuildError) -> CliError {
    let place = match &error.lines {
        Some(lines) => format!("{}:{}: ", error.file, lines.start()),
        None => String::new(),
    };
    CliError::Build { excerpt: error.excerpt.clone(), text: format!("failed to solve: {place}{}", error.reason()) }
}
