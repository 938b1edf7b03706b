//! The same command line, typed to docker and to imgtool: the same words on stdout and stderr, and the same exit code.
//!
//! `cases/*.txt` hold the lines, one a case, run by `sh` on both sides with the same images and files. A line
//! `== heading` starts anew from those; in between, lines see what those before them did. Behind `  # ` stand the
//! allowances of the case, by name: what may differ there, and why, is in [`allowances`]. `$A` and so on are the IDs of
//! the [`world`]'s images; sections whose heading begins with `family` have images that others were committed on.

mod allowances;
mod case;
mod world;

use std::fmt::Write as _;

use allowances::Words;
use case::{Case, Section};
use world::World;

use crate::engine;

/// The files of cases: a name, and what is in it.
const FILES: [(&str, &str); 10] = [
    ("images", include_str!("cases/images.txt")),
    ("names", include_str!("cases/names.txt")),
    ("history", include_str!("cases/history.txt")),
    ("inspect", include_str!("cases/inspect.txt")),
    ("templates", include_str!("cases/templates.txt")),
    ("remove", include_str!("cases/remove.txt")),
    ("family", include_str!("cases/family.txt")),
    ("archives", include_str!("cases/archives.txt")),
    ("usage", include_str!("cases/usage.txt")),
    ("more", include_str!("cases/more.txt")),
];

/// Runs the cases of a file, and tells all that differ at once.
fn same_words(file: &str) {
    let (_, text) = FILES.iter().find(|(name, _)| *name == file).expect("a file of cases");
    let Some(mut engine) = engine::engine() else { return };
    let mut wrong = String::new();
    for Section { heading, cases } in case::read(text) {
        engine.forget_all();
        let world = if heading.starts_with("family") { World::family(&engine) } else { World::new(&engine) };
        for case in cases {
            if let Some(difference) = compare(&world, &case) {
                writeln!(wrong, "== {heading}\n{}\n{difference}", case.line).expect("it is a String");
            }
        }
    }
    engine.forget_all();
    assert!(wrong.is_empty(), "{wrong}");
}

/// What differs, if anything does.
fn compare(world: &World, case: &Case) -> Option<String> {
    let names: Vec<&str> = case.allowances.iter().map(String::as_str).collect();
    let (docker, ours) = std::thread::scope(|scope| {
        let docker = scope.spawn(|| world.docker(&case.line));
        let ours = world.imgtool(&case.line);
        (docker.join().expect("docker answers"), ours)
    });
    let (docker, ours) = (Words::new(&docker, &names), Words::new(&ours, &names));
    (docker != ours).then(|| format!("docker:\n{docker}imgtool:\n{ours}"))
}

#[test]
fn there_are_many() {
    let count: usize = FILES.iter().flat_map(|(_, text)| case::read(text)).map(|section| section.cases.len()).sum();
    assert!(count >= 1500, "{count} cases");
}

#[test]
fn every_allowance_is_used() {
    let all: String = FILES.iter().map(|(_, text)| *text).collect();
    let used: Vec<String> =
        case::read(&all).into_iter().flat_map(|section| section.cases).flat_map(|case| case.allowances).collect();
    for name in &used {
        assert!(allowances::ALLOWANCES.iter().any(|known| known.name == name), "nobody says what {name} allows");
    }
    for known in allowances::ALLOWANCES {
        assert!(used.iter().any(|name| name == known.name), "{} is not used", known.name);
    }
}

macro_rules! files {
    ($($name:ident)*) => { $(#[test] fn $name() { same_words(stringify!($name)); })* };
}
files! { images names history inspect templates remove family archives usage more }
