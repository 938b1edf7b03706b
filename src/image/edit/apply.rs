//! What each instruction does to a config.

use std::path::{Component, Path};

use super::instruction::{Instruction, InstructionCommand};
use super::merge::{key, merge};
use super::shell::{self, Expanded};
use super::signal::is_signal;
use super::words::Pair;
use super::{ChangeError, ConfigChange, ports};
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
    let Editor { config, cleared, .. } = Editor::after(container, changes)?;
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
    escape: char,
    /// Whether these changes set a command.
    has_command: bool,
    cleared: Cleared,
}

/// What the changes cleared and did not set again.
#[derive(Default)]
struct Cleared {
    command: bool,
    entrypoint: bool,
}

impl Editor {
    fn after(config: &ContainerConfig, changes: &[ConfigChange]) -> Result<Self, ChangeError> {
        let cleared = Cleared::default();
        let mut editor = Self { config: config.clone(), escape: '\\', has_command: false, cleared };
        for change in changes {
            editor.escape = change.escape;
            editor.apply(&change.instruction)?;
        }
        Ok(editor)
    }

    fn apply(&mut self, instruction: &Instruction) -> Result<(), ChangeError> {
        match instruction {
            Instruction::Cmd(command) => {
                let words = self.words(command);
                self.has_command |= !matches!(command, InstructionCommand::Shell(None)) && !words.is_empty();
                self.cleared.command = words.is_empty();
                self.config.cmd = Some(words);
            }
            Instruction::Entrypoint(command) => {
                let is_none = matches!(command, InstructionCommand::Shell(None));
                self.config.entrypoint = Some(self.words(command)).filter(|words| !is_none && !words.is_empty());
                self.cleared.entrypoint = self.config.entrypoint.is_none();
                if !self.has_command {
                    self.cleared.command = self.cleared.entrypoint;
                    self.config.cmd = None;
                }
            }
            Instruction::Env(pairs) => self.set_variables(pairs)?,
            Instruction::Expose(words) => self.expose(words)?,
            Instruction::Healthcheck(healthcheck) => self.config.healthcheck = Some(healthcheck.clone()),
            Instruction::Label(pairs) => {
                let labels = self.expand_pairs(pairs)?;
                self.config.labels.get_or_insert_default().extend(labels);
            }
            Instruction::Onbuild(trigger) => self.config.on_build.get_or_insert_default().push(trigger.clone()),
            Instruction::StopSignal(signal) => {
                let signal = self.expand(signal)?.text;
                if !is_signal(&signal) {
                    return Err(ChangeError::Signal { signal });
                }
                self.config.stop_signal = signal;
            }
            Instruction::User(user) => self.config.user = self.expand(user)?.text,
            Instruction::Volume(volumes) => self.add_volumes(volumes)?,
            Instruction::Workdir(path) => {
                let path = self.expand(path)?.text;
                self.config.working_dir = join(&self.config.working_dir, &path)?;
            }
        }
        Ok(())
    }

    /// A command as words, with the config's shell before text.
    fn words(&self, command: &InstructionCommand) -> Vec<String> {
        match command {
            InstructionCommand::Exec(words) => words.clone(),
            InstructionCommand::Shell(text) => {
                let shell = self.config.shell.clone().filter(|shell| !shell.is_empty());
                let shell = shell.unwrap_or_else(|| vec!["/bin/sh".to_owned(), "-c".to_owned()]);
                shell.into_iter().chain(text.clone()).collect()
            }
        }
    }

    /// All values see the environment as it was before the instruction.
    fn set_variables(&mut self, pairs: &[Pair]) -> Result<(), ChangeError> {
        let expanded = self.expand_pairs(pairs)?;
        let environment = self.config.env.get_or_insert_default();
        for (name, value) in expanded {
            let setting = format!("{name}={value}");
            match environment.iter_mut().find(|old| key(old) == name) {
                Some(old) => *old = setting,
                None => environment.push(setting),
            }
        }
        Ok(())
    }

    fn expose(&mut self, words: &[String]) -> Result<(), ChangeError> {
        let mut exposed = Vec::new();
        for word in words {
            for word in self.expand(word)?.words {
                exposed.extend(ports::parse(&word)?);
            }
        }
        if !exposed.is_empty() {
            self.config.exposed_ports.get_or_insert_default().extend(exposed);
        }
        Ok(())
    }

    fn add_volumes(&mut self, volumes: &[String]) -> Result<(), ChangeError> {
        for volume in volumes {
            let volume = self.expand(volume)?.text;
            if volume.is_empty() {
                return Err(ChangeError::EmptyVolume);
            }
            self.config.volumes.get_or_insert_default().insert(volume);
        }
        Ok(())
    }

    fn expand_pairs(&self, pairs: &[Pair]) -> Result<Vec<Pair>, ChangeError> {
        pairs.iter().map(|(name, value)| Ok((self.expand(name)?.text, self.expand(value)?.text))).collect()
    }

    fn expand(&self, word: &str) -> Result<Expanded, ChangeError> {
        let environment = self.config.env.as_deref().unwrap_or_default();
        let expanded = shell::expand(word, environment, self.escape);
        expanded.map_err(|source| ChangeError::Expand { word: word.to_owned(), source })
    }
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
