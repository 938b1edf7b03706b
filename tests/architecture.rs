//! The layering of the library, held by reading its sources: imports go strictly down, side effects stay in their
//! places, files and functions stay short, and no file is forgotten.

#[path = "architecture/cycles.rs"]
mod cycles;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

/// The layout table: a module's level. A module may import those on lower levels, never its siblings.
const LEVELS: [(&str, u8); 19] = [
    ("cancel", 0),
    ("http", 0),
    ("go", 0),
    ("packages", 0),
    ("docker", 1),
    ("oci", 1),
    ("dockerfile", 2),
    ("layer", 2),
    ("image", 3),
    ("layout", 4),
    ("rootfs", 4),
    ("store", 5),
    ("archive", 5),
    ("registry", 5),
    ("runtime", 5),
    ("ops", 6),
    ("ui", 6),
    ("serve", 7),
    ("cli", 8),
];

/// What a module may import where its level says too much: the user interface shows values, it does not fetch them.
const NARROWER: [(&str, &[&str]); 1] = [("ui", &["go", "docker", "oci", "image"])];

/// What only these modules may do, by the words that do it.
const SIDE_EFFECTS: [(&str, &[&str], &[&str]); 6] = [
    (
        "writes to the terminal",
        &["ui"],
        &["println!", "eprintln!", "print!(", "dbg!", "io::stdout", "io::stderr", "stdout()", "stderr()"],
    ),
    (
        "reads the environment",
        &["cli", "main", "ui"],
        &["env::var", "env::args", "env::current_dir", "env::temp_dir", "env::home_dir", "env::set_"],
    ),
    ("asks what time it is", &["cli", "ui", "serve"], &["SystemTime::now", "Timestamp::now", "Zoned::now"]),
    // Servers that stall and tokens that expire are found out only by measuring.
    ("measures time", &["cli", "ui", "http", "registry", "serve"], &["Instant::now"]),
    ("exits", &["cli", "main"], &["process::exit", "process::abort"]),
    // Credential helpers, and OCI runtimes.
    ("runs a program", &["registry", "runtime"], &["Command::new"]),
];

/// Lines of a file without its tests.
const FILE_LIMIT: usize = 400;
/// Lines of a function, signature and braces included.
const FUNCTION_LIMIT: usize = 70;

/// A source file: where it is, the module it belongs to, and its code without tests and comments.
struct Source {
    path: String,
    module: String,
    lines: Vec<String>,
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).to_owned()
}

fn rust_files(folder: &str) -> Vec<PathBuf> {
    let mut files: Vec<PathBuf> = walkdir::WalkDir::new(root().join(folder))
        .into_iter()
        .map(|entry| entry.expect("a readable folder").into_path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "rs"))
        .collect();
    files.sort();
    files
}

fn sources() -> Vec<Source> {
    let src = root().join("src");
    let files: Vec<(PathBuf, Code)> = rust_files("src")
        .into_iter()
        .map(|path| {
            let text = fs::read_to_string(&path).expect("a readable file");
            (path.strip_prefix(&src).expect("below src").to_owned(), without_tests(&text))
        })
        .collect();
    let test_modules: Vec<PathBuf> = files
        .iter()
        .flat_map(|(path, code)| code.test_modules.iter().map(|name| module_folder(path).join(name)))
        .collect();
    let is_test = |path: &Path| test_modules.iter().any(|module| path.with_extension("").starts_with(module));
    let mut all = Vec::new();
    for (inner, code) in files.into_iter().filter(|(path, _)| !is_test(path)) {
        let first = inner.components().next().expect("a path").as_os_str().to_string_lossy().into_owned();
        all.push(Source {
            path: format!("src/{}", inner.display()),
            module: first.trim_end_matches(".rs").to_owned(),
            lines: code.lines,
        });
    }
    assert!(all.len() > 3 && !test_modules.is_empty(), "the sources were found, and their tests");
    all
}

/// Where the modules are that a file declares.
fn module_folder(file: &Path) -> PathBuf {
    let is_root = ["mod.rs", "lib.rs", "main.rs"].iter().any(|name| file.ends_with(name));
    if is_root { file.parent().unwrap_or(Path::new("")).to_owned() } else { file.with_extension("") }
}

/// A file without what is compiled for tests only.
struct Code {
    /// Its lines, those of tests empty.
    lines: Vec<String>,
    /// The modules that it declares for tests.
    test_modules: Vec<String>,
}

/// Empties `#[cfg(test)]`, and with it the item behind it: a line that ends with a semicolon, or a block as rustfmt
/// writes it.
fn without_tests(text: &str) -> Code {
    let mut lines: Vec<String> = text.lines().map(ToOwned::to_owned).collect();
    let mut test_modules = Vec::new();
    let mut at = 0;
    while let Some(start) = lines[at..].iter().position(|line| line.trim() == "#[cfg(test)]").map(|found| at + found) {
        let indent = &lines[start][..lines[start].len() - lines[start].trim_start().len()];
        let end_of_block = format!("{indent}}}");
        let is_end = |line: &String| line.ends_with(';') && line.trim_start().len() + indent.len() == line.len();
        let length = lines[start..].iter().position(|line| is_end(line) || *line == end_of_block).expect("an end");
        let last = lines[start + length].trim().trim_start_matches("pub(crate) ").to_owned();
        test_modules.extend(last.strip_prefix("mod ").map(|name| name.trim_end_matches(';').to_owned()));
        lines[start..=start + length].fill(String::new());
        at = start + length + 1;
    }
    lines.truncate(lines.iter().rposition(|line| !line.is_empty()).map_or(0, |last| last + 1));
    Code { lines, test_modules }
}

impl Source {
    fn code(&self) -> impl Iterator<Item = (usize, &str)> {
        let comment = |line: &str| line.trim_start().starts_with("//");
        self.lines.iter().enumerate().map(|(n, line)| (n + 1, line.as_str())).filter(move |(_, line)| !comment(line))
    }
}

fn level(module: &str) -> Option<u8> {
    LEVELS.iter().find(|(name, _)| *name == module).map(|(_, level)| *level)
}

/// The modules that a line names with `crate::`, also in braces: `use crate::{oci::Digest, layer}`.
fn imported(code: &str) -> Vec<String> {
    let mut modules = Vec::new();
    for (at, _) in code.match_indices("crate::") {
        let rest = &code[at + "crate::".len()..];
        if let Some(group) = rest.strip_prefix('{') {
            modules.extend(group_heads(group));
        } else {
            modules.push(word(rest));
        }
    }
    modules
}

fn word(text: &str) -> String {
    text.trim_start().chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect()
}

/// The first words of a brace group's items, deeper groups left out.
fn group_heads(group: &str) -> Vec<String> {
    let mut heads = vec![word(group)];
    let mut depth = 0;
    for (at, c) in group.char_indices() {
        match c {
            '{' => depth += 1,
            '}' if depth == 0 => break,
            '}' => depth -= 1,
            ',' if depth == 0 => heads.push(word(&group[at + 1..])),
            _ => {}
        }
    }
    heads.retain(|head| !head.is_empty());
    heads
}

#[test]
fn imports_go_strictly_down() {
    let mut wrong = Vec::new();
    for source in sources() {
        let code: String = source.code().map(|(_, line)| line.to_owned() + "\n").collect();
        if source.module == "lib" || source.module == "main" {
            continue;
        }
        let Some(own) = level(&source.module) else {
            wrong.push(format!("{}: no place in the layout table", source.path));
            continue;
        };
        for import in imported(&code) {
            // What the crate's root re-exports or defines is no module.
            let Some(other) = level(&import) else {
                wrong.push(format!("{} imports crate::{import}, which has no place in the layout table", source.path));
                continue;
            };
            let narrow = NARROWER.iter().find(|(name, _)| *name == source.module);
            let allowed = narrow.is_none_or(|(_, only)| only.contains(&import.as_str()));
            if import != source.module && (other >= own || !allowed) {
                wrong.push(format!("{} imports crate::{import}", source.path));
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn the_check_of_imports_sees_what_it_must() {
    assert_eq!(imported("use crate::oci::Digest;"), ["oci"]);
    assert_eq!(imported("use crate::{oci::{a, b}, layer::Entry, image};"), ["oci", "layer", "image"]);
    assert_eq!(imported("let x = crate::ops::load(crate::ui::out());"), ["ops", "ui"]);
}

#[test]
fn side_effects_stay_in_their_places() {
    let mut wrong = Vec::new();
    for source in sources() {
        for (what, places, words) in SIDE_EFFECTS {
            if places.contains(&source.module.as_str()) {
                continue;
            }
            for (number, line) in source.code() {
                if words.iter().any(|word| line.contains(word)) {
                    wrong.push(format!("{}:{number} {what}: {}", source.path, line.trim()));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn files_and_functions_are_short() {
    let mut wrong = Vec::new();
    for source in sources() {
        if source.lines.len() > FILE_LIMIT {
            wrong.push(format!("{} has {} lines", source.path, source.lines.len()));
        }
        for (number, length) in functions(&source.lines) {
            if length > FUNCTION_LIMIT {
                wrong.push(format!("{}:{number} is a function of {length} lines", source.path));
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

/// Where functions begin and how many lines they have; rustfmt puts the closing brace below the first word.
fn functions(lines: &[String]) -> Vec<(usize, usize)> {
    let mut found = Vec::new();
    for (start, line) in lines.iter().enumerate() {
        let text = line.trim_start();
        let indent = line.len() - text.len();
        let words: Vec<&str> = text.split_whitespace().take_while(|word| !word.contains('(')).collect();
        let before_fn = words.iter().take_while(|word| **word != "fn");
        let is_fn = text.contains("fn ")
            && before_fn.clone().count() < 5
            && before_fn
                .clone()
                .all(|word| word.starts_with("pub") || ["const", "async", "extern", "crate)", "super)"].contains(word));
        if !is_fn || line.trim_end().ends_with(';') || line.trim_end().ends_with('}') {
            continue;
        }
        let end = format!("{}}}", " ".repeat(indent));
        if let Some(length) = lines[start..].iter().position(|line| *line == end) {
            found.push((start + 1, length + 1));
        }
    }
    found
}

#[test]
fn main_says_three_words() {
    let text = fs::read_to_string(root().join("src/main.rs")).expect("src/main.rs");
    assert!(text.lines().count() <= 30, "src/main.rs has {} lines", text.lines().count());
}

#[test]
fn no_file_is_forgotten() {
    let mut wrong = Vec::new();
    let mut parents: BTreeMap<PathBuf, String> = BTreeMap::new();
    for folder in ["src", "tests"] {
        for path in rust_files(folder) {
            let name = path.file_stem().expect("a name").to_string_lossy().into_owned();
            let dir = path.parent().expect("a folder").to_owned();
            let roots = dir == root().join("tests") || ["lib", "main", "mod"].contains(&name.as_str());
            if roots {
                continue;
            }
            let text = parents.entry(dir.clone()).or_insert_with(|| declarations(&dir));
            if !text.contains(&format!("mod {name};")) {
                wrong.push(path);
            }
        }
    }
    assert!(wrong.is_empty(), "no `mod` line leads to {wrong:#?}");
}

/// The text of the files that may declare a folder's modules.
fn declarations(dir: &Path) -> String {
    let sibling = dir.with_extension("rs");
    ["lib.rs", "main.rs", "mod.rs"]
        .map(|name| dir.join(name))
        .into_iter()
        .chain([sibling])
        .filter_map(|path| fs::read_to_string(path).ok())
        .collect()
}
