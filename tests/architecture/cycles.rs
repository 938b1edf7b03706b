//! Files of one room import each other in one direction only, and verbs share what is no verb's.
//!
//! An import leads to the file that defines what is imported: what a `mod.rs` passes on with `pub use` is looked up behind
//! it, and passing on is no import.

use std::collections::{BTreeMap, BTreeSet};

use super::{Source, sources};

/// The modules of `ops` that are no verbs: what several verbs need. A verb imports these, and no other verb.
const SHARED: &[&str] = &[
    "ahead",
    "analysis",
    "base",
    "checkout",
    "copy_error",
    "damage",
    "delete_error",
    "error",
    "family",
    "files_error",
    "filter",
    "find",
    "glob",
    "installed",
    "intake",
    "listed",
    "location",
    "look",
    "manifest_error",
    "naming",
    "near",
    "output",
    "pipe",
    "receiving",
    "records",
    "remake",
    "remake_error",
    "remote",
    "sample",
    "sending",
    "search_error",
    "several",
    "size",
    "source",
    "tar_layer",
    "view",
    "view_tar",
];

/// Verbs that still import verbs. What is mended has to go from here.
const VERBS_BETWEEN: [(&str, &str); 1] = [("manifest", "remove")];

/// A `mod.rs` that still defines what files below it import, while it imports them. What is mended has to go from here.
const PARENTS: [&str; 7] = [
    "src/archive/docker_archive/mod.rs",
    "src/archive/mod.rs",
    "src/cli/mod.rs",
    "src/layer/overlay/mod.rs",
    "src/layout/mod.rs",
    "src/ops/export/mod.rs",
    "src/store/mod.rs",
];

/// Other imports between files of one room that still go in a circle. What is mended has to go from here.
const CIRCLES: [(&str, &str); 0] = [];

/// The files of the crate by their module paths, and what leads from one to the other.
struct Crate {
    files: BTreeMap<Vec<String>, Module>,
}

struct Module {
    path: String,
    /// What it imports or names, as absolute paths.
    imports: Vec<Vec<String>>,
    /// What it passes on, by the name under which it does.
    passed_on: BTreeMap<String, Vec<String>>,
}

impl Crate {
    fn read() -> Self {
        let files = sources().iter().filter(|source| source.module != "main").map(Module::read).collect();
        Self { files }
    }

    /// The file that defines what a path leads to.
    fn definition(&self, path: &[String]) -> Option<&Module> {
        let length = (1..=path.len()).rev().find(|length| self.files.contains_key(&path[..*length]))?;
        let module = &self.files[&path[..length]];
        let Some(name) = path.get(length) else { return Some(module) };
        let behind = module.passed_on.get(name).cloned().map(|behind| [&behind, &path[length + 1..]].concat());
        let behind = behind.filter(|behind| behind != path);
        Some(behind.and_then(|behind| self.definition(&behind)).unwrap_or(module))
    }

    /// The imports between files of one room.
    fn edges(&self) -> BTreeSet<(&str, &str)> {
        let mut edges = BTreeSet::new();
        for (name, module) in &self.files {
            for import in module.imports.iter().filter(|import| import[0] == name[0]) {
                let Some(target) = self.definition(import) else { continue };
                if target.path != module.path {
                    edges.insert((module.path.as_str(), target.path.as_str()));
                }
            }
        }
        edges
    }
}

impl Module {
    fn read(source: &Source) -> (Vec<String>, Self) {
        let code: String = source.code().map(|(_, line)| line.trim().to_owned() + " ").collect();
        let name = module_path(&source.path);
        let children = declared(&code);
        let (mut imports, mut passed_on) = (Vec::new(), BTreeMap::new());
        let (uses, rest) = split_uses(&code);
        for (is_passed_on, tree) in uses {
            for (path, alias) in leaves(&tree) {
                let Some(path) = absolute(&name, &children, &path) else { continue };
                if is_passed_on {
                    passed_on.insert(alias, path);
                } else {
                    imports.push(path);
                }
            }
        }
        imports.extend(named(&rest).iter().filter_map(|path| absolute(&name, &children, path)));
        (name, Self { path: source.path.clone(), imports, passed_on })
    }
}

/// `src/ops/load/mod.rs` is `ops::load`.
fn module_path(path: &str) -> Vec<String> {
    let inner = path.trim_start_matches("src/").trim_end_matches(".rs").trim_end_matches("/mod");
    inner.split('/').map(ToOwned::to_owned).collect()
}

/// The modules that a file declares.
fn declared(code: &str) -> BTreeSet<String> {
    code.split(';').filter_map(|item| Some(item.rsplit_once("mod ")?.1.trim().to_owned())).collect()
}

/// The `use` declarations with whether they pass something on, and all else.
fn split_uses(code: &str) -> (Vec<(bool, String)>, String) {
    let (mut uses, mut rest) = (Vec::new(), String::new());
    let is_path = |c: char| c.is_alphanumeric() || "_:{},*; ".contains(c);
    for item in code.split_inclusive(';') {
        let starts = item.match_indices("use ").map(|(at, _)| at);
        let mut starts = starts.filter(|at| item[..*at].chars().next_back().is_none_or(|c| " {})".contains(c)));
        match starts.find(|at| item[*at..].chars().all(is_path)) {
            Some(start) => {
                let head = item[..start].trim_end();
                rest.push_str(head);
                let is_passed_on = head.ends_with("pub") || head.ends_with(')') && head.contains("pub(");
                uses.push((is_passed_on, item[start + 4..].trim_end_matches(';').trim().to_owned()));
            }
            None => rest.push_str(item),
        }
    }
    (uses, rest)
}

/// The paths of a `use` tree with the name that each is given.
fn leaves(tree: &str) -> Vec<(Vec<String>, String)> {
    let tree = tree.trim();
    if let Some(open) = tree.find('{') {
        let prefix: Vec<String> = tree[..open]
            .trim_end_matches("::")
            .split("::")
            .filter(|word| !word.is_empty())
            .map(str::to_owned)
            .collect();
        let inner = tree[open + 1..].rsplit_once('}').map_or("", |(inner, _)| inner);
        let with_prefix = |(path, alias): (Vec<String>, String)| ([&prefix[..], &path].concat(), alias);
        let mut all: Vec<_> = items(inner).iter().flat_map(|item| leaves(item)).map(with_prefix).collect();
        for (path, alias) in &mut all {
            if path.last().is_some_and(|last| last == "self") {
                path.pop();
                if alias == "self" {
                    *alias = path.last().cloned().unwrap_or_default();
                }
            }
        }
        return all;
    }
    let (path, alias) = tree.split_once(" as ").unwrap_or((tree, ""));
    let mut path: Vec<String> = path.split("::").map(|word| word.trim().to_owned()).collect();
    let last = path.last().cloned().unwrap_or_default();
    if last == "*" {
        path.pop();
    }
    vec![(path, if alias.is_empty() { last } else { alias.trim().to_owned() })]
}

/// The items of a brace group.
fn items(group: &str) -> Vec<String> {
    let (mut items, mut depth) = (vec![String::new()], 0);
    for c in group.chars() {
        match c {
            '{' => depth += 1,
            '}' => depth -= 1,
            ',' if depth == 0 => {
                items.push(String::new());
                continue;
            }
            _ => {}
        }
        items.last_mut().expect("there is one").push(c);
    }
    items.retain(|item| !item.trim().is_empty());
    items
}

/// The paths that code names outside of `use`: `super::open(…)`, `merge::merge(…)`.
fn named(code: &str) -> Vec<Vec<String>> {
    let is_word = |c: char| c.is_alphanumeric() || c == '_' || c == ':';
    code.split(|c| !is_word(c))
        .filter(|path| path.contains("::") && !path.starts_with(':'))
        .map(|path| path.split("::").filter(|word| !word.is_empty()).map(ToOwned::to_owned).collect())
        .collect()
}

/// A path from the root of the crate, if it leads into it.
fn absolute(module: &[String], children: &BTreeSet<String>, path: &[String]) -> Option<Vec<String>> {
    let (mut base, mut rest) = match path.first()?.as_str() {
        "crate" => (Vec::new(), &path[1..]),
        "self" => (module.to_vec(), &path[1..]),
        "super" => (module.to_vec(), path),
        first if children.contains(first) => (module.to_vec(), path),
        _ => return None,
    };
    while let Some((first, others)) = rest.split_first()
        && first == "super"
    {
        base.pop();
        rest = others;
    }
    base.extend(rest.iter().cloned());
    (!base.is_empty()).then_some(base)
}

/// Edges of which the end leads back to the start.
fn circles<'a>(edges: &BTreeSet<(&'a str, &'a str)>) -> BTreeSet<(&'a str, &'a str)> {
    let leads_to = |start: &str, end: &str| {
        let (mut seen, mut next) = (BTreeSet::new(), vec![start]);
        while let Some(file) = next.pop() {
            if file == end {
                return true;
            }
            let further = edges.iter().filter(|(from, _)| *from == file).map(|(_, to)| *to);
            next.extend(further.filter(|to| seen.insert(*to)));
        }
        false
    };
    edges.iter().copied().filter(|(from, to)| leads_to(to, from)).collect()
}

fn difference(found: &BTreeSet<(&str, &str)>, known: &[(&str, &str)]) -> Vec<String> {
    let known: BTreeSet<(&str, &str)> = known.iter().copied().collect();
    let new = found.difference(&known).map(|(from, to)| format!("(\"{from}\", \"{to}\"), // is new"));
    let mended =
        known.difference(found).map(|(from, to)| format!("(\"{from}\", \"{to}\"), // is mended: take it away"));
    new.chain(mended).collect()
}

/// Whether one file is the `mod.rs` of a folder that the other is in.
fn is_above(parent: &str, file: &str) -> bool {
    parent.strip_suffix("mod.rs").is_some_and(|folder| file.starts_with(folder) && file != parent)
}

#[test]
fn files_of_a_room_do_not_import_each_other() {
    let all = Crate::read();
    let edges = all.edges();
    let in_circles = circles(&edges);
    let parents = in_circles.iter().filter(|(from, to)| is_above(to, from)).map(|(_, parent)| (*parent, ""));
    let aside = edges.iter().copied().filter(|(from, to)| !is_above(to, from)).collect();
    let wrong =
        [difference(&parents.collect(), &PARENTS.map(|parent| (parent, ""))), difference(&circles(&aside), &CIRCLES)];
    assert!(wrong.iter().all(Vec::is_empty), "{}", wrong.concat().join("\n"));
}

#[test]
fn verbs_import_no_verbs() {
    let all = Crate::read();
    let verb = |path: &str| -> Option<String> {
        let name = module_path(path).get(1)?.clone();
        (path.starts_with("src/ops/") && name != "mod" && !SHARED.contains(&name.as_str())).then_some(name)
    };
    let edges = all.edges();
    let edges: BTreeSet<(String, String)> = edges
        .iter()
        .filter(|(from, to)| from.starts_with("src/ops/") && to.starts_with("src/ops/"))
        .filter_map(|(from, to)| Some((module_path(from).get(1)?.clone(), verb(to)?)))
        .filter(|(from, to)| from != to)
        .collect();
    let edges = edges.iter().map(|(from, to)| (from.as_str(), to.as_str())).collect();
    let wrong = difference(&edges, &VERBS_BETWEEN);
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn the_check_of_circles_sees_what_it_must() {
    let paths =
        |tree: &str| leaves(tree).into_iter().map(|(path, name)| format!("{} {name}", path.join("::"))).collect();
    let expected: Vec<String> =
        ["crate::a::B B", "crate::a c", "super::e::F G", "super::h *"].map(str::to_owned).to_vec();
    let found: Vec<String> = ["crate::a::{B}", "crate::a as c", "super::{e::F as G, h::*}"]
        .iter()
        .flat_map(|tree| -> Vec<String> { paths(tree) })
        .collect();
    assert_eq!(found, expected);
    let module = |path: &str, text: &str| {
        let lines = text.lines().map(ToOwned::to_owned).collect();
        Module::read(&Source { path: path.to_owned(), module: "m".to_owned(), lines })
    };
    // `a` and `b` import each other, one of them through what the room passes on; `c` only imports.
    let files = [
        module("src/m/mod.rs", "mod a;\nmod b;\nmod c;\npub use a::A;\nconst X: u8 = 0;"),
        module("src/m/a.rs", "use std::fs;\nuse super::b::{self, B};\npub struct A(B);"),
        module("src/m/b.rs", "pub(crate) struct B;\nfn f() -> crate::m::A {}"),
        module("src/m/c.rs", "use std::io;\nuse super::{A, X};"),
    ];
    let all = Crate { files: files.into_iter().collect() };
    let edges = all.edges();
    let circle = [("src/m/a.rs", "src/m/b.rs"), ("src/m/b.rs", "src/m/a.rs")];
    assert_eq!(circles(&edges), circle.into_iter().collect());
    assert!(
        edges.contains(&("src/m/c.rs", "src/m/a.rs")) && edges.contains(&("src/m/c.rs", "src/m/mod.rs")),
        "{edges:?}"
    );
    assert_eq!(edges.len(), 4, "{edges:?}");
    assert_eq!(difference(&circles(&edges), &circle).len(), 0);
    assert_eq!(difference(&circles(&edges), &[("x", "y")]).len(), 3);
}
