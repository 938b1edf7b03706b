//! What each instruction does to a config.

use std::path::{Component, Path};

use super::merge::{key, merge};
use super::signal::is_signal;
use super::{ChangeError, ConfigChange, ports};
use crate::dockerfile::{CommandForm, Instruction, Pair};
use crate::oci::ContainerConfig;

/// Makes changes to a config, one after the other; the config is as it was if one of them cannot be made.
///
/// Variables are those of the config's environment at each change, as in a Dockerfile. A new entrypoint clears the
/// command, unless these changes set one before.
pub fn apply(config: &mut ContainerConfig, changes: &[ConfigChange]) -> Result<(), ChangeError> {
    *config = Editor::after(config, changes)?.config;
    Ok(())
}

/// The config of a container with changes made to it, as `docker commit` gives it to the image.
///
/// What the changes do not set is as in the container, with one difference from Docker: `CMD []` and `ENTRYPOINT []`
/// clear what the container has, as they do in a Dockerfile. Docker ignores them here.
pub fn amend(container: &ContainerConfig, changes: &[ConfigChange]) -> Result<ContainerConfig, ChangeError> {
    let Editor { config, performer: Performer { cleared, .. } } = Editor::after(container, changes)?;
    let mut amended = merge(config.clone(), container);
    if cleared.command {
        amended.cmd = config.cmd;
    }
    if cleared.entrypoint {
        amended.entrypoint = None;
    }
    Ok(amended)
}

struct Editor {
    config: ContainerConfig,
    performer: Performer,
}

impl Editor {
    fn after(config: &ContainerConfig, changes: &[ConfigChange]) -> Result<Self, ChangeError> {
        let mut editor = Self { config: config.clone(), performer: Performer::default() };
        for change in changes {
            let environment = editor.config.env.clone().unwrap_or_default();
            let substituted = change.instruction.substitute(&environment, change.escape)?;
            editor.performer.perform(&mut editor.config, &substituted.instruction)?;
        }
        Ok(editor)
    }
}

/// Makes one instruction after the other on a config, and remembers what they did to its command.
#[derive(Debug, Clone, Default)]
pub struct Performer {
    /// Whether these instructions set a command.
    has_command: bool,
    cleared: Cleared,
}

/// What the instructions cleared and did not set again.
#[derive(Debug, Clone, Default)]
struct Cleared {
    command: bool,
    entrypoint: bool,
}

impl Performer {
    /// Makes an instruction whose variables are substituted. Those that do not change the config of a container do
    /// nothing.
    ///
    /// A new entrypoint clears the command, unless one was set before. The config is as it was if the instruction
    /// cannot be made.
    pub fn perform(&mut self, config: &mut ContainerConfig, instruction: &Instruction) -> Result<(), ChangeError> {
        match instruction {
            Instruction::Cmd(command) => {
                let words = words(config, command);
                self.has_command |= !matches!(command, CommandForm::Shell(None)) && !words.is_empty();
                self.cleared.command = words.is_empty();
                config.cmd = Some(words);
            }
            Instruction::Entrypoint(command) => {
                let is_none = matches!(command, CommandForm::Shell(None));
                config.entrypoint = Some(words(config, command)).filter(|words| !is_none && !words.is_empty());
                self.cleared.entrypoint = config.entrypoint.is_none();
                if !self.has_command {
                    self.cleared.command = self.cleared.entrypoint;
                    config.cmd = None;
                }
            }
            Instruction::Env(pairs) => set_variables(config, pairs)?,
            Instruction::Expose(words) => expose(config, words)?,
            Instruction::Healthcheck(healthcheck) => config.healthcheck = Some(healthcheck.clone()),
            Instruction::Label(pairs) => config.labels.get_or_insert_default().extend(pairs.iter().cloned()),
            Instruction::Onbuild(trigger) => config.on_build.get_or_insert_default().push(trigger.clone()),
            Instruction::Shell(words) => config.shell = Some(words.clone()),
            Instruction::StopSignal(signal) => {
                if !is_signal(signal) {
                    return Err(ChangeError::Signal { signal: signal.clone() });
                }
                config.stop_signal.clone_from(signal);
            }
            Instruction::User(user) => config.user.clone_from(user),
            Instruction::Volume(volumes) => add_volumes(config, volumes)?,
            Instruction::Workdir(path) => config.working_dir = join(&config.working_dir, path)?,
            Instruction::Add(_)
            | Instruction::Arg(_)
            | Instruction::Copy(_)
            | Instruction::Maintainer(_)
            | Instruction::Run(_) => {}
        }
        Ok(())
    }
}

/// A command as words, with the config's shell before text.
fn words(config: &ContainerConfig, command: &CommandForm) -> Vec<String> {
    match command {
        CommandForm::Exec(words) => words.clone(),
        CommandForm::Shell(text) => {
            let shell = config.shell.clone().filter(|shell| !shell.is_empty());
            let shell = shell.unwrap_or_else(|| vec!["/bin/sh".to_owned(), "-c".to_owned()]);
            shell.into_iter().chain(text.clone()).collect()
        }
    }
}

/// The longest environment, in bytes; Linux starts no program with more. Each instruction of a Dockerfile can double it.
const MAX_ENVIRONMENT: usize = 4 << 20;

fn set_variables(config: &mut ContainerConfig, pairs: &[Pair]) -> Result<(), ChangeError> {
    let before: usize = config.env.iter().flatten().map(String::len).sum();
    let size = before + pairs.iter().map(|(name, value)| name.len() + 1 + value.len()).sum::<usize>();
    if size > MAX_ENVIRONMENT {
        return Err(ChangeError::Environment { size, limit: MAX_ENVIRONMENT });
    }
    let environment = config.env.get_or_insert_default();
    for (name, value) in pairs {
        let setting = format!("{name}={value}");
        match environment.iter_mut().find(|old| key(old) == name) {
            Some(old) => *old = setting,
            None => environment.push(setting),
        }
    }
    Ok(())
}

fn expose(config: &mut ContainerConfig, words: &[String]) -> Result<(), ChangeError> {
    let mut exposed = Vec::new();
    for word in words {
        exposed.extend(ports::parse(word)?);
    }
    if !exposed.is_empty() {
        config.exposed_ports.get_or_insert_default().extend(exposed);
    }
    Ok(())
}

fn add_volumes(config: &mut ContainerConfig, volumes: &[String]) -> Result<(), ChangeError> {
    if volumes.iter().any(String::is_empty) {
        return Err(ChangeError::EmptyVolume);
    }
    config.volumes.get_or_insert_default().extend(volumes.iter().cloned());
    Ok(())
}

/// An absolute path as it is; another one from the directory before, cleaned as Go's `filepath.Join` does.
fn join(current: &str, path: &str) -> Result<String, ChangeError> {
    if path.is_empty() {
        return Err(ChangeError::EmptyWorkdir);
    }
    if path.starts_with('/') {
        return Ok(path.to_owned());
    }
    let mut parts: Vec<&str> = Vec::new();
    for part in Path::new(current).components().chain(Path::new(path).components()) {
        match part {
            Component::Normal(name) => parts.extend(name.to_str()),
            Component::ParentDir => drop(parts.pop()),
            Component::RootDir | Component::CurDir | Component::Prefix(_) => {}
        }
    }
    Ok(format!("/{}", parts.join("/")))
}
