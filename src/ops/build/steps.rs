//! The steps that make layers: `COPY`, `ADD`, `RUN` and `WORKDIR`.

use std::io;
use std::sync::Arc;

use super::base::BaseImage;
use super::error::Why;
use super::files::{CopyRequest, Layers, Origin, make_directory, select};
use super::history;
use super::key::Key;
use super::layers::{StageLayer, StageLayers};
use super::maker::Maker;
use super::plan::From;
use super::run::{Below, BindSource, Network, RunMount, RunRequest, command};
use super::stage::{Making, Step};
use crate::dockerfile::{Copy, Instruction, MountKind, MountSpec, Run, parse_mount};
use crate::image::contents::LayerStack;
use crate::layer::Overlay;
use crate::oci::Digest;
use crate::store::{MadeStep, Quarantine, VerifiedLayer};

/// An empty tar: two blocks of zeros.
const EMPTY: [u8; 1024] = [0; 1024];

/// The shell of `RUN` where `SHELL` says nothing.
const SHELL: [&str; 2] = ["/bin/sh", "-c"];

impl Making<'_> {
    /// A step that makes a layer, or was made before.
    fn layer_step(
        &mut self,
        original: &str,
        key: &Digest,
        created_by: String,
        make: impl FnOnce(&mut Self, usize, &Quarantine) -> Result<Option<VerifiedLayer>, Why>,
    ) -> Result<Step, Why> {
        let (number, name) = (self.maker.number(), self.name(original));
        self.maker.watch.begin(number, &name);
        let step = self.maker.step(self.place, key, number, |quarantine| make(self, number, quarantine));
        match step {
            Ok(MadeStep { created, layer }) => {
                self.go_on(key);
                let layer = layer.map(|layer| StageLayer { descriptor: layer.descriptor, diff_id: layer.diff_id });
                Ok(Step { layer, created, created_by })
            }
            Err(why) => {
                match &why {
                    Why::Ended => self.maker.watch.ended(number),
                    why => self.maker.watch.failed(number, &why.in_short()),
                }
                Err(why)
            }
        }
    }

    /// The step of a `WORKDIR`, whose directory is made if it is missing.
    pub(super) fn directory(&mut self, original: &str, created_by: String) -> Result<Step, Why> {
        let config = self.config().clone();
        let below = self.stage.layers.clone();
        let times = self.maker.options.times;
        let latest = times.latest.map(|latest| latest.to_string());
        let key =
            Key::on("workdir", &below).put(&config.working_dir).put(&config.user).maybe(latest.as_deref()).finish();
        self.layer_step(original, &key, created_by, |making, _, quarantine| {
            let context = making.maker.context;
            let (view, contents) = (below.view(context)?, below.contents(context)?);
            let layers = Layers { view: &view, contents: &contents, diff_ids: below.diff_ids() };
            let user = Some(config.user.as_str()).filter(|user| !user.is_empty());
            Ok(make_directory(layers, &config.working_dir, user, times, quarantine)?)
        })
    }

    /// `COPY` and `ADD`.
    pub(super) fn copy(&mut self, copy: &Copy, instruction: &Instruction, original: &str) -> Result<(), Why> {
        let is_add = matches!(instruction, Instruction::Add(_));
        let created_by = history::created_by(instruction, self.config());
        let request = CopyRequest {
            is_add,
            sources: copy.sources.clone(),
            heredocs: copy.heredocs.iter().map(|file| (file.name.clone(), file.content.clone().into_bytes())).collect(),
            destination: copy.destination.clone(),
            workdir: self.config().working_dir.clone(),
            chown: copy.chown.clone().filter(|chown| !chown.is_empty()),
            chmod: copy.chmod.clone().filter(|chmod| !chmod.is_empty()),
            link: copy.link,
            parents: copy.parents,
            excludes: copy.excludes.clone(),
            checksum: copy.checksum.clone().filter(|checksum| !checksum.is_empty()),
            unpack: copy.unpack,
        };
        let below = self.stage.layers.clone();
        let step = match copy.from.as_deref().map(|from| self.layers_of(from)).transpose()? {
            None => {
                let origin = Origin::Context(&self.maker.opened.context);
                self.copy_step(origin, &request, &below, original, created_by)?
            }
            Some(from) => {
                let context = self.maker.context;
                let (view, contents) = (from.view(context)?, from.contents(context)?);
                let layers = Layers { view: &view, contents: &contents, diff_ids: from.diff_ids() };
                self.copy_step(Origin::Image(layers), &request, &below, original, created_by)?
            }
        };
        self.add(step);
        Ok(())
    }

    fn copy_step(
        &mut self,
        origin: Origin<'_>,
        request: &CopyRequest,
        below: &StageLayers,
        original: &str,
        created_by: String,
    ) -> Result<Step, Why> {
        let maker = self.maker;
        let tools = maker.tools();
        let owners = OwnersBelow::of(below, request, maker)?;
        let selection = select(origin, request, owners.layers(below), &tools)?;
        let sources = maker.with_hashes(|hashes| selection.key(hashes))?;
        let latest = tools.times.latest.map(|latest| latest.to_string());
        let key = Key::on(if request.is_add { "add" } else { "copy" }, below)
            .put(&request.destination)
            .put(&request.workdir)
            .put(sources.to_string())
            .all(&request.sources)
            .maybe(request.chown.as_deref())
            .maybe(request.chmod.as_deref())
            .put([u8::from(request.link), u8::from(request.parents)])
            .maybe(request.unpack.map(|unpack| if unpack { "1" } else { "0" }))
            .maybe(latest.as_deref())
            .finish();
        self.layer_step(original, &key, created_by, |making, _, quarantine| {
            let context = making.maker.context;
            let (view, contents) = (below.view(context)?, below.contents(context)?);
            let layers = Layers { view: &view, contents: &contents, diff_ids: below.diff_ids() };
            Ok(Some(selection.write(layers, &tools, quarantine, "the new layer", &|_| {})?))
        })
    }

    /// The layers of a stage or an image that `--from` names.
    fn layers_of(&self, from: &str) -> Result<StageLayers, Why> {
        match self.maker.names.from(from, self.place) {
            From::Stage(place) => Ok(self.other(place)?.layers.clone()),
            From::Image(name) if name == "scratch" => Ok(StageLayers::default()),
            From::Image(name) => {
                let BaseImage { layers, .. } = self.maker.bases.find(&name, self.maker.options.platform.as_ref())?;
                Ok(layers)
            }
        }
    }

    /// `RUN`.
    pub(super) fn run(&mut self, run: &Run, original: &str) -> Result<(), Why> {
        if run.security.as_deref() == Some("insecure") {
            let text = "RUN --security=insecure is not allowed: programs never get more rights than a container's";
            return Err(Why::Refused(text.to_owned()));
        }
        let config = self.config().clone();
        let shell = config.shell.clone().filter(|shell| !shell.is_empty());
        let shell = shell.unwrap_or_else(|| SHELL.map(ToOwned::to_owned).to_vec());
        let program = command(run, &shell);
        let args: Vec<(String, String)> =
            self.stage.scope.declared().map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
        let network = match run.network.as_deref() {
            Some("none") => Network::None,
            Some("host") => Network::Host,
            _ => self.maker.options.network,
        };
        let specs = run.mounts.iter().map(|mount| parse_mount(mount)).collect::<Result<Vec<_>, _>>()?;
        let mounts = specs.into_iter().map(|spec| self.mount(spec)).collect::<Result<Vec<_>, _>>()?;
        let env = self.stage.scope.environment();
        let latest = self.maker.options.times.latest.map(|latest| latest.to_string());
        let below = self.stage.layers.clone();
        let script: Vec<String> = program.script.iter().flat_map(|(name, text)| [name.clone(), text.clone()]).collect();
        let key = Key::on("run", &below)
            .all(&program.args)
            .all(&script)
            .all(&env)
            .put(&config.working_dir)
            .put(&config.user)
            .put(format!("{network:?}"))
            .all(&run.mounts)
            .all(mounts.iter().map(|mount| mount.key.map(|key| key.to_string()).unwrap_or_default()))
            .maybe(latest.as_deref())
            .finish();
        let created_by = history::run(&args, &program.args);
        let proxies = self.maker.given.proxies().map(|(name, value)| format!("{name}={value}"));
        let env: Vec<String> = proxies.chain(env).collect();
        let step = self.layer_step(original, &key, created_by, |making, number, quarantine| {
            let maker = making.maker;
            let views = mounts.iter().map(|mount| mount.open(maker)).collect::<Result<Vec<_>, Why>>()?;
            let under = Under::of(&below, maker)?;
            let request = RunRequest {
                below: under.below(&below),
                args: program.args.clone(),
                script: program.script.clone(),
                env: env.clone(),
                cwd: config.working_dir.clone(),
                user: config.user.clone(),
                mounts: mounts.iter().zip(&views).map(|(mount, view)| mount.run_mount(view.as_ref())).collect(),
                network,
                hosts: maker.options.hosts.clone(),
                ulimits: maker.options.ulimits.clone(),
                secrets: &maker.options.secrets,
                agents: &maker.options.agents,
                now: maker.options.times.now.seconds,
                latest: maker.options.times.latest,
            };
            let output = |line: super::run::OutputLine<'_>| maker.watch.output(number, line);
            let wanted = || maker.check().map_err(|_| io::Error::other("another stage failed"));
            let job = maker.context.store.job();
            let made = maker.runner.run(quarantine, &request, &output, job, &wanted);
            let made = made.map_err(|error| maker.check().err().unwrap_or_else(|| error.into()))?;
            Ok(Some(made.layer).filter(|layer| *layer.diff_id.digest() != Digest::of(&EMPTY)))
        })?;
        self.add(step);
        Ok(())
    }

    fn mount(&self, spec: MountSpec) -> Result<StepMount, Why> {
        let (from, source) = match &spec.kind {
            MountKind::Bind { from, source } => (Some(from.clone()), source.clone()),
            MountKind::Cache(cache) if cache.from.is_some() => (Some(cache.from.clone()), cache.source.clone()),
            _ => (None, String::new()),
        };
        let layers = match from {
            None => None,
            Some(Some(from)) => Some(self.layers_of(&from)?),
            Some(None) => return self.context_mount(spec, &source),
        };
        let key = layers.as_ref().map(|layers| Key::on("mount", layers).finish());
        Ok(StepMount { spec, layers, key })
    }

    /// A bind mount of files of the context: they are made a layer, which is mounted.
    fn context_mount(&self, spec: MountSpec, source: &str) -> Result<StepMount, Why> {
        let maker = self.maker;
        let tools = maker.tools();
        let (view, contents) = (Overlay::default(), LayerStack::none());
        let nothing = Layers { view: &view, contents: &contents, diff_ids: &[] };
        let path = source.trim_start_matches('/');
        let path = if path.is_empty() { "." } else { path };
        let request = CopyRequest {
            sources: vec![path.to_owned()],
            destination: "/".to_owned(),
            workdir: "/".to_owned(),
            parents: path != ".",
            ..CopyRequest::default()
        };
        let selection = select(Origin::Context(&maker.opened.context), &request, nothing, &tools)?;
        let sources = maker.with_hashes(|hashes| selection.key(hashes))?;
        let key = Key::new("context").put(path).put(sources.to_string()).finish();
        let made = maker.quiet_step(self.place, &key, |quarantine| {
            Ok(Some(selection.write(nothing, &tools, quarantine, "files of the context", &|_| {})?))
        })?;
        let layer = made.layer.map(|layer| StageLayer { descriptor: layer.descriptor, diff_id: layer.diff_id });
        Ok(StepMount { spec, layers: Some(StageLayers::of_base(layer.into_iter().collect())), key: Some(key) })
    }
}

/// A mount of a `RUN`.
struct StepMount {
    spec: MountSpec,
    layers: Option<StageLayers>,
    /// Identifies its files.
    key: Option<Digest>,
}

impl StepMount {
    fn open(&self, maker: &Maker<'_>) -> Result<Option<Under>, Why> {
        self.layers.as_ref().map(|layers| Under::of(layers, maker)).transpose()
    }

    fn run_mount<'a>(&'a self, under: Option<&'a Under>) -> RunMount<'a> {
        let layers = self.layers.as_ref().zip(under);
        let source = layers.map(|(layers, under)| BindSource::Layers(under.below(layers)));
        RunMount { spec: self.spec.clone(), source }
    }
}

/// What is in layers, for a `RUN`.
struct Under {
    view: Arc<Overlay>,
    contents: Arc<LayerStack>,
    view_of: Box<dyn Fn(usize) -> Result<Arc<Overlay>, crate::ops::Error> + Sync>,
}

impl Under {
    fn of(layers: &StageLayers, maker: &Maker<'_>) -> Result<Self, Why> {
        let (view, contents) = (layers.view(maker.context)?, layers.contents(maker.context)?);
        let (layers, context) = (layers.clone(), maker.context.clone());
        let view_of = Box::new(move |count| layers.view_of(&context, count).map(Arc::new));
        Ok(Self { view, contents, view_of })
    }

    fn below<'a>(&'a self, layers: &'a StageLayers) -> Below<'a> {
        Below {
            diff_ids: layers.diff_ids(),
            base: layers.base,
            view: Arc::clone(&self.view),
            contents: Arc::clone(&self.contents),
            view_of: &*self.view_of,
        }
    }
}

/// The layers below a copy, where names of owners are looked up: nothing is opened if there are none.
struct OwnersBelow {
    view: Arc<Overlay>,
    contents: Arc<LayerStack>,
}

impl OwnersBelow {
    fn of(below: &StageLayers, request: &CopyRequest, maker: &Maker<'_>) -> Result<Self, Why> {
        if request.chown.is_none() {
            return Ok(Self { view: Arc::new(Overlay::default()), contents: Arc::new(LayerStack::none()) });
        }
        Ok(Self { view: below.view(maker.context)?, contents: below.contents(maker.context)? })
    }

    fn layers<'a>(&'a self, below: &'a StageLayers) -> Layers<'a> {
        Layers { view: &self.view, contents: &self.contents, diff_ids: below.diff_ids() }
    }
}
