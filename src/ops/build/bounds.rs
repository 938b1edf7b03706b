//! How much one build may be: real Dockerfiles come nowhere near, and those that were made to harm end before they do.

use std::io;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::error::Why;
use super::made::MadeStage;
use super::plan::{Base, Plan, Wrong};
use crate::dockerfile::{Dockerfile, Instruction};

/// The most instructions of the stages that one build makes.
const MOST_STEPS: usize = 10_000;
/// The most instructions that make layers, of a stage and of those that it starts from. Docker itself stops at 125 layers.
const MOST_LAYERS: usize = 1000;
/// The most instructions of all stages, each with those of the stages that it starts from: its history has them all.
const MOST_TOGETHER: usize = 200_000;
/// The most bytes of the configs and variables of all stages, which are held at the same time.
const MOST_BYTES: usize = 64 << 20;

/// Checks what can be known before anything is made.
pub(super) fn check(file: &Dockerfile, plan: &Plan) -> Result<(), Wrong> {
    // Of each stage, with those that it starts from: all instructions, and those that make layers.
    let mut sums = vec![(0_usize, 0_usize); plan.stages.len()];
    let (mut steps, mut together) = (0, 0);
    for &place in &plan.order {
        let stage = &file.stages[place];
        let at = |why: Why| (Some(stage.lines.clone()), why);
        let below = if let Base::Stage(base) = plan.stages[place].base { sums[base] } else { (0, 0) };
        let own = stage.instructions.iter().filter(|line| is_layer(&line.value)).count();
        sums[place] = (below.0 + stage.instructions.len(), below.1 + own);
        steps += stage.instructions.len();
        together += sums[place].0;
        if steps > MOST_STEPS {
            return Err(at(Why::Steps { limit: MOST_STEPS }));
        }
        if sums[place].1 > MOST_LAYERS {
            return Err(at(Why::Layers { limit: MOST_LAYERS }));
        }
        if together > MOST_TOGETHER {
            return Err(at(Why::Together { limit: MOST_TOGETHER }));
        }
    }
    Ok(())
}

/// Whether an instruction makes a layer in any case; `WORKDIR` does so only where the directory is missing.
fn is_layer(instruction: &Instruction) -> bool {
    matches!(instruction, Instruction::Add(_) | Instruction::Copy(_) | Instruction::Run(_))
}

/// What the stages of a build need together, while they are made.
#[derive(Debug, Default)]
pub(super) struct Bounds {
    steps: AtomicUsize,
    bytes: AtomicUsize,
}

impl Bounds {
    /// Counts instructions: also those that images have for their descendants, which the Dockerfile does not show.
    pub(super) fn add_steps(&self, count: usize) -> Result<(), Why> {
        let sum = self.steps.fetch_add(count, Ordering::Relaxed).saturating_add(count);
        if sum > MOST_STEPS { Err(Why::Steps { limit: MOST_STEPS }) } else { Ok(()) }
    }

    /// Counts what is held of a stage that is made.
    pub(super) fn add_stage(&self, stage: &MadeStage) -> Result<(), Why> {
        let mut counted = Counted(0);
        serde_json::to_writer(&mut counted, &stage.config).expect("counting does not fail");
        let variable = |(name, value): &(String, Option<String>)| name.len() + value.as_ref().map_or(0, String::len);
        let variables: usize = stage.scope.args.iter().map(variable).sum();
        let size = counted.0 + variables;
        let sum = self.bytes.fetch_add(size, Ordering::Relaxed).saturating_add(size);
        if sum > MOST_BYTES { Err(Why::Bytes { limit: MOST_BYTES }) } else { Ok(()) }
    }
}

/// Counts what is written to it.
struct Counted(usize);

impl io::Write for Counted {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0 += bytes.len();
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::super::scope::{BuildArgs, Globals};
    use super::*;
    use crate::dockerfile::parse;

    fn checked(text: &str) -> Result<(), String> {
        let file = parse(text.as_bytes()).expect("a Dockerfile");
        let plan = Plan::of(&file, None, Globals::default(), &BuildArgs::default()).expect("a plan");
        check(&file, &plan).map_err(|(lines, why)| format!("{lines:?} {why}"))
    }

    fn chain(count: usize, instruction: &str) -> String {
        let stage = |at: usize| match at {
            0 => format!("FROM scratch AS s0\n{instruction}\n"),
            _ => format!("FROM s{} AS s{at}\n{instruction}\n", at - 1),
        };
        (0..count).map(stage).collect()
    }

    #[test]
    fn what_no_real_dockerfile_has_is_refused() {
        let lines = |count: usize, line: &str| format!("FROM scratch\n{}", line.repeat(count));
        let table = [
            (lines(10_000, "LABEL a=b\n"), None),
            (lines(10_001, "LABEL a=b\n"), Some("more than 10000 instructions")),
            (lines(1000, "COPY a /\n"), None),
            (lines(1001, "COPY a /\n"), Some("more than 1000 instructions that make layers")),
            (chain(1000, "COPY a /"), Some("more than 200000 instructions together")),
            (chain(600, "COPY a /"), None),
            (format!("{}FROM scratch\n", chain(10_000, "LABEL a=b")), None),
            (chain(10_000, "LABEL a=b"), Some("more than 200000 instructions together")),
        ];
        for (text, expected) in table {
            let found = checked(&text);
            let is_expected = match expected {
                None => found.is_ok(),
                Some(expected) => found.as_ref().is_err_and(|error| error.contains(expected)),
            };
            assert!(is_expected, "{expected:?}, not {found:?}");
        }
    }

    #[test]
    fn instructions_of_images_count_too() {
        let bounds = Bounds::default();
        assert!(bounds.add_steps(MOST_STEPS).is_ok());
        assert!(bounds.add_steps(1).is_err_and(|error| error.to_string().contains("10000")));
    }
}
