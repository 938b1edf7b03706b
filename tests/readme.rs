//! README.md tells the truth: its ` ```console ` blocks are run, and what they show is what comes out.
//!
//! All blocks run in one bash, in the order of the page, in a fresh folder with a copy of `fixtures/`, with imgtool on the
//! PATH and a fresh HOME: what one section loads, the next ones have.
//! A line `$ command` is run; a line after it that starts with `> ` continues it. Lines below are what it prints, stdout and
//! stderr; `...` alone stands for any lines, within a line for any text. A command without lines below must only succeed.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;
use std::process::Command;

/// A command and what the page shows below it.
#[derive(Debug, PartialEq)]
struct Step {
    command: String,
    shown: Vec<String>,
}

/// The steps of each section that has any, by its heading.
fn sections(page: &str) -> Vec<(String, Vec<Step>)> {
    let mut all: Vec<(String, Vec<Step>)> = vec![("(top)".to_owned(), Vec::new())];
    let mut fence: Option<bool> = None;
    for line in page.lines() {
        if let Some(info) = line.strip_prefix("```") {
            fence = if fence.is_some() { None } else { Some(info.trim() == "console") };
            continue;
        }
        match fence {
            None if line.starts_with('#') => all.push((line.trim_start_matches(['#', ' ']).to_owned(), Vec::new())),
            Some(true) => add(&mut all.last_mut().expect("there is a first one").1, line),
            _ => {}
        }
    }
    all.retain(|(_, steps)| !steps.is_empty());
    all
}

fn add(steps: &mut Vec<Step>, line: &str) {
    if let Some(command) = line.strip_prefix("$ ") {
        steps.push(Step { command: command.to_owned(), shown: Vec::new() });
        return;
    }
    let Some(step) = steps.last_mut() else { panic!("a console block begins with a command, not with {line:?}") };
    match line.strip_prefix("> ") {
        Some(more) if step.shown.is_empty() => step.command = format!("{}\n{more}", step.command),
        _ => step.shown.push(line.to_owned()),
    }
}

/// Whether the lines that came out are those that the page shows.
fn fits(shown: &[&str], got: &[&str]) -> bool {
    match (shown.split_first(), got.split_first()) {
        (None, None) => true,
        (Some((&"...", rest)), None) => fits(rest, got),
        (Some((&"...", rest)), Some((_, after))) => fits(rest, got) || fits(shown, after),
        (Some((want, rest)), Some((line, after))) => line_fits(want, line) && fits(rest, after),
        _ => false,
    }
}

/// `...` within a line stands for any text; spaces at the end do not count.
fn line_fits(shown: &str, got: &str) -> bool {
    let got = got.trim_end();
    let mut parts = shown.trim_end().split("...");
    let first = parts.next().unwrap_or_default();
    let Some(mut rest) = got.strip_prefix(first) else { return false };
    let mut parts: Vec<&str> = parts.collect();
    let Some(last) = parts.pop() else { return rest.is_empty() };
    for part in parts {
        match rest.find(part) {
            Some(at) => rest = &rest[at + part.len()..],
            None => return false,
        }
    }
    rest.ends_with(last)
}

/// Runs the steps in one shell and gives what each printed and its exit status.
fn run<'a>(steps: impl Iterator<Item = &'a Step>, folder: &Path) -> Vec<(Vec<String>, String)> {
    const MARK: &str = "--- end of step, status";
    let mut script = String::new();
    for step in steps {
        writeln!(script, "{{ {}\n}} </dev/null 2>&1\necho \"{MARK} $?\"", step.command).expect("it is a String");
    }
    let script_path = folder.join("steps.sh");
    fs::write(&script_path, script).expect("a writable folder");
    let tool = Path::new(env!("CARGO_BIN_EXE_imgtool")).parent().expect("a folder").display().to_string();
    let work = folder.join("work");
    let output = Command::new("bash")
        .args(["--noprofile", "--norc"])
        .arg(&script_path)
        .env_clear()
        .env("HOME", folder.join("home"))
        .env("TZ", "UTC")
        .env("PATH", format!("{tool}:{}", std::env::var("PATH").unwrap_or_default()))
        .current_dir(work)
        .output()
        .expect("bash starts");
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let mut results = Vec::new();
    let mut lines = Vec::new();
    for line in text.lines() {
        // What a command printed last may lack its new line.
        match line.split_once(MARK) {
            Some((before, status)) => {
                if !before.is_empty() {
                    lines.push(before.to_owned());
                }
                results.push((std::mem::take(&mut lines), status.trim().to_owned()));
            }
            None => lines.push(line.to_owned()),
        }
    }
    results
}

fn copy_tree(from: &Path, to: &Path) {
    for entry in walkdir::WalkDir::new(from) {
        let entry = entry.expect("a readable folder");
        let target = to.join(entry.path().strip_prefix(from).expect("below it"));
        if entry.file_type().is_dir() {
            fs::create_dir_all(target).expect("a writable folder");
        } else {
            fs::copy(entry.path(), target).expect("a writable folder");
        }
    }
}

/// The programs that sections need, and the words in a command that tell so.
const PEERS: [(&str, &str); 6] = [
    ("busybox", "command -v busybox"),
    ("crun", "RUN --mount"),
    ("docker-registry", "localhost:5055"),
    ("docker-registry", "localhost:5056"),
    ("nginx", "localhost:5058"),
    ("openssl", "openssl req"),
];

/// Whether the steps of a section can be run here: those with a registry or a proxy need one. Says so if they cannot.
fn can_run(heading: &str, steps: &[Step]) -> bool {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let folders: Vec<_> =
        std::env::split_paths(&path).chain(["/usr/sbin", "/sbin"].map(std::path::PathBuf::from)).collect();
    let missing = PEERS.iter().find(|(program, words)| {
        let is_needed = steps.iter().any(|step| step.command.contains(words));
        is_needed && !folders.iter().any(|folder| folder.join(program).is_file())
    });
    let Some((program, _)) = missing else { return true };
    let required = std::env::var_os("IMGTOOL_REQUIRE_PEERS").is_some_and(|value| value == "1");
    assert!(!required, "IMGTOOL_REQUIRE_PEERS=1, but {program} is not installed");
    // Not eprintln!, which the test harness would swallow.
    let mut stderr = std::io::stderr();
    let _ = std::io::Write::write_all(
        &mut stderr,
        format!("skipped: {program} is not installed, for the section {heading:?}\n").as_bytes(),
    );
    false
}

fn check(page: &str) -> Vec<String> {
    let folder = tempfile::tempdir().expect("a temporary folder");
    fs::create_dir(folder.path().join("home")).expect("a folder");
    copy_tree(&Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures"), &folder.path().join("work/fixtures"));
    let steps: Vec<(String, Step)> = sections(page)
        .into_iter()
        .filter(|(heading, steps)| can_run(heading, steps))
        .flat_map(|(heading, steps)| steps.into_iter().map(move |step| (heading.clone(), step)))
        .collect();
    let results = run(steps.iter().map(|(_, step)| step), folder.path());
    let mut wrong = Vec::new();
    for (n, (heading, step)) in steps.iter().enumerate() {
        let Some((lines, status)) = results.get(n) else {
            wrong.push(format!("{heading}: the shell ended before `{}`", step.command));
            break;
        };
        let shown: Vec<&str> = step.shown.iter().map(String::as_str).collect();
        let got: Vec<&str> = lines.iter().map(String::as_str).collect();
        let right = if shown.is_empty() { status == "0" } else { fits(&shown, &got) };
        if !right {
            let (shown, got) = (shown.join("\n"), got.join("\n"));
            wrong.push(format!(
                "{heading}: $ {}\nthe page shows:\n{shown}\nit printed (status {status}):\n{got}\n",
                step.command
            ));
        }
    }
    wrong
}

#[test]
fn every_console_block_of_the_readme_is_true() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("README.md");
    let page = fs::read_to_string(&path).expect("README.md is part of the project");
    assert!(!sections(&page).is_empty(), "README.md has no console block to run");
    let wrong = check(&page);
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn the_runner_finds_lies() {
    let page = |shown: &str| {
        format!("# One\n```console\n$ x=1\n$ printf 'a\\nb\\nc\\n'\n{shown}\n```\n```sh\nrm -rf /\n```\n")
    };
    for (shown, good) in [
        ("a\nb\nc", true),
        ("a\n...", true),
        ("...\nc", true),
        ("...", true),
        ("a\n...\nc", true),
        ("a\nb", false),
        ("a\nb\nc\nd", false),
        ("a\nc\n...", false),
    ] {
        assert_eq!(check(&page(shown)).is_empty(), good, "{shown}");
    }
    assert_eq!(check("```console\n$ false\n```\n").len(), 1, "a command that fails");
    assert_eq!(
        check("```console\n$ for x in 1 2\n> do echo \"$x of ab\"\n> done\n1 of ...\n2 of a...\n```\n"),
        [""; 0]
    );
    assert_eq!(
        check("```console\n$ v=kept\n$ ls fixtures/answers.tsv; echo $v\nfixtures/answers.tsv\nkept\n```\n"),
        [""; 0]
    );
}
