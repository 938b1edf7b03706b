//! The language against tables of `BuildKit`'s own tests.

use std::path::PathBuf;

use serde_json::Value;

use super::error::Fault;
use super::lines::{self, DockerfileLine};
use super::{CommandForm, Instruction, expand, heredoc, parse, words};

fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("fixtures/build/parser")
}

/// The rows of a table.
fn table(name: &str) -> Vec<Value> {
    let path = folder().join(name);
    let text = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let rows: Vec<Value> = serde_json::from_str(&text).expect("a table");
    assert!(!rows.is_empty(), "{name} has rows");
    rows
}

fn text<'a>(row: &'a Value, key: &str) -> &'a str {
    row[key].as_str().unwrap_or_else(|| panic!("{key} of {row}"))
}

fn strings(value: &Value) -> Vec<String> {
    serde_json::from_value(value.clone()).unwrap_or_else(|error| panic!("{value}: {error}"))
}

fn environment(row: &Value) -> Vec<String> {
    strings(&row["env"])
}

#[test]
fn words_are_expanded() {
    for row in table("expand.json") {
        let expanded = expand(text(&row, "in"), &environment(&row), '\\').map(|expanded| expanded.text);
        match &row["out"] {
            Value::Null => assert!(expanded.is_err(), "{row}: {expanded:?}"),
            out => assert_eq!(expanded.as_deref().ok(), out.as_str(), "{row}"),
        }
    }
}

#[test]
fn words_are_split() {
    for row in table("split.json") {
        let expanded = expand(text(&row, "in"), &environment(&row), '\\').expect("a line of words");
        assert_eq!(expanded.words, strings(&row["out"]), "{row}");
    }
}

#[test]
fn raw_words_are_split() {
    for row in table("words.json") {
        assert_eq!(words::quoted(text(&row, "in"), '\\'), strings(&row["out"]), "{row}");
    }
}

#[test]
fn arrays_are_read() {
    for row in table("json.json") {
        let read = words::json(text(&row, "in"));
        match &row["out"] {
            Value::Null => assert_eq!(read, Err(Fault::NotStrings), "{row}"),
            out => assert_eq!(read, Ok(Some(strings(out))), "{row}"),
        }
    }
}

#[test]
fn names_and_values_are_read() {
    for row in table("name_values.json") {
        let line = DockerfileLine::new(text(&row, "in"), '\\');
        let pairs: Vec<Vec<String>> = serde_json::from_value(row["out"].clone()).expect("pairs");
        let pairs: Vec<(String, String)> = pairs.into_iter().map(|pair| (pair[0].clone(), pair[1].clone())).collect();
        assert_eq!(words::pairs(&line.rest, '\\', "LABEL"), Ok(pairs), "{row}");
    }
}

#[test]
fn directives_are_read() {
    for row in table("directives.json") {
        // Some of these files have no instruction.
        let file = lines::read(&format!("{}\nFROM x", text(&row, "dockerfile"))).expect("a Dockerfile");
        let expected = &row["directives"];
        assert_eq!(file.directives.syntax.as_deref(), expected["syntax"].as_str(), "{row}");
        assert_eq!(file.directives.check.as_deref(), expected["check"].as_str(), "{row}");
        assert_eq!(file.directives.escape.to_string(), expected["escape"].as_str().unwrap_or("\\"), "{row}");
    }
}

#[test]
fn heredocs_begin_with_a_word() {
    for row in table("heredoc_words.json") {
        let begun = heredoc::begin(text(&row, "in"));
        match &row["is"] {
            Value::Null => assert_eq!(begun, Ok(None), "{row}"),
            Value::String(error) if error == "error" => assert!(begun.is_err(), "{row}: {begun:?}"),
            name => assert_eq!(begun.expect("a word").map(|heredoc| heredoc.name).as_deref(), name.as_str(), "{row}"),
        }
    }
    for row in table("heredoc_lines.json") {
        let begun = heredoc::begun(text(&row, "in")).expect("a line");
        let names: Vec<String> = begun.into_iter().map(|heredoc| heredoc.name).collect();
        assert_eq!(names, strings(&row["names"]), "{row}");
    }
}

#[test]
fn heredocs_of_a_file() {
    for row in table("heredoc_file.json") {
        let file = lines::read(text(&row, "dockerfile")).expect("lines");
        let found: Vec<Value> = file
            .instructions
            .iter()
            .flat_map(|line| &line.heredocs)
            .map(|heredoc| {
                serde_json::json!({
                    "name": heredoc.name, "content": heredoc.content, "expand": heredoc.expand,
                    "chomp": heredoc.chomp, "fd": heredoc.descriptor,
                })
            })
            .collect();
        let mut expected: Vec<Value> = row["heredocs"].as_array().expect("a list").clone();
        for heredoc in expected.iter_mut().filter(|heredoc| heredoc["chomp"] == true) {
            // BuildKit removes the tabs later.
            let lines: Vec<&str> = text(heredoc, "content").lines().map(|line| line.trim_start_matches('\t')).collect();
            heredoc["content"] = format!("{}\n", lines.join("\n")).into();
        }
        assert_eq!(found, expected);
    }
}

fn only(dockerfile: &str) -> Instruction {
    let file = parse(format!("FROM scratch\n{dockerfile}").as_bytes()).expect("a Dockerfile");
    file.stages[0].instructions[0].value.clone()
}

#[test]
fn copies_and_runs() {
    for row in table("copy.json") {
        let Instruction::Copy(copy) = only(text(&row, "dockerfile")) else { panic!("{row}") };
        assert_eq!(copy.sources, strings(&row["sources"]), "{row}");
        assert_eq!(copy.destination, text(&row, "dest"), "{row}");
        let files: Vec<Value> = copy
            .heredocs
            .iter()
            .map(|file| serde_json::json!({"name": file.name, "data": file.content, "expand": file.expand}))
            .collect();
        assert_eq!(Value::Array(files), row["files"], "{row}");
    }
    for row in table("run.json") {
        let Instruction::Run(run) = only(text(&row, "dockerfile")) else { panic!("{row}") };
        let (is_shell, command) = match run.command {
            CommandForm::Exec(words) => (false, words),
            CommandForm::Shell(text) => (true, text.into_iter().collect()),
        };
        assert_eq!((is_shell, command), (row["shell"] == true, strings(&row["command"])), "{row}");
        let files: Vec<Value> = run
            .heredocs
            .iter()
            .map(|file| serde_json::json!({"name": file.name, "data": file.content, "chomp": file.chomp}))
            .collect();
        assert_eq!(Value::Array(files), row["files"], "{row}");
    }
}

#[test]
fn what_is_refused() {
    for row in table("errors.json") {
        let dockerfile = text(&row, "dockerfile");
        // Circles of stages are found when a build is planned, and so is an image without a name.
        if dockerfile.contains("--from=stage") || dockerfile.contains("\"\"") {
            assert!(parse(dockerfile.as_bytes()).is_ok(), "{row}");
            continue;
        }
        let read = if dockerfile.starts_with("FROM") {
            parse(dockerfile.as_bytes())
        } else {
            parse(format!("FROM x\n{dockerfile}").as_bytes())
        };
        let error = read.expect_err(dockerfile).to_string().to_lowercase();
        assert!(error.contains(&text(&row, "says").to_lowercase()), "{row}: {error}");
    }
}

#[test]
fn empty_continuations_are_noted() {
    for row in table("warnings.json") {
        let file = lines::read(text(&row, "dockerfile")).expect("lines");
        let noted: Vec<String> = file
            .empty_continuations
            .iter()
            .filter_map(|lines| file.instructions.iter().find(|line| line.lines == *lines))
            .map(|line| line.original.clone())
            .collect();
        assert_eq!(noted, strings(&row["empty_continuation_in"]), "{row}");
    }
}

#[test]
fn lines_of_instructions() {
    for row in table("lines.json") {
        let dockerfile = std::fs::read_to_string(folder().join(text(&row, "file"))).expect("a file");
        let file = lines::read(&dockerfile).expect("lines");
        let found: Vec<[usize; 2]> =
            file.instructions.iter().map(|line| [*line.lines.start(), *line.lines.end()]).collect();
        let expected: Vec<[usize; 2]> = serde_json::from_value(row["instructions"].clone()).expect("pairs of lines");
        assert_eq!(found, expected);
    }
}

/// An instruction as `BuildKit` prints its tree.
fn tree(line: &DockerfileLine) -> Result<String, Fault> {
    let quoted = |words: &[String]| words.iter().flat_map(|word| [" ".to_owned(), go_quoted(word)]).collect::<String>();
    let flags = match line.flags.as_slice() {
        [] => String::new(),
        flags => format!(" [{}]", quoted(flags).trim_start()),
    };
    let rest = line.rest.as_str();
    let text = |rest: &str| if rest.is_empty() { Vec::new() } else { vec![rest.to_owned()] };
    let keyword = line.keyword.to_lowercase();
    let args = match keyword.as_str() {
        "add" | "copy" | "volume" => quoted(&words::list(rest)?),
        "arg" => quoted(&words::quoted(rest, line.escape)),
        "cmd" | "entrypoint" | "run" | "shell" => quoted(&words::json(rest)?.unwrap_or_else(|| text(rest))),
        "env" | "label" => {
            let separator = if words::quoted(rest, line.escape)[0].contains('=') { "=" } else { "" };
            let pairs = words::pairs(rest, line.escape, "ENV")?;
            pairs.into_iter().map(|(name, value)| quoted(&[name, value, separator.to_owned()])).collect()
        }
        "expose" | "from" => quoted(&words::plain(rest)),
        "healthcheck" => {
            let (kind, command) = rest.split_once(char::is_whitespace).unwrap_or((rest, ""));
            let command = command.trim_start();
            quoted(&text(kind)) + &quoted(&words::json(command)?.unwrap_or_else(|| text(command)))
        }
        "onbuild" => format!(" {}", tree(&DockerfileLine::new(rest, line.escape))?),
        _ => quoted(&text(rest)),
    };
    Ok(format!("({keyword}{flags}{args})"))
}

/// Go's `strconv.Quote`, for what the files have.
fn go_quoted(word: &str) -> String {
    let mut out = String::from('"');
    for letter in word.chars() {
        match letter {
            '"' | '\\' => out.extend(['\\', letter]),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            '\u{8}' => out.push_str("\\b"),
            '\u{c}' => out.push_str("\\f"),
            '\0' => out.push_str("\\x00"),
            _ => out.push(letter),
        }
    }
    out + "\""
}

#[test]
fn trees_of_files() {
    let mut compared = 0;
    for entry in std::fs::read_dir(folder().join("testfiles")).expect("a folder") {
        let folder = entry.expect("an entry").path();
        let dockerfile = std::fs::read_to_string(folder.join("Dockerfile")).expect("a Dockerfile");
        let expected = std::fs::read_to_string(folder.join("result")).expect("a result");
        let file = lines::read(&dockerfile).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
        let found: Vec<String> = file.instructions.iter().map(|line| tree(line).expect("a line")).collect();
        assert_eq!(found.join("\n"), expected.trim(), "{}", folder.display());
        compared += 1;
    }
    assert!(compared >= 20, "{compared}");
}

#[test]
fn files_that_are_none() {
    for entry in std::fs::read_dir(folder().join("testfiles-negative")).expect("a folder") {
        let folder = entry.expect("an entry").path();
        let dockerfile = std::fs::read(folder.join("Dockerfile")).expect("a Dockerfile");
        let read = parse(&dockerfile);
        assert!(read.is_err(), "{}: {read:?}", folder.display());
    }
}

proptest::proptest! {
    #[test]
    fn any_bytes_are_read_or_refused(bytes in proptest::collection::vec(proptest::prelude::any::<u8>(), 0..200)) {
        let _ = parse(&bytes);
    }

    #[test]
    fn any_words_are_read_or_refused(text in "(FROM|RUN|COPY|ENV|ONBUILD|<<E|E|\n| |\"|'|\\\\|\\$\\{a|:-|\\}|--x=|\\[|\\]|#|=|a){0,40}") {
        if let Ok(file) = parse(text.as_bytes()) {
            for instruction in file.stages.iter().flat_map(|stage| &stage.instructions) {
                let _ = instruction.value.substitute(&vec!["a=b".to_owned()], '\\');
            }
        }
    }
}
