//! Substitutes the variables of instructions.

use std::collections::BTreeSet;

use super::error::Fault;
use super::expand::{Expanded, Variables, expand};
use super::instruction::{ArgPair, Copy, Heredoc, Instruction, Pair, Run};

/// An instruction with its variables substituted.
#[derive(Debug, Clone, PartialEq)]
pub struct Substituted {
    /// The instruction.
    pub instruction: Instruction,
    /// The variables that it used, whether they have a value or not.
    pub used: BTreeSet<String>,
    /// Those of them that have no value, and no other word in their place.
    pub missing: BTreeSet<String>,
}

impl Instruction {
    /// Substitutes variables where docker does: in all that is not a command, an `ONBUILD` or a `HEALTHCHECK`.
    pub fn substitute(&self, variables: &dyn Variables, escape: char) -> Result<Substituted, Fault> {
        let mut words = Substituter { variables, escape, used: BTreeSet::new(), missing: BTreeSet::new() };
        let instruction = words.instruction(self)?;
        Ok(Substituted { instruction, used: words.used, missing: words.missing })
    }
}

struct Substituter<'a> {
    variables: &'a dyn Variables,
    escape: char,
    used: BTreeSet<String>,
    missing: BTreeSet<String>,
}

impl Substituter<'_> {
    fn instruction(&mut self, instruction: &Instruction) -> Result<Instruction, Fault> {
        Ok(match instruction {
            Instruction::Add(copy) => Instruction::Add(self.copy(copy)?),
            Instruction::Copy(copy) => Instruction::Copy(self.copy(copy)?),
            Instruction::Arg(pairs) => Instruction::Arg(self.arguments(pairs)?),
            Instruction::Env(pairs) => Instruction::Env(self.pairs(pairs)?),
            Instruction::Label(pairs) => Instruction::Label(self.pairs(pairs)?),
            Instruction::Expose(ports) => Instruction::Expose(self.several(ports)?),
            Instruction::Run(run) => Instruction::Run(Box::new(self.run(run)?)),
            Instruction::StopSignal(signal) => Instruction::StopSignal(self.word(signal)?),
            Instruction::User(user) => Instruction::User(self.word(user)?),
            Instruction::Volume(paths) => Instruction::Volume(self.words(paths)?),
            Instruction::Workdir(path) => Instruction::Workdir(self.word(path)?),
            Instruction::Cmd(_)
            | Instruction::Entrypoint(_)
            | Instruction::Healthcheck(_)
            | Instruction::Maintainer(_)
            | Instruction::Onbuild(_)
            | Instruction::Shell(_) => instruction.clone(),
        })
    }

    fn expand(&mut self, word: &str) -> Result<Expanded, Fault> {
        let expanded = expand(word, self.variables, self.escape)
            .map_err(|source| Fault::Expand { word: word.to_owned(), source })?;
        self.used.extend(expanded.used.iter().cloned());
        self.missing.extend(expanded.missing.iter().cloned());
        Ok(expanded)
    }

    fn word(&mut self, word: &str) -> Result<String, Fault> {
        Ok(self.expand(word)?.text)
    }

    fn words(&mut self, words: &[String]) -> Result<Vec<String>, Fault> {
        words.iter().map(|word| self.word(word)).collect()
    }

    fn maybe(&mut self, word: Option<&String>) -> Result<Option<String>, Fault> {
        word.map(|word| self.word(word)).transpose()
    }

    /// Each word may become several, or none.
    fn several(&mut self, words: &[String]) -> Result<Vec<String>, Fault> {
        let mut all = Vec::new();
        for word in words {
            all.extend(self.expand(word)?.words);
        }
        Ok(all)
    }

    fn pairs(&mut self, pairs: &[Pair]) -> Result<Vec<Pair>, Fault> {
        pairs.iter().map(|(name, value)| Ok((self.word(name)?, self.word(value)?))).collect()
    }

    fn arguments(&mut self, pairs: &[ArgPair]) -> Result<Vec<ArgPair>, Fault> {
        pairs.iter().map(|(name, value)| Ok((self.word(name)?, self.maybe(value.as_ref())?))).collect()
    }

    fn copy(&mut self, copy: &Copy) -> Result<Copy, Fault> {
        Ok(Copy {
            sources: self.words(&copy.sources)?,
            heredocs: copy.heredocs.iter().map(|file| self.heredoc(file)).collect::<Result<_, _>>()?,
            destination: self.word(&copy.destination)?,
            from: self.maybe(copy.from.as_ref())?,
            chown: self.maybe(copy.chown.as_ref())?,
            chmod: self.maybe(copy.chmod.as_ref())?,
            checksum: self.maybe(copy.checksum.as_ref())?,
            excludes: self.words(&copy.excludes)?,
            ..copy.clone()
        })
    }

    /// A file in `COPY` or `ADD`; quotes in it are text.
    fn heredoc(&mut self, file: &Heredoc) -> Result<Heredoc, Fault> {
        if !file.expand {
            return Ok(file.clone());
        }
        let expanded = super::expand::expand_text(&file.content, self.variables, self.escape);
        let expanded = expanded.map_err(|source| Fault::Expand { word: file.name.clone(), source })?;
        self.used.extend(expanded.used);
        self.missing.extend(expanded.missing);
        Ok(Heredoc { content: expanded.text, ..file.clone() })
    }

    /// Of `RUN` only the mounts: variables of the command are the shell's.
    fn run(&mut self, run: &Run) -> Result<Run, Fault> {
        Ok(Run { mounts: self.words(&run.mounts)?, ..run.clone() })
    }
}
