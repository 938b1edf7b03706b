//! Which stages a build needs, and what each of them needs.

use std::collections::HashMap;

use super::error::Why;
use super::scope::{BuildArgs, Globals};
use crate::dockerfile::{self, Dockerfile, Instruction, MountKind, Stage, expand, parse_mount};
use crate::oci::{Platform, Reference};

/// What a build does, stage by stage.
#[derive(Debug)]
pub(super) struct Plan {
    /// All stages, in the order of the Dockerfile.
    pub(super) stages: Vec<PlannedStage>,
    /// The stage that becomes the image.
    pub(super) target: usize,
    /// The stages that are made, each behind what it needs.
    pub(super) order: Vec<usize>,
    /// The variables before the first `FROM`.
    pub(super) globals: Globals,
}

/// A stage, and what it starts from.
#[derive(Debug)]
pub(super) struct PlannedStage {
    /// What it starts from.
    pub(super) base: Base,
    /// The value of `--platform`.
    pub(super) platform: Option<Platform>,
    /// The stages that must be made before it.
    pub(super) needs: Vec<usize>,
}

/// What a stage starts from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Base {
    /// Nothing.
    Scratch,
    /// An earlier stage.
    Stage(usize),
    /// An image, as it was typed.
    Image(String),
}

/// Where an instruction takes files from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum From {
    /// A stage.
    Stage(usize),
    /// An image, as it was typed.
    Image(String),
}

/// What the plan of a stage is wrong about: the lines of the stage or of an instruction.
pub(super) type Wrong = (Option<std::ops::RangeInclusive<usize>>, Why);

/// The stages of a Dockerfile by their names.
#[derive(Debug)]
pub(super) struct StageNames {
    places: HashMap<String, Vec<usize>>,
    count: usize,
}

impl StageNames {
    pub(super) fn of(file: &Dockerfile) -> Self {
        let mut places: HashMap<String, Vec<usize>> = HashMap::new();
        for (place, stage) in file.stages.iter().enumerate() {
            if let Some(name) = &stage.name {
                places.entry(name.to_lowercase()).or_default().push(place);
            }
        }
        Self { places, count: file.stages.len() }
    }

    /// The last stage of that name before another one.
    fn before(&self, name: &str, stage: usize) -> Option<usize> {
        self.places.get(&name.to_lowercase())?.iter().rev().find(|place| **place < stage).copied()
    }

    /// All stages of that name, or the one of that number.
    pub(super) fn all(&self, typed: &str) -> Vec<usize> {
        let number = || typed.parse::<usize>().ok().filter(|number| *number < self.count);
        self.places.get(&typed.to_lowercase()).cloned().unwrap_or_else(|| number().into_iter().collect())
    }

    /// What `--from` means in a stage: a stage by name or number, or else an image.
    pub(super) fn from(&self, typed: &str, stage: usize) -> From {
        let number = || typed.parse::<usize>().ok().filter(|number| *number < self.count);
        // One that comes later is found, too: BuildKit builds it before.
        let later = || self.places.get(&typed.to_lowercase())?.first().copied();
        match self.before(typed, stage).or_else(later).or_else(number) {
            Some(place) => From::Stage(place),
            None => From::Image(typed.to_owned()),
        }
    }

    /// The stage that `--target` means.
    fn target(&self, typed: &str) -> Option<usize> {
        let number = || typed.parse::<usize>().ok().filter(|number| *number < self.count);
        self.before(typed, self.count).or_else(number)
    }
}

impl Plan {
    /// Plans the build of a stage; the last one if none is said.
    pub(super) fn of(
        file: &Dockerfile,
        target: Option<&str>,
        mut globals: Globals,
        given: &BuildArgs,
    ) -> Result<Self, Wrong> {
        let escape = file.directives.escape;
        for line in &file.global_args {
            let at = |why: dockerfile::Fault| (Some(line.lines.clone()), why.into());
            for pair in &line.value {
                let instruction = Instruction::Arg(vec![pair.clone()]);
                let substituted = instruction.substitute(&globals, escape).map_err(at)?;
                if let Instruction::Arg(pairs) = substituted.instruction {
                    for pair in &pairs {
                        globals.declare(pair, given);
                    }
                }
            }
        }
        let names = StageNames::of(file);
        let stages = file.stages.iter().enumerate();
        let stages = stages.map(|(place, stage)| planned(stage, place, &names, &globals, escape));
        let stages = stages.collect::<Result<Vec<_>, _>>()?;
        let target = match target {
            None => stages.len() - 1,
            Some(typed) => names.target(typed).ok_or_else(|| {
                let stages = file.stages.iter().filter_map(|stage| stage.name.clone()).take(20).collect();
                (None, Why::NoTarget { target: typed.to_owned(), stages })
            })?,
        };
        let order = order(file, &stages, target)?;
        Ok(Self { stages, target, order, globals })
    }

    /// Whether a stage is one of `stages`, or starts from one of them, directly or not.
    pub(super) fn is_or_stands_on(&self, stage: usize, stages: &[usize]) -> bool {
        !stages.is_empty() && self.lineage(stage).any(|place| stages.contains(&place))
    }

    /// A stage, the stage that it starts from, and so on.
    pub(super) fn lineage(&self, stage: usize) -> impl Iterator<Item = usize> {
        std::iter::successors(Some(stage), |place| match self.stages.get(*place)?.base {
            Base::Stage(below) => Some(below),
            _ => None,
        })
    }
}

fn planned(
    stage: &Stage,
    place: usize,
    names: &StageNames,
    globals: &Globals,
    escape: char,
) -> Result<PlannedStage, Wrong> {
    let at = |why: Why| (Some(stage.lines.clone()), why);
    let expanded = |word: &str| {
        let expanded = expand(word, globals, escape).map(|expanded| expanded.text);
        let fault = |source| dockerfile::Fault::Expand { word: word.to_owned(), source };
        expanded.map_err(|source| at(fault(source).into()))
    };
    let name = expanded(&stage.base)?;
    if name.is_empty() {
        return Err(at(Why::BlankBase { base: stage.base.clone() }));
    }
    let base = match names.before(&name, place) {
        Some(place) => Base::Stage(place),
        None if name == "scratch" => Base::Scratch,
        None => Base::Image(name.clone()),
    };
    if let Base::Image(name) = &base {
        check_name(name).map_err(|source| at(Why::BaseName { base: name.clone(), source }))?;
    }
    let platform = stage.platform.as_deref().map(expanded).transpose()?.filter(|platform| !platform.is_empty());
    let platform = platform
        .map(|platform| platform.parse().map_err(|source| at(Why::Platform { platform: platform.clone(), source })));
    let mut needs: Vec<usize> = Vec::new();
    needs.extend(if let Base::Stage(place) = base { Some(place) } else { None });
    for line in &stage.instructions {
        for from in sources(&line.value) {
            match names.from(&from, place) {
                From::Stage(other) if other == place => {
                    let stage = stage.name.clone().unwrap_or_else(|| format!("stage-{place}"));
                    return Err((Some(line.lines.clone()), Why::Circular { stage }));
                }
                From::Stage(other) => needs.push(other),
                From::Image(_) => {}
            }
        }
    }
    needs.sort_unstable();
    needs.dedup();
    Ok(PlannedStage { base, platform: platform.transpose()?, needs })
}

/// Whether a name can be that of an image: a reference, or one that says where it is.
fn check_name(name: &str) -> Result<(), crate::oci::ReferenceError> {
    let is_place = ["docker-archive:", "oci-archive:", "oci:", "docker://", "/", "./", "../"];
    if is_place.iter().any(|start| name.starts_with(start)) {
        return Ok(());
    }
    name.parse::<Reference>().map(drop)
}

/// The stages or images that an instruction takes files from.
fn sources(instruction: &Instruction) -> Vec<String> {
    match instruction {
        Instruction::Copy(copy) => copy.from.iter().cloned().collect(),
        Instruction::Run(run) => {
            let from = |mount: &String| match parse_mount(mount).ok()?.kind {
                MountKind::Bind { from, .. } => from,
                MountKind::Cache(cache) => cache.from,
                MountKind::Tmpfs { .. } | MountKind::Secret(_) | MountKind::Ssh(_) => None,
            };
            run.mounts.iter().filter_map(from).collect()
        }
        _ => Vec::new(),
    }
}

/// The stages that a stage needs, each behind its own needs, and itself.
fn order(file: &Dockerfile, stages: &[PlannedStage], target: usize) -> Result<Vec<usize>, Wrong> {
    #[derive(Clone, Copy, PartialEq)]
    enum Mark {
        New,
        Open,
        Done,
    }
    let mut marks = vec![Mark::New; stages.len()];
    let mut order = Vec::new();
    // Not by recursion: a chain of stages may be long.
    let mut path = vec![(target, 0)];
    marks[target] = Mark::Open;
    while let Some((stage, next)) = path.last_mut() {
        let stage = *stage;
        let Some(&need) = stages[stage].needs.get(*next) else {
            marks[stage] = Mark::Done;
            order.push(stage);
            path.pop();
            continue;
        };
        *next += 1;
        match marks[need] {
            Mark::Done => {}
            Mark::New => {
                marks[need] = Mark::Open;
                path.push((need, 0));
            }
            Mark::Open => {
                let name = file.stages[need].name.clone().unwrap_or_else(|| format!("stage-{need}"));
                return Err((Some(file.stages[need].lines.clone()), Why::Circular { stage: name }));
            }
        }
    }
    Ok(order)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plan(text: &str, target: Option<&str>) -> Result<Vec<usize>, String> {
        let file = dockerfile::parse(text.as_bytes()).expect("a Dockerfile");
        let plan = Plan::of(&file, target, Globals::default(), &BuildArgs::default());
        plan.map(|plan| plan.order).map_err(|(_, why)| why.to_string())
    }

    #[test]
    fn only_what_is_needed_is_made() {
        let text = "FROM x AS a\nFROM y AS b\nFROM a AS c\nCOPY --from=b / /\nFROM z AS unused\nFROM scratch\nCOPY --from=2 / /\n";
        assert_eq!(plan(text, None), Ok(vec![0, 1, 2, 4]));
        assert_eq!(plan(text, Some("B")), Ok(vec![1]));
        assert_eq!(plan(text, Some("3")), Ok(vec![3]));
        assert!(plan(text, Some("d")).is_err_and(|error| error.contains("\"d\"") && error.contains("unused")));
        let mount = "FROM x AS a\nFROM y AS b\nFROM z\nRUN --mount=type=bind,from=b,target=/b true\n";
        assert_eq!(plan(mount, None), Ok(vec![1, 2]));
        // A name may be that of a later stage, and of an image when it comes too early for FROM.
        assert_eq!(plan("FROM x\nCOPY --from=b / /\nFROM y AS b\n", Some("0")), Ok(vec![1, 0]));
        assert_eq!(plan("FROM b\nFROM y AS b\nFROM b\n", None), Ok(vec![1, 2]));
    }

    #[test]
    fn circles_and_many_stages() {
        let circle = "FROM x AS a\nCOPY --from=b / /\nFROM y AS b\nCOPY --from=a / /\n";
        assert!(plan(circle, None).is_err_and(|error| error.starts_with("circular dependency detected on stage: ")));
        assert!(plan("FROM x AS me\nCOPY --from=me / /\n", None).is_err_and(|error| error.ends_with("me")));
        let chain = (1..10_000).map(|at| {
            format!(
                "FROM s{} AS s{at}
",
                at - 1
            )
        });
        let many: Vec<String> = std::iter::once(
            "FROM x AS s0
"
            .to_owned(),
        )
        .chain(chain)
        .collect();
        let many = many.concat();
        assert_eq!(plan(&many, None).map(|order| order.len()), Ok(10_000));
    }

    #[test]
    fn names_that_are_none() {
        assert!(plan("FROM Base:latest\n", None).is_err_and(|error| error.contains("lowercase")));
        assert!(plan("ARG X\nFROM ${X}\n", None).is_err_and(|error| error == "base name (${X}) should not be blank"));
        assert_eq!(plan("ARG X=x\nARG Y=$X:1\nFROM ${Y}\n", None), Ok(vec![0]));
    }
}
