//! Makes a stage, instruction by instruction.

use std::ops::RangeInclusive;
use std::sync::Arc;

use super::base::BaseImage;
use super::cache;
use super::error::{BuildError, Why};
use super::history;
use super::key::Key;
use super::layers::{StageLayer, StageLayers};
use super::made::MadeStage;
use super::maker::Maker;
use super::plan::Base;
use super::scope::Scope;
use crate::dockerfile::{Dockerfile, Instruction, Located, parse_trigger};
use crate::image::edit::{self, Performer};
use crate::oci::{ContainerConfig, Created, Digest, History, ImageConfig, Platform};

/// The environment of a stage that starts from nothing.
const PATH: &str = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// A stage that is being made.
pub(super) struct Making<'a> {
    pub(super) maker: &'a Maker<'a>,
    /// Its place in the Dockerfile.
    pub(super) place: usize,
    pub(super) stage: MadeStage,
    pub(super) performer: Performer,
    /// How many steps there are that make layers, and how many of them have begun.
    steps: (usize, usize),
}

/// An instruction, and the lines that are shown if it fails.
struct Task<'a> {
    line: &'a Located<Instruction>,
    lines: RangeInclusive<usize>,
}

/// What became of a step.
pub(super) struct Step {
    pub(super) layer: Option<StageLayer>,
    pub(super) created: Created,
    pub(super) created_by: String,
}

impl<'a> Making<'a> {
    /// Makes a whole stage.
    pub(super) fn make(maker: &'a Maker<'a>, place: usize) -> Result<MadeStage, BuildError> {
        let file: &Dockerfile = maker.file;
        let planned = &maker.plan.stages[place];
        let from = &file.stages[place];
        let at = |why: Why| maker.error(&from.lines, why);
        let platform = planned.platform.as_ref().or(maker.options.platform.as_ref());
        let number = maker.number();
        let base = match &planned.base {
            Base::Image(name) => {
                let found = maker.bases.find(name, platform).map_err(at)?;
                Self::of_image(found)
            }
            Base::Scratch => Self::of_nothing(platform.unwrap_or(&maker.context.host)),
            Base::Stage(place) => maker.made(*place).map(|stage| (*stage).clone()).ok_or(Why::Ended).map_err(at)?,
        };
        let mut making = Self { maker, place, stage: base, performer: Performer::default(), steps: (0, 0) };
        let triggers = making.triggers().map_err(at)?;
        maker.bounds.add_steps(triggers.len() + from.instructions.len()).map_err(at)?;
        let tasks: Vec<Task<'_>> = triggers
            .iter()
            .map(|line| Task { line, lines: from.lines.clone() })
            .chain(from.instructions.iter().map(|line| Task { line, lines: line.lines.clone() }))
            .collect();
        making.steps = (1 + tasks.iter().filter(|task| makes_layer(&task.line.value)).count(), 0);
        if matches!(planned.base, Base::Image(_)) {
            let name = making.name(&format!("FROM {}", from.base));
            maker.watch.begin(number, &name);
            maker.watch.done(number);
        } else {
            making.steps.1 += 1;
        }
        for task in tasks {
            maker.check().map_err(|why| maker.error(&task.lines, why))?;
            making.perform(task.line).map_err(|why| maker.error(&task.lines, why))?;
        }
        maker.bounds.add_stage(&making.stage).map_err(at)?;
        Ok(making.stage)
    }

    fn of_image(base: BaseImage) -> MadeStage {
        let mut config = base.config;
        cache::forget(&mut config);
        // What was the container's that it was committed from.
        (config.container, config.container_config, config.docker_version) = Default::default();
        let env = config.config.get_or_insert_default().env.clone().unwrap_or_default();
        let key = Key::new("from").put(base.id.to_string()).finish();
        MadeStage { config, layers: base.layers, base: base.name, scope: Scope::of(env), key }
    }

    fn of_nothing(platform: &Platform) -> MadeStage {
        let env = vec![PATH.to_owned()];
        let config =
            ContainerConfig { env: Some(env.clone()), working_dir: "/".to_owned(), ..ContainerConfig::default() };
        let config = ImageConfig { config: Some(config), ..edit::scratch(platform) };
        let key = Key::new("scratch").put(platform.to_string()).finish();
        MadeStage { config, layers: StageLayers::default(), base: None, scope: Scope::of(env), key }
    }

    /// The instructions that the base has for its descendants; the new image does not have them.
    fn triggers(&mut self) -> Result<Vec<Located<Instruction>>, Why> {
        let triggers = self.config().on_build.take().unwrap_or_default();
        Ok(triggers.iter().map(|text| parse_trigger(text)).collect::<Result<Vec<_>, _>>()?)
    }

    pub(super) fn config(&mut self) -> &mut ContainerConfig {
        self.stage.config.config.get_or_insert_default()
    }

    /// The name of the next step that makes a layer, as docker shows it.
    pub(super) fn name(&mut self, instruction: &str) -> String {
        self.steps.1 += 1;
        let (all, now) = self.steps;
        let stages = &self.maker.file.stages;
        let instruction = instruction.split_whitespace().collect::<Vec<_>>().join(" ");
        match (&stages[self.place].name, stages.len()) {
            (None, 1) => format!("[{now}/{all}] {instruction}"),
            (Some(name), _) => format!("[{name} {now}/{all}] {instruction}"),
            (None, _) => format!("[stage-{} {now}/{all}] {instruction}", self.place),
        }
    }

    fn perform(&mut self, line: &Located<Instruction>) -> Result<(), Why> {
        if let Instruction::Arg(pairs) = &line.value {
            return self.arg(pairs);
        }
        let escape = self.maker.file.directives.escape;
        let instruction = line.value.substitute(&self.stage.scope, escape)?.instruction;
        match &instruction {
            Instruction::Add(copy) | Instruction::Copy(copy) => self.copy(copy, &instruction, &line.original),
            Instruction::Run(run) => self.run(run, &line.original),
            Instruction::Workdir(_) => self.workdir(&instruction, &line.original),
            _ => {
                let mut performer = std::mem::take(&mut self.performer);
                let result = performer.perform(self.config(), &instruction);
                self.performer = performer;
                result?;
                if let Instruction::Env(pairs) = &instruction {
                    let env = self.config().env.clone().unwrap_or_default();
                    self.stage.scope.set_env(env, pairs.iter().map(|(name, _)| name.as_str()));
                }
                if let Instruction::Maintainer(name) = &instruction {
                    self.stage.config.author.clone_from(name);
                }
                if let Instruction::Onbuild(trigger) = &instruction {
                    // Docker's history does not have it.
                    self.stage.key = Key::new("trigger").put(self.stage.key.to_string()).put(trigger).finish();
                    return Ok(());
                }
                let created_by = if matches!(instruction, Instruction::Expose(_)) {
                    // Only the ports of this instruction.
                    let mut exposed = ContainerConfig::default();
                    Performer::default().perform(&mut exposed, &instruction)?;
                    history::created_by(&instruction, &exposed)
                } else {
                    history::created_by(&instruction, self.config())
                };
                self.add_plain(created_by)
            }
        }
    }

    /// Declares `ARG`s; a later one of the same line may use an earlier one.
    fn arg(&mut self, pairs: &[(String, Option<String>)]) -> Result<(), Why> {
        let escape = self.maker.file.directives.escape;
        let mut declared = Vec::new();
        for pair in pairs {
            let one = Instruction::Arg(vec![pair.clone()]);
            let Instruction::Arg(one) = one.substitute(&self.stage.scope, escape)?.instruction else { continue };
            for pair in one {
                self.stage.scope.declare(&pair, self.maker.given, &self.maker.plan.globals);
                declared.push(pair);
            }
        }
        let created_by = history::created_by(&Instruction::Arg(declared), self.config());
        self.add_plain(created_by)
    }

    fn workdir(&mut self, instruction: &Instruction, original: &str) -> Result<(), Why> {
        self.performer.clone().perform(self.config(), instruction)?;
        let created_by = history::created_by(instruction, self.config());
        let step = self.directory(original, created_by)?;
        self.add(step);
        Ok(())
    }

    /// Adds a step that changes only the config.
    fn add_plain(&mut self, created_by: String) -> Result<(), Why> {
        let key = Key::new("config").put(self.stage.key.to_string()).put(&created_by).finish();
        let created = self.maker.created(self.place, &key)?;
        self.stage.key = key;
        self.add(Step { layer: None, created, created_by });
        Ok(())
    }

    /// Adds a step to the image.
    pub(super) fn add(&mut self, step: Step) {
        let Step { layer, created, created_by } = step;
        let config = &mut self.stage.config;
        config.created = Some(created);
        config.history.push(History {
            created: Some(created),
            created_by,
            comment: history::COMMENT.to_owned(),
            empty_layer: layer.is_none(),
            ..History::default()
        });
        if let Some(layer) = layer {
            config.rootfs.diff_ids.push(layer.diff_id);
            self.stage.layers.push(layer);
        }
    }

    /// Notes that a step with that key led here.
    pub(super) fn go_on(&mut self, key: &Digest) {
        self.stage.key = Key::new("step").put(self.stage.key.to_string()).put(key.to_string()).finish();
        self.stage.layers.step(*key);
    }

    /// A stage that is made already.
    pub(super) fn other(&self, place: usize) -> Result<Arc<MadeStage>, Why> {
        self.maker.made(place).ok_or(Why::Ended)
    }
}

/// Whether an instruction is a step that docker shows.
fn makes_layer(instruction: &Instruction) -> bool {
    matches!(instruction, Instruction::Add(_) | Instruction::Copy(_) | Instruction::Run(_) | Instruction::Workdir(_))
}
